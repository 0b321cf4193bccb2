#pragma once

/// Forks a process that init adopts at once, because the caller may become a program that would never reap a child that
/// it does not know of. 0 in the new process, 1 in the caller, or -errno.
int clinux_fork_orphan(void);

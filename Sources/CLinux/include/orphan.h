#pragma once

/// Forks a process that init adopts at once: who forks may become a program that would never take the end of a child it does
/// not know of. 0 in the new process, 1 in the caller, or -errno.
int clinux_fork_orphan(void);

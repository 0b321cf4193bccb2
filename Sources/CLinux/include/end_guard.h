#pragma once

// A process that outlives the one that made it, unless that is killed before it has said that it may.

/// Leaves a process behind that kills the process of `pidfd` when this one ends without having called it off. It holds
/// nothing else of this process. The descriptor to call it off by, close-on-exec; or -errno.
int clinux_guard_end(int pidfd);

/// Calls the guard off, and closes its descriptor.
void clinux_call_off_guard(int guard);

#pragma once

#include <sys/types.h>

// The end of a child, waited for no longer than one wants to.

/// Takes a child's end from the kernel, and its wait status (wait(2)) in `*status`. 1; 0 where it has not ended within
/// `deadline_ms`; or -errno (-ECHILD: it is no child, or its end was taken already).
int clinux_reap(pid_t pid, int deadline_ms, int *status);

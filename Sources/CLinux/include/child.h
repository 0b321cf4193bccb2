#pragma once

#include <sys/types.h>

// Waiting for the end of a child, with a deadline.

/// Reaps a child and puts its wait status (wait(2)) into `*status`. 1; 0 if it has not ended within `deadline_ms`; or
/// -errno (-ECHILD: it is not a child, or was reaped already).
int clinux_reap(pid_t pid, int deadline_ms, int *status);

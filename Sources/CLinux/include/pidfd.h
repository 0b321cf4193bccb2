#pragma once

#include <stdint.h>

// Processes by descriptor (pidfd_open(2)): a pidfd never comes to mean another process.

/// Opens a pidfd for `pid`, close-on-exec. The descriptor, or -errno (-ESRCH: no such process).
int clinux_pidfd_open(int pid);

/// Sends `signal` to the process of `pidfd`. 0 or -errno.
int clinux_pidfd_signal(int pidfd, int signal);

/// When `pid` started, in clock ticks since boot (field 22 of proc_pid_stat(5)), or -errno.
int64_t clinux_start_time(int pid);

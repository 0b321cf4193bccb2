#pragma once

#include <stdbool.h>
#include <stdint.h>

// Processes by descriptor (pidfd_open(2)): a pidfd never refers to another process later.

/// Opens a pidfd for `pid`, close-on-exec. The descriptor, or -errno (-ESRCH: no such process).
int clinux_pidfd_open(int pid);

/// Sends `signal` to the process of `pidfd`. 0 or -errno.
int clinux_pidfd_signal(int pidfd, int signal);

/// What proc_pid_stat(5) says about a process.
struct clinux_process {
	int64_t start_time; ///< its start, in clock ticks since boot
	bool is_ending;     ///< whether it was killed, is exiting, or is a zombie
	bool has_terminal;  ///< whether it has a controlling terminal
};

/// Looks up the process `pid`. 0 or -errno (-ESRCH: there is none, or none that the caller may see).
int clinux_process_look(int pid, struct clinux_process *process);

#pragma once

#include <stdbool.h>
#include <stdint.h>

// Processes by descriptor (pidfd_open(2)): a pidfd never comes to mean another process.

/// Opens a pidfd for `pid`, close-on-exec. The descriptor, or -errno (-ESRCH: no such process).
int clinux_pidfd_open(int pid);

/// Sends `signal` to the process of `pidfd`. 0 or -errno.
int clinux_pidfd_signal(int pidfd, int signal);

/// What proc_pid_stat(5) tells of a process.
struct clinux_process {
	int64_t start_time; ///< when it started, in clock ticks since boot
	bool is_ending;     ///< whether it was killed, or is on its way out, or only a zombie
	bool has_terminal;  ///< whether it has a controlling terminal
};

/// Looks at the process `pid`. 0 or -errno (-ESRCH: there is none, or none that the caller may see).
int clinux_process_look(int pid, struct clinux_process *process);

#pragma once

#include <stdint.h>

// The limits and priorities that a process inherits from its starter (setrlimit(2), sched(7),
// proc_pid_oom_score_adj(5)) are meant for that shell, not for the VM. kvmctl's children get these instead.

/// Gives the calling process the ordinary limits, and the calling thread the ordinary priorities:
///
/// - no limit on file size, CPU time, address space, data, locked memory and real-time CPU time;
/// - 65536 descriptors, 16384 threads and 65536 pending signals; a stack of 8 MiB, which may grow beyond it;
/// - no core files, which would hold the guest's memory; no right to raise its priority;
/// - the policy SCHED_OTHER at nice 0, no I/O priority, every processor, the default memory policy and timer slack;
/// - an OOM score adjustment of 0, the personality of a plain Linux program, huge pages if the kernel gives them;
/// - no timer that signals it (setitimer(2)).
///
/// Without CAP_SYS_RESOURCE a process gets as much of each as its hard limit allows; without CAP_SYS_NICE it keeps a
/// worse priority that it may not leave.
void clinux_take_ordinary_limits(void);

/// The limits that can be too low for a VM.
enum clinux_limit {
	CLINUX_LIMIT_ADDRESS_SPACE,
	CLINUX_LIMIT_DATA,
	CLINUX_LIMIT_FILE_SIZE,
	CLINUX_LIMIT_CPU_TIME,
};

/// The value to which `clinux_take_ordinary_limits` can raise it, in bytes or seconds; UINT64_MAX: no limit.
uint64_t clinux_limit_in_reach(enum clinux_limit limit);

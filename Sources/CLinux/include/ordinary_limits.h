#pragma once

#include <stdint.h>

// What a process inherits of its starter's limits and priorities (setrlimit(2), sched(7), proc_pid_oom_score_adj(5)) says
// something of that shell, not of the VM. This is what kvmctl's children get instead.

/// Gives the calling process the ordinary limits, and the calling thread the ordinary priorities:
///
/// - no limit on file size, CPU time, address space, data, locked memory and real-time CPU time;
/// - 65536 descriptors, 16384 threads and 65536 pending signals; a stack of 8 MiB, which may grow beyond it;
/// - no core files, which would hold the guest's memory; no right to raise its own priority;
/// - the policy SCHED_OTHER at nice 0, no I/O priority, every processor, the default memory policy and timer slack;
/// - an OOM score adjustment of 0, the personality of a plain Linux program, huge pages where the kernel gives them;
/// - no timer that signals it (setitimer(2)).
///
/// A process without CAP_SYS_RESOURCE gets as much of each as its hard limit gives; one without CAP_SYS_NICE keeps a worse
/// priority than it may leave.
void clinux_take_ordinary_limits(void);

/// A limit that can be too low for a VM.
enum clinux_limit {
	CLINUX_LIMIT_ADDRESS_SPACE,
	CLINUX_LIMIT_DATA,
	CLINUX_LIMIT_FILE_SIZE,
	CLINUX_LIMIT_CPU_TIME,
};

/// What `clinux_take_ordinary_limits` can raise it to, in bytes or seconds; UINT64_MAX: no limit.
uint64_t clinux_limit_in_reach(enum clinux_limit limit);

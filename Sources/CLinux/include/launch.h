#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Turning this process, or a child of it, into QEMU: exactly the wanted descriptors, a session of its own, an
// unprivileged user without capabilities.

/// How far a launch came: what failed, where `clinux_spawn` fails.
enum clinux_stage {
	CLINUX_STAGE_FORK,
	CLINUX_STAGE_DESCRIPTORS,
	CLINUX_STAGE_IDENTITY,
	CLINUX_STAGE_CREDENTIALS,
	CLINUX_STAGE_EXEC,
};

/// A launch. Every pointer is borrowed for the time of the call.
struct clinux_launch {
	const char *path;
	char *const *argv;
	char *const *envp;
	/// `sources[i]` becomes descriptor `targets[i]`; every other descriptor is closed. There are at most 512.
	const int *sources;
	const int *targets;
	size_t descriptors;
	/// A file that is told the process's pid and start time before execve(2), and is not inherited; negative: none.
	int identity;
	/// Change to `uid`, `gid` and `groups`; otherwise only what privileges there are are dropped.
	bool change_user;
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t group_count;
	/// Be killed when the caller's thread ends: for a helper that nobody would miss.
	bool dies_with_parent;
	/// Stay who it is: for a tool of the host's that works for root.
	bool keeps_privileges;
	/// Keep the limits and priorities of the starter (ordinary_limits.h): where that is the service manager, they are meant.
	bool keeps_limits;
};

/// Starts a child in a session of its own. Its pid once execve(2) succeeded; else -errno, with `*stage` set: -ETIMEDOUT
/// where that takes longer than `deadline_ms`, as it does where a file system does not answer. On any failure the child
/// is killed.
pid_t clinux_spawn(const struct clinux_launch *launch, int deadline_ms, enum clinux_stage *stage);

/// Turns this very process into the program. Returns only on failure: -errno, with `*stage` set.
int clinux_become(const struct clinux_launch *launch, enum clinux_stage *stage);

/// What a process with such credentials can do on this host.
enum {
	CLINUX_CAN_OPEN_KVM = 1,
	CLINUX_CAN_IO_URING = 2,
	/// Execute the `path` of the launch.
	CLINUX_CAN_EXECUTE = 4,
};

/// Sends out a short-lived child that takes on the credentials of `launch` (of its other fields only `path` is read) to find
/// out what it can do. Its pid, for `clinux_probe_end`, or -errno.
pid_t clinux_probe_begin(const struct clinux_launch *launch);

/// Waits for that child, for at most `deadline_ms`. What it can do, as an OR of the constants above, or -errno.
int clinux_probe_end(pid_t pid, int deadline_ms);

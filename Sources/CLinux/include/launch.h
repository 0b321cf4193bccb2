#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Turns this process, or a child, into QEMU: with exactly the wanted descriptors, in its own session, as an
// unprivileged user without capabilities.

/// The stages of a launch; if `clinux_spawn` fails, the one that failed.
enum clinux_stage {
	CLINUX_STAGE_FORK,
	CLINUX_STAGE_DESCRIPTORS,
	CLINUX_STAGE_IDENTITY,
	CLINUX_STAGE_PROCESSORS,
	CLINUX_STAGE_TREE,
	CLINUX_STAGE_CREDENTIALS,
	CLINUX_STAGE_EXEC,
};

/// A launch. Every pointer is borrowed for the duration of the call.
struct clinux_launch {
	const char *path;
	char *const *argv;
	char *const *envp;
	/// `sources[i]` becomes descriptor `targets[i]`; every other descriptor is closed. There are at most 512.
	const int *sources;
	const int *targets;
	size_t descriptors;
	/// A file to which the process's pid and start time are written before execve(2), and which is not inherited;
	/// negative: none.
	int identity;
	/// Changes to `uid`, `gid` and `groups`; otherwise only existing privileges are dropped.
	bool change_user;
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t group_count;
	/// Is killed when the caller's thread ends: for a helper that is of no use without it.
	bool dies_with_parent;
	/// Keeps its user and privileges: for one of the host's tools that works for root.
	bool keeps_privileges;
	/// Keeps the starter's limits and priorities (ordinary_limits.h): if the starter is the service manager, they are
	/// deliberate.
	bool keeps_limits;
	/// The most address space, in bytes, and processor time, in seconds, that it may take; 0: as much as it likes.
	uint64_t memory, processor_time;
	/// The processors that it is bound to, as a mask (affinity.h); NULL: those that it would have anyway.
	const unsigned char *processors;
	size_t processors_size;
	/// A tree (shared_tree.h) that it finds at `tree_place`; negative: none.
	int tree;
	const char *tree_place;
};

/// Starts a child in its own session. Its pid once execve(2) has succeeded; else -errno, with `*stage` set: -ETIMEDOUT
/// if that takes longer than `deadline_ms`, as when a file system does not answer. On any failure the child is killed.
///
/// With `guard` the program ends with this process until that is called off (end_guard.h): from before execve(2), so
/// that whoever kills this process never leaves it behind. `*guard` is the descriptor to call it off by.
pid_t clinux_spawn(const struct clinux_launch *launch, int deadline_ms, enum clinux_stage *stage, int *guard);

/// Turns this process into the program. Returns only on failure: -errno, with `*stage` set.
int clinux_become(const struct clinux_launch *launch, enum clinux_stage *stage);

/// What a process with these credentials can do on this host.
enum {
	CLINUX_CAN_OPEN_KVM = 1,
	CLINUX_CAN_IO_URING = 2,
	/// Execute the `path` of the launch.
	CLINUX_CAN_EXECUTE = 4,
};

/// Starts a short-lived child that takes the credentials of `launch` (of its other fields only `path` is read) and
/// finds out what it can do. Its pid, for `clinux_probe_end`, or -errno.
pid_t clinux_probe_begin(const struct clinux_launch *launch);

/// Waits for that child, at most `deadline_ms`. What it can do, as an OR of the constants above, or -errno.
int clinux_probe_end(pid_t pid, int deadline_ms);

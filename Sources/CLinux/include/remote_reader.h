#pragma once

#include <stdint.h>

// A process that accesses files on behalf of another. A file system that depends on a server or a program may never
// answer, and a process that waits for it in the kernel can't always be killed. This process can be abandoned.

/// What to read of a path.
enum clinux_remote_question {
	CLINUX_REMOTE_STATUS, ///< its stat(2) result
	CLINUX_REMOTE_READ,   ///< the same, taken after opening a regular file, and its content
	CLINUX_REMOTE_NAMES,  ///< the names in a directory, each NUL-terminated
};

/// A question on the wire. `length` bytes of the path follow, without a NUL.
struct clinux_remote_request {
	uint32_t question;
	uint32_t length;
	/// The largest number of bytes of content or names wanted.
	uint64_t limit;
	/// Whether a path whose last component is a symbolic link is refused (O_NOFOLLOW).
	uint8_t no_follow;
};

/// The beginning of an answer. If there is no error, pieces follow: the length as an int32_t, then that many bytes. The
/// first piece is a `struct stat`, the others are content. A length of 0 marks the end; a negative one is -errno of the
/// error that kept the rest from being read.
struct clinux_remote_answer {
	int32_t error; ///< errno, or 0
};

/// Starts such a process, reparented to init, with none of the caller's descriptors open. It ends when the socket is
/// closed. The socket to talk to it: a stream, close-on-exec, non-blocking; `*pid` is its pid. Or -errno.
int clinux_remote_reader(int *pid);

#pragma once

#include <stdint.h>

// A process that touches files for another one. A file system that somebody else answers for (a server, a program) may never
// answer, and who waits for it in the kernel can't always be killed: this process can be left behind.

/// What is asked about a path.
enum clinux_remote_question {
	CLINUX_REMOTE_STATUS, ///< what stat(2) says
	CLINUX_REMOTE_READ,   ///< the same, of a regular file once it is open, and its content
	CLINUX_REMOTE_NAMES,  ///< the names in a directory, each with a NUL
};

/// A question on the wire; `length` bytes of the path follow, without a NUL.
struct clinux_remote_request {
	uint32_t question;
	uint32_t length;
	/// How many bytes of content or names are wanted at most.
	uint64_t limit;
	/// Whether a path whose last part is a link is refused (O_NOFOLLOW).
	uint8_t no_follow;
};

/// The beginning of an answer. Without an error pieces follow: their length as an int32_t, and so many bytes. The first is a
/// `struct stat`, the others are the content; a length of 0 is the end, one below it -errno of what kept the rest from being
/// read.
struct clinux_remote_answer {
	int32_t error; ///< errno, or 0
};

/// Leaves such a process behind, as nobody's child, with nothing of the caller's open. It ends when the socket is closed.
/// The socket to ask it by: a stream, close-on-exec, non-blocking; `*pid` is its pid. Or -errno.
int clinux_remote_reader(int *pid);

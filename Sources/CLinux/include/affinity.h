#pragma once

#include <stddef.h>

// Which of the host's processors a thread runs on (sched_setaffinity(2)). A mask has a bit for each, the lowest in the
// first byte.

/// Writes the processors that the kernel lets this process have to `mask`: those that are online and in its cpuset
/// (cpuset(7)). 0, or -errno. What the calling thread is bound to stays as it is.
int clinux_allowed_processors(unsigned char *mask, size_t size);

/// Binds the calling thread, and so the threads that it creates, to the processors of `mask`. 0, or -errno: -EINVAL if
/// the kernel gives only some of them, or none.
int clinux_bind_to_processors(const unsigned char *mask, size_t size);

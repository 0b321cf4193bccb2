#pragma once

#include <stdint.h>

// Open-file-description locks on single bytes of a file (fcntl(2), F_OFD_SETLK). They belong to the open description: a
// child that inherits the descriptor holds the lock as long as it lives, and the kernel releases it when the child
// dies.

/// Takes the write lock on `byte` without waiting. 0, or -EAGAIN if another process has it.
int clinux_ofd_lock(int fd, int64_t byte);

/// Takes a read lock on `byte`, of which there can be many, without waiting; a read-only descriptor is enough. 0, or
/// -EAGAIN if another process has the write lock.
int clinux_ofd_share(int fd, int64_t byte);

/// Releases the lock on `byte`, for every process that shares the open description. 0 or -errno.
int clinux_ofd_unlock(int fd, int64_t byte);

/// Asks, without taking the lock, whether another process holds the write lock on `byte`. 1, 0 or -errno.
int clinux_ofd_is_locked(int fd, int64_t byte);

/// The same for a lock of any kind, including a read lock. 1, 0 or -errno.
int clinux_ofd_is_held(int fd, int64_t byte);

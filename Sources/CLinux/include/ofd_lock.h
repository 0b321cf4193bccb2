#pragma once

#include <stdint.h>

// Open-file-description locks on single bytes of a file (fcntl(2), F_OFD_SETLK): they belong to the open description,
// so a child that inherits the descriptor holds the lock for as long as it lives, and the kernel frees it at its death.

/// Takes the write lock on `byte` without waiting. 0, or -EAGAIN where somebody else has it.
int clinux_ofd_lock(int fd, int64_t byte);

/// Takes a read lock on `byte`, of which there can be many, without waiting; a descriptor for reading is enough. 0, or
/// -EAGAIN where somebody else has the write lock.
int clinux_ofd_share(int fd, int64_t byte);

/// Gives the lock on `byte` back, for all who share the open description. 0 or -errno.
int clinux_ofd_unlock(int fd, int64_t byte);

/// Asks, without taking anything, whether somebody else holds the lock on `byte`. 1, 0 or -errno.
int clinux_ofd_is_locked(int fd, int64_t byte);

/// The same for a lock of any kind, a read lock too. 1, 0 or -errno.
int clinux_ofd_is_held(int fd, int64_t byte);

#pragma once

#include <stdint.h>

/// Removes `length` bytes from a file, from `from` on, and closes the gap. It does so atomically for processes that
/// read or append meanwhile (fallocate(2), FALLOC_FL_COLLAPSE_RANGE). Both numbers have to be multiples of the file
/// system's block size, and the range must not reach the end of the file. 0, or -errno (-EOPNOTSUPP: this file system
/// can't).
int clinux_take_out(int fd, int64_t from, int64_t length);

/// The block size of the file's file system in bytes, or -errno.
int64_t clinux_block_size(int fd);

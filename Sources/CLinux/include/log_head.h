#pragma once

#include <stdint.h>

/// Takes `length` bytes out of a file, from `from` on, so that what was behind them follows what was before them: at once, for
/// whoever reads or appends meanwhile (fallocate(2), FALLOC_FL_COLLAPSE_RANGE). Both numbers are multiples of the file
/// system's block size, and the end stays. 0, or -errno (-EOPNOTSUPP: this file system can't).
int clinux_take_out(int fd, int64_t from, int64_t length);

/// The block size of the file's file system in bytes, or -errno.
int64_t clinux_block_size(int fd);

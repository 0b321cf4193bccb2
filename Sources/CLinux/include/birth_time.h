#pragma once

#include <stdint.h>

// When a file was made, which stat(2) does not tell.

/// When the file was made (statx(2), stx_btime), in nanoseconds since 1970; -ENODATA if its file system does not say, or
/// -errno.
int64_t clinux_birth_time(int fd);

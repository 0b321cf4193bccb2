#pragma once

#include <stdint.h>

/// The type of the file system of an open file: f_type of statfs(2), as in include/uapi/linux/magic.h; or -errno.
int64_t clinux_file_system_type(int fd);

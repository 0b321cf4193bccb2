#pragma once

#include <stdint.h>

/// The type of the file system that an open file is on: f_type of statfs(2), as one of include/uapi/linux/magic.h; or -errno.
int64_t clinux_file_system_type(int fd);

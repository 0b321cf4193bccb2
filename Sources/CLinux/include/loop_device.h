#pragma once

#include <stdint.h>

/// The file behind a loop device (loop(4), LOOP_GET_STATUS64): its device, as stat(2) reports it, and its inode. 0, or
/// -errno: -ENXIO if there is no file behind it.
int clinux_loop_file(int fd, uint64_t *device, uint64_t *inode);

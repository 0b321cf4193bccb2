#pragma once

#include <stdint.h>

/// Which file a loop device shows (loop(4), LOOP_GET_STATUS64): its device, as stat(2) tells it, and its inode. 0, or
/// -errno: -ENXIO where no file is behind it.
int clinux_loop_file(int fd, uint64_t *device, uint64_t *inode);

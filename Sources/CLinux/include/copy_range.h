#pragma once

#include <stddef.h>
#include <stdint.h>

/// Makes an empty file share all that another one has, holes included (ioctl_ficlone(2)). 0, or -errno if the file system
/// can't, or they are on two.
int clinux_share_content(int from, int to);

/// Copies bytes within the kernel, which lets files share them where the file system can (copy_file_range(2)). How many; 0 at
/// the end of the file; or -errno.
int64_t clinux_copy_range(int from, int64_t from_offset, int to, int64_t to_offset, size_t count);

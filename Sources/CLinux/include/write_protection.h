#pragma once

// What keeps a file or device from being written to, and shows neither in its mode nor in access(2).

/// Whether the kernel refuses all writes to this block device (BLKROGET: `blockdev --setro`, `losetup -r`, a write-protected
/// medium): to open it for writing may succeed all the same. 1, 0 or -errno.
int clinux_block_device_is_read_only(int fd);

/// Whether the file can only be appended to (chattr(1), +a). 1 or 0, also where the file system does not say; or -errno.
int clinux_is_append_only(int fd);

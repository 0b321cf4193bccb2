#pragma once

// What keeps a file or device from being written to without showing in its mode or in access(2).

/// Whether the kernel refuses all writes to this block device (BLKROGET: `blockdev --setro`, `losetup -r`, a
/// write-protected medium). Opening it for writing may still succeed. 1, 0 or -errno.
int clinux_block_device_is_read_only(int fd);

/// Whether the file can only be appended to (chattr(1), +a). 1; 0, also if the file system does not say; or -errno.
int clinux_is_append_only(int fd);

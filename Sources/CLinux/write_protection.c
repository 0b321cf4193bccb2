#define _GNU_SOURCE
#include "write_protection.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

int clinux_block_device_is_read_only(int fd)
{
	int read_only = 0;
	return ioctl(fd, BLKROGET, &read_only) == 0 ? read_only != 0 : -errno;
}

int clinux_is_append_only(int fd)
{
	struct statx found;
	if (statx(fd, "", AT_EMPTY_PATH, 0, &found) != 0)
		return -errno;
	return (found.stx_attributes & STATX_ATTR_APPEND) != 0;
}

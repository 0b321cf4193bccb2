#define _GNU_SOURCE
#include "copy_range.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

int clinux_share_content(int from, int to)
{
	return ioctl(to, FICLONE, from) == 0 ? 0 : -errno;
}

int64_t clinux_copy_range(int from, int64_t from_offset, int to, int64_t to_offset, size_t count)
{
	off_t in = from_offset, out = to_offset;
	ssize_t copied = copy_file_range(from, &in, to, &out, count, 0);
	return copied < 0 ? -errno : copied;
}

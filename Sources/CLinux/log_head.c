#define _GNU_SOURCE
#include "log_head.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/vfs.h>

int clinux_take_out(int fd, int64_t from, int64_t length)
{
	return fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, from, length) == 0 ? 0 : -errno;
}

int64_t clinux_block_size(int fd)
{
	struct statfs system;
	return fstatfs(fd, &system) == 0 ? (int64_t)system.f_bsize : -errno;
}

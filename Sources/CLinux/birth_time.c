#define _GNU_SOURCE
#include "birth_time.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

int64_t clinux_birth_time(int fd)
{
	struct statx found;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &found) != 0)
		return -errno;
	if (!(found.stx_mask & STATX_BTIME))
		return -ENODATA;
	return (int64_t)found.stx_btime.tv_sec * 1000000000 + found.stx_btime.tv_nsec;
}

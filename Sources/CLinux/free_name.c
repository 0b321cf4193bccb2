#define _GNU_SOURCE
#include "free_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

int clinux_rename_to_free_name(int directory, const char *from, const char *to)
{
	struct stat there;
	if (renameat2(directory, from, directory, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (fstatat(directory, to, &there, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return errno == ENOENT && renameat(directory, from, directory, to) == 0 ? 0 : -errno;
}

#include "access_list.h"

#include <errno.h>
#include <stdio.h>
#include <sys/xattr.h>

int clinux_has_access_list(int fd)
{
	// fgetxattr(2) refuses a descriptor opened with O_PATH; getxattr(2) accepts its name in /proc.
	char path[32];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (getxattr(path, "system.posix_acl_access", NULL, 0) >= 0)
		return 1;
	return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
}

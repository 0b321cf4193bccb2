#include "file_system.h"

#include <errno.h>
#include <sys/vfs.h>

int64_t clinux_file_system_type(int fd)
{
	struct statfs found;
	// The types are numbers of 32 bits, some of which the kernel's signed field shows as negative.
	return fstatfs(fd, &found) == 0 ? (int64_t)(uint32_t)found.f_type : -errno;
}

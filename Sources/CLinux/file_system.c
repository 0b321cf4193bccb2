#include "file_system.h"

#include <errno.h>
#include <sys/vfs.h>

int64_t clinux_file_system_type(int fd)
{
	struct statfs found;
	// The types are 32-bit numbers, some of which are negative in the kernel's signed field.
	return fstatfs(fd, &found) == 0 ? (int64_t)(uint32_t)found.f_type : -errno;
}

#include "loop_device.h"

#include <errno.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

int clinux_loop_file(int fd, uint64_t *device, uint64_t *inode)
{
	struct loop_info64 info;
	if (ioctl(fd, LOOP_GET_STATUS64, &info) != 0)
		return -errno;
	*device = info.lo_device;
	*inode = info.lo_inode;
	return 0;
}

#include "macvtap.h"

#include "reading.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/mount.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

// A fresh instance of a file system that is mounted nowhere (fsopen(2), Linux 5.2). The descriptor of its root, or -errno.
static int unmounted(const char *type)
{
	int rc = -1;
	const int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	if (context < 0)
		return -errno;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		rc = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	if (rc < 0)
		rc = -errno;
	close(context);
	return rc;
}

// Reads MAJOR:MINOR of the link's character device. A sysfs shows the links of the namespace that it was made in, and
// what is mounted at /sys may be another's; one made here and now is this one's.
static int device_number(const char *name, unsigned index, dev_t *device)
{
	char path[64 + IF_NAMESIZE], text[32] = "";
	unsigned major, minor;
	const int sysfs = unmounted("sysfs");
	if (sysfs < 0)
		return sysfs;
	snprintf(path, sizeof path, "class/net/%s/tap%u/dev", name, index);
	const int file = openat(sysfs, path, O_RDONLY | O_CLOEXEC);
	const int error = errno;
	close(sysfs);
	if (file < 0)
		return -error;
	const ssize_t length = read_uninterrupted(file, text, sizeof text - 1);
	close(file);
	if (length <= 0 || sscanf(text, "%u:%u", &major, &minor) != 2)
		return -EIO;
	*device = makedev(major, minor);
	return 0;
}

// Opens a device by its number. /dev/tapN need not be there, or may be that of another namespace's link with the same
// index; and /run is mostly mounted nodev. So its node is made where nobody else sees it.
static int open_device(dev_t device)
{
	int descriptor = -1;
	const int directory = unmounted("tmpfs");
	if (directory < 0)
		return directory;
	if (mknodat(directory, "tap", S_IFCHR | 0600, device) == 0)
		descriptor = openat(directory, "tap", O_RDWR | O_CLOEXEC);
	if (descriptor < 0)
		descriptor = -errno;
	close(directory);
	return descriptor;
}

int clinux_macvtap_open(const char *name, unsigned index, bool multiqueue)
{
	struct ifreq request = { 0 };
	dev_t device;
	const int rc = device_number(name, index, &device);
	if (rc < 0)
		return rc;
	const int descriptor = open_device(device);
	if (descriptor < 0)
		return descriptor;
	request.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (multiqueue ? IFF_MULTI_QUEUE : 0));
	if (ioctl(descriptor, TUNSETIFF, &request) < 0) {
		const int error = errno;
		close(descriptor);
		return -error;
	}
	return descriptor;
}

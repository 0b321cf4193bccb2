#include "macvtap.h"

#include "link_attribute.h"
#include "unmounted.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

// Reads MAJOR:MINOR of the link's character device.
static int device_number(const char *name, unsigned index, dev_t *device)
{
	char attribute[32], text[32];
	unsigned major, minor;
	snprintf(attribute, sizeof attribute, "tap%u/dev", index);
	const int length = clinux_link_attribute(name, attribute, text, sizeof text);
	if (length < 0)
		return length;
	if (sscanf(text, "%u:%u", &major, &minor) != 2)
		return -EIO;
	*device = makedev(major, minor);
	return 0;
}

// Opens a device by its number. /dev/tapN may be missing, or belong to another namespace's link with the same index,
// and /run is usually mounted nodev. So the device node is created in a file system that no other process sees.
static int open_device(dev_t device)
{
	int descriptor = -1;
	const int directory = clinux_unmounted("tmpfs");
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

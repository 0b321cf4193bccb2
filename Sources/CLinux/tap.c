#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

_Static_assert(CLINUX_INTERFACE_NAME_SIZE == IFNAMSIZ, "the name's size is the kernel's");

int clinux_tap_create(char name[CLINUX_INTERFACE_NAME_SIZE], bool multiqueue)
{
	struct ifreq request = { 0 };
	const int descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (descriptor < 0)
		return -errno;

	// IFF_TUN_EXCL: without it the name of somebody's persistent tap would hand us theirs, which outlives the VM.
	// The flags go through unsigned because IFF_TUN_EXCL is the sign bit of the short.
	request.ifr_flags = (short)(unsigned short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL |
						    (multiqueue ? IFF_MULTI_QUEUE : 0));
	memcpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(descriptor, TUNSETIFF, &request) < 0) {
		const int error = errno;
		close(descriptor);
		return -error;
	}
	memcpy(name, request.ifr_name, IFNAMSIZ);
	return descriptor;
}

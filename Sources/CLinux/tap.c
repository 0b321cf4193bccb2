#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

_Static_assert(CLINUX_INTERFACE_NAME_SIZE == IFNAMSIZ, "the name's size is the kernel's");

enum { usual_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

// Opens a queue of the interface in `request`. The flags go through unsigned because IFF_TUN_EXCL is the sign bit of
// the short.
static int open_queue(struct ifreq *request, unsigned flags)
{
	const int descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (descriptor < 0)
		return -errno;
	request->ifr_flags = (short)(unsigned short)flags;
	if (ioctl(descriptor, TUNSETIFF, request) < 0) {
		const int error = errno;
		close(descriptor);
		return -error;
	}
	return descriptor;
}

int clinux_tap_create(char name[CLINUX_INTERFACE_NAME_SIZE], bool multiqueue)
{
	struct ifreq request = { 0 };
	memcpy(request.ifr_name, name, IFNAMSIZ - 1);
	// Without IFF_TUN_EXCL, the name of an existing persistent tap would give us that tap, which outlives the VM.
	const int descriptor =
		open_queue(&request, usual_flags | IFF_TUN_EXCL | (multiqueue ? IFF_MULTI_QUEUE : 0));
	if (descriptor < 0)
		return descriptor;
	// A tap without an owner is open to every user who can open /dev/net/tun: TUNSETIFF by name gives them a queue of it
	// (`tun_not_capable`, drivers/net/tun.c).
	if (ioctl(descriptor, TUNSETOWNER, 0) < 0) {
		const int error = errno;
		close(descriptor);
		return -error;
	}
	memcpy(name, request.ifr_name, IFNAMSIZ);
	return descriptor;
}

int clinux_tap_open_queue(const char name[CLINUX_INTERFACE_NAME_SIZE])
{
	struct ifreq request = { 0 };
	memcpy(request.ifr_name, name, IFNAMSIZ - 1);
	return open_queue(&request, usual_flags | IFF_MULTI_QUEUE);
}

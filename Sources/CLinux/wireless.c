#include "wireless.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

// After sys/socket.h, whose types it uses.
#include <linux/wireless.h>

bool clinux_is_wireless(const char *name)
{
	// Any socket of the namespace will do (netdevice(7)).
	const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return false;
	struct iwreq request = { 0 };
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	const bool is_wireless = ioctl(descriptor, SIOCGIWNAME, &request) == 0;
	close(descriptor);
	return is_wireless;
}

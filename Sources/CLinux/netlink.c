#include "netlink.h"

#include "monotonic.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static int set(int descriptor, int option)
{
	const int on = 1;
	return setsockopt(descriptor, SOL_NETLINK, option, &on, sizeof(on));
}

int clinux_netlink_open(void)
{
	// nl_pid 0: the kernel picks the port. The pid may already be taken as a port by another socket of this process.
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	const int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (descriptor < 0)
		return -errno;
	if (bind(descriptor, (const struct sockaddr *)&any, sizeof(any)) < 0 || set(descriptor, NETLINK_EXT_ACK) < 0 ||
	    set(descriptor, NETLINK_GET_STRICT_CHK) < 0) {
		const int error = errno;
		close(descriptor);
		return -error;
	}
	return descriptor;
}

int clinux_netlink_send(int descriptor, const void *bytes, size_t size)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t sent;
	do
		sent = sendto(descriptor, bytes, size, 0, (const struct sockaddr *)&kernel, sizeof(kernel));
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

long clinux_netlink_receive(int descriptor, void *buffer, size_t size, int timeout, uint32_t *sender)
{
	struct pollfd waiting = { .fd = descriptor, .events = POLLIN };
	struct sockaddr_nl from = { 0 };
	socklen_t length = sizeof(from);

	// The kernel answers most requests before send returns, so the first attempt seldom waits.
	ssize_t got = recvfrom(descriptor, buffer, size, MSG_TRUNC | MSG_DONTWAIT, (struct sockaddr *)&from, &length);
	if (got < 0 && errno == EAGAIN) {
		const int64_t end = monotonic_ms() + timeout;
		int ready;
		do
			ready = poll(&waiting, 1, left_ms(end));
		while (ready < 0 && errno == EINTR);
		if (ready < 0)
			return -errno;
		if (ready == 0)
			return -ETIMEDOUT;
		length = sizeof(from);
		got = recvfrom(descriptor, buffer, size, MSG_TRUNC | MSG_DONTWAIT, (struct sockaddr *)&from, &length);
	}
	if (got < 0)
		return -errno;
	*sender = from.nl_pid;
	return got;
}

#define _GNU_SOURCE
#include "tcp_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int finish(int fd, int milliseconds)
{
	struct pollfd set = { .fd = fd, .events = POLLOUT };
	int ready = poll(&set, 1, milliseconds);
	if (ready <= 0)
		return ready == 0 ? -ETIMEDOUT : -errno;
	int failure = 0;
	socklen_t size = sizeof failure;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) < 0)
		return -errno;
	return -failure;
}

int clinux_tcp_probe(const char *host, uint16_t port, int milliseconds)
{
	char service[8];
	snprintf(service, sizeof service, "%u", port);
	struct addrinfo wish = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found = NULL;
	if (getaddrinfo(host, service, &wish, &found) != 0)
		return -EADDRNOTAVAIL;
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int result = fd < 0 ? -errno : 0;
	if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) < 0 && errno != EINPROGRESS)
		result = -errno;
	freeaddrinfo(found);
	if (result == 0)
		result = finish(fd, milliseconds);
	if (result == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return result;
}

#define _GNU_SOURCE
#include "unix_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int address(struct sockaddr_un *address, int dirfd, const char *name)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", dirfd, name);
	return length < (int)sizeof address->sun_path ? 0 : -ENAMETOOLONG;
}

static int closed(int fd, int error)
{
	close(fd);
	return -error;
}

int clinux_unix_listen(int dirfd, const char *name, unsigned mode)
{
	struct sockaddr_un local;
	int rc = address(&local, dirfd, name);
	if (rc < 0)
		return rc;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (unlinkat(dirfd, name, 0) != 0 && errno != ENOENT)
		return closed(fd, errno);
	// The mode is set on the socket before bind(2), which uses it for the name, so that it is never wider, not even
	// briefly.
	if (fchmod(fd, mode) != 0 || bind(fd, (struct sockaddr *)&local, sizeof local) != 0 || listen(fd, 16) != 0)
		return closed(fd, errno);
	return fd;
}

int clinux_unix_connect(int dirfd, const char *name)
{
	struct sockaddr_un peer;
	int rc = address(&peer, dirfd, name);
	if (rc < 0)
		return rc;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&peer, sizeof peer) != 0)
		return closed(fd, errno);
	return fd;
}

int clinux_unix_peer(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof peer;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ? -errno : peer.pid;
}

// 0; -EAGAIN: somebody else has connected first.
static int try_connected(int listener, int connection)
{
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	socklen_t length = sizeof local;
	// The kernel chooses a name in the abstract namespace, where everybody may connect: with a backlog of 0, only the first
	// one can (unix(7)).
	if (bind(listener, (struct sockaddr *)&local, sizeof local.sun_family) != 0 || listen(listener, 0) != 0 ||
		getsockname(listener, (struct sockaddr *)&local, &length) != 0 ||
		connect(connection, (struct sockaddr *)&local, length) != 0)
		return -errno;
	return 0;
}

int clinux_unix_connected(int *listener, int *connection)
{
	int rc = -EAGAIN;
	for (int tries = 0; tries < 16 && rc == -EAGAIN; tries++) {
		*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (*listener < 0)
			return -errno;
		*connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (*connection < 0)
			return closed(*listener, errno);
		rc = try_connected(*listener, *connection);
		if (rc < 0) {
			close(*listener);
			close(*connection);
		}
	}
	return rc;
}

long clinux_unix_send_descriptor(int fd, const void *bytes, size_t size, int passed)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof passed)];
	} control = {0};
	struct iovec vector = {.iov_base = (void *)bytes, .iov_len = size};
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof passed);
	memcpy(CMSG_DATA(header), &passed, sizeof passed);
	ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	return sent < 0 ? -errno : sent;
}

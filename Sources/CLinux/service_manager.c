#define _GNU_SOURCE
#include "service_manager.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int clinux_tell_service_ready(void)
{
	static const char ready[] = "READY=1";
	const char *path = getenv("NOTIFY_SOCKET");
	if (path == NULL)
		return 0;
	struct sockaddr_un manager = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	if (length == 0 || length >= sizeof manager.sun_path)
		return -EINVAL;
	memcpy(manager.sun_path, path, length);
	// An abstract name, which a zero byte begins.
	if (path[0] == '@')
		manager.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	ssize_t sent = sendto(fd, ready, sizeof ready - 1, MSG_NOSIGNAL, (struct sockaddr *)&manager,
			      offsetof(struct sockaddr_un, sun_path) + length);
	int error = errno;
	close(fd);
	return sent < 0 ? -error : 0;
}

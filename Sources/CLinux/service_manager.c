#define _GNU_SOURCE
#include "service_manager.h"

#include "monotonic.h"
#include "orphan.h"
#include "pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { between_looks_ms = 10, manager_answers_in_ms = 5000 };

static int connect_to(const char *path)
{
	struct sockaddr_un manager = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	if (length == 0 || length >= sizeof manager.sun_path)
		return -EINVAL;
	memcpy(manager.sun_path, path, length);
	// An abstract name, which starts with a zero byte.
	if (path[0] == '@')
		manager.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&manager, offsetof(struct sockaddr_un, sun_path) + length) == 0)
		return fd;
	int error = errno;
	close(fd);
	return -error;
}

static bool holds(int record, const char *word)
{
	static char text[1 << 16];
	ssize_t length = pread(record, text, sizeof text, 0);
	return length > 0 && memmem(text, (size_t)length, word, strlen(word));
}

static bool has_ended(int process, int wait_ms)
{
	struct pollfd end = {.fd = process, .events = POLLIN};
	int ready = poll(&end, 1, wait_ms);
	if (ready < 0 && errno != EINTR)
		usleep((useconds_t)wait_ms * 1000);
	return ready > 0;
}

// The manager identifies the sender by its cgroup, so the sender has to live until the message was processed: until the
// manager has closed the descriptor that comes with BARRIER=1 (sd_notify_barrier(3)).
static void tell_ready(int manager)
{
	static const char ready[] = "READY=1";
	static char barrier[] = "BARRIER=1";
	int line[2];
	if (send(manager, ready, sizeof ready - 1, MSG_NOSIGNAL) < 0 || pipe2(line, O_CLOEXEC) != 0)
		return;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	memcpy(CMSG_DATA(&control.header), &line[1], sizeof(int));
	struct iovec text = {.iov_base = barrier, .iov_len = sizeof barrier - 1};
	struct msghdr message = {
		.msg_iov = &text, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
	if (sendmsg(manager, &message, MSG_NOSIGNAL) < 0)
		return;
	close(line[1]);
	const int64_t end = monotonic_ms() + manager_answers_in_ms;
	struct pollfd heard = {.fd = line[0]};
	while (poll(&heard, 1, left_ms(end)) < 0 && errno == EINTR)
		;
}

enum { record_place, manager_place, caller_place, places };

// All other open files are the caller's only: its lock, taps and disks last as long as any process holds them. All
// three descriptors are above stdio, to which they are moved.
static void keep_only(int record, int manager, int caller)
{
	dup2(record, record_place);
	dup2(manager, manager_place);
	dup2(caller, caller_place);
	// Linux before 5.9 can't close a range at once.
	if (syscall(SYS_close_range, places, ~0U, 0) != 0)
		for (long fd = places, end = sysconf(_SC_OPEN_MAX); fd < end; fd++)
			close((int)fd);
}

int clinux_tell_service_ready(int record, const char *word)
{
	const char *path = getenv("NOTIFY_SOCKET");
	if (path == NULL)
		return 0;
	int manager = connect_to(path);
	if (manager < 0)
		return manager;
	int caller = clinux_pidfd_open(getpid());
	int rc = caller < 0 ? caller : clinux_fork_orphan();
	if (rc == 0) {
		keep_only(record, manager, caller);
		while (!holds(record_place, word))
			if (has_ended(caller_place, between_looks_ms))
				_exit(0);
		tell_ready(manager_place);
		_exit(0);
	}
	if (caller >= 0)
		close(caller);
	close(manager);
	return rc < 0 ? rc : 0;
}

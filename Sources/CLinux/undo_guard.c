#define _GNU_SOURCE
#include "undo_guard.h"

#include "monotonic.h"
#include "orphan.h"
#include "reading.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { above_launched_descriptors = 512 };

// For the copy, which has no other threads: a number that is still open is still the same file.
static void close_for_sure(int fd)
{
	while (close(fd) != 0 && fcntl(fd, F_GETFD) >= 0)
		;
}

static int leave(const int line[2], int guard, void (*undo)(void *), void *context)
{
	int rc = clinux_fork_orphan();
	if (rc != 0)
		return rc;
	// If the other end stayed open here, the line would never end, and neither would the copy, which holds all that this
	// process holds.
	close_for_sure(guard);
	close_for_sure(line[0]);
	// execve(2) and any death close the line without sending anything.
	char word;
	if (read_uninterrupted(line[1], &word, 1) == 1)
		undo(context);
	_exit(0);
}

int clinux_leave_guard(void (*undo)(void *), void *context)
{
	int line[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line) != 0)
		return -errno;
	int guard = fcntl(line[0], F_DUPFD_CLOEXEC, above_launched_descriptors);
	int rc = guard < 0 ? -errno : leave(line, guard, undo, context);
	close(line[0]);
	close(line[1]);
	if (rc < 0 && guard >= 0)
		close(guard);
	return rc < 0 ? rc : guard;
}

void clinux_call_guard(int guard, int deadline_ms)
{
	const int64_t end = monotonic_ms() + deadline_ms;
	const char word = 0;
	struct pollfd done = {.fd = guard, .events = POLLIN};
	if (send(guard, &word, 1, MSG_NOSIGNAL) == 1)
		while (poll(&done, 1, left_ms(end)) < 0 && errno == EINTR)
			;
	close(guard);
}

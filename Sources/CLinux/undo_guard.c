#define _GNU_SOURCE
#include "undo_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { above_launched_descriptors = 512 };

// In a grandchild: the program that this process becomes would never take the end of a child it does not know of.
static int leave(int line, int others, void (*undo)(void *), void *context)
{
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		int status;
		while (waitpid(pid, &status, 0) < 0)
			if (errno != EINTR)
				return -errno;
		return status == 0 ? 0 : -EAGAIN;
	}
	pid = fork();
	if (pid != 0)
		_exit(pid < 0);
	close(others);
	// execve(2) and any death close the line without a word.
	char word;
	if (read(line, &word, 1) == 1)
		undo(context);
	_exit(0);
}

int clinux_leave_guard(void (*undo)(void *), void *context)
{
	int line[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line) != 0)
		return -errno;
	int guard = fcntl(line[0], F_DUPFD_CLOEXEC, above_launched_descriptors);
	int error = errno;
	close(line[0]);
	int rc = guard < 0 ? -error : leave(line[1], guard, undo, context);
	close(line[1]);
	if (rc < 0 && guard >= 0)
		close(guard);
	return rc < 0 ? rc : guard;
}

void clinux_call_guard(int guard, int deadline_ms)
{
	const char word = 0;
	struct pollfd end = {.fd = guard, .events = POLLIN};
	if (send(guard, &word, 1, MSG_NOSIGNAL) == 1)
		poll(&end, 1, deadline_ms);
	close(guard);
}

#define _GNU_SOURCE
#include "end_guard.h"

#include "orphan.h"
#include "pidfd.h"
#include "reading.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// A stream of this process that stayed open here would never end for its reader.
static void close_all_but(unsigned one, unsigned other)
{
	unsigned low = one < other ? one : other, high = one < other ? other : one;
	if (low > 0)
		syscall(SYS_close_range, 0, low - 1, 0);
	if (high > low + 1)
		syscall(SYS_close_range, low + 1, high - 1, 0);
	syscall(SYS_close_range, high + 1, ~0U, 0);
}

static _Noreturn void watch(int line, int pidfd)
{
	// What is sent to a terminal's processes, or to a process group, is not meant for this one.
	setsid();
	close_all_but((unsigned)line, (unsigned)pidfd);
	char word;
	if (read_uninterrupted(line, &word, 1) != 1)
		clinux_pidfd_signal(pidfd, SIGKILL);
	_exit(0);
}

int clinux_guard_end(int pidfd)
{
	int line[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line) != 0)
		return -errno;
	int rc = clinux_fork_orphan();
	if (rc == 0)
		watch(line[1], pidfd);
	close(line[1]);
	if (rc < 0)
		close(line[0]);
	return rc < 0 ? rc : line[0];
}

void clinux_call_off_guard(int guard)
{
	const char word = 0;
	// If it is gone already, it kills nothing either.
	(void)send(guard, &word, 1, MSG_NOSIGNAL);
	close(guard);
}

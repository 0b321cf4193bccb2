#define _GNU_SOURCE
#include "child.h"

#include "monotonic.h"
#include "pidfd.h"

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

// Waits until the child has ended or the time is over. Without a pidfd, as when no descriptor is left, it polls.
static void wait_for(int pidfd, int64_t end)
{
	enum { between_looks_ms = 5 };
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};
	int left = left_ms(end);
	int ready = poll(&ended, 1, pidfd >= 0 || left < between_looks_ms ? left : between_looks_ms);
	if (ready < 0 && errno != EINTR)
		usleep(between_looks_ms * 1000);
}

int clinux_reap(pid_t pid, int deadline_ms, int *status)
{
	const int64_t end = monotonic_ms() + deadline_ms;
	int pidfd = clinux_pidfd_open(pid);
	int result;
	for (;;) {
		pid_t found = waitpid(pid, status, WNOHANG);
		result = found == pid ? 1 : found == 0 ? 0 : -errno;
		if ((result != 0 && result != -EINTR) || left_ms(end) == 0)
			break;
		wait_for(pidfd, end);
	}
	if (pidfd >= 0)
		close(pidfd);
	return result == -EINTR ? 0 : result;
}

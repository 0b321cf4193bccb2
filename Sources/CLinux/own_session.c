#define _GNU_SOURCE
#include "own_session.h"

#include "pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static bool may_have_terminal(void)
{
	struct clinux_process self;
	if (clinux_process_look(getpid(), &self) == 0)
		return self.has_terminal;
	// No /proc. A process without a controlling terminal can't open /dev/tty (tty(4)).
	int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd >= 0 || errno != ENXIO;
}

// The signals with which a person or a supervisor ends a program. One that is ignored, as with nohup(1), is not
// forwarded.
static sigset_t signals_to_pass_on(void)
{
	static const int usual[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
		struct sigaction action;
		if (sigaction(usual[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(&set, usual[i]);
	}
	return set;
}

// Waits as long as the child lives, without a deadline.
static int stand_by(pid_t child, const sigset_t *awaited)
{
	int status;
	for (;;) {
		pid_t ended = waitpid(child, &status, WNOHANG);
		if (ended == child)
			return status;
		if (ended < 0 && errno != EINTR)
			return 70 << 8; // EX_SOFTWARE: no other process can reap a child
		// Check regularly too: the signal may have been for the end of another child.
		const struct timespec between_looks = {.tv_sec = 10};
		int number = sigtimedwait(awaited, NULL, &between_looks);
		if (number > 0 && number != SIGCHLD)
			kill(child, number);
	}
}

int clinux_own_session(int *status)
{
	if (!may_have_terminal() && (getsid(0) == getpid() || setsid() >= 0))
		return 0;
	sigset_t before, awaited = signals_to_pass_on();
	sigaddset(&awaited, SIGCHLD);
	// Otherwise the kernel would reap the child (sigaction(2)).
	signal(SIGCHLD, SIG_DFL);
	// Before there is a child, so that a signal that comes just then is forwarded to it as well.
	if (sigprocmask(SIG_BLOCK, &awaited, &before) != 0)
		return -errno;
	pid_t child = fork();
	int error = errno;
	if (child > 0) {
		*status = stand_by(child, &awaited);
		return 1;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (child < 0)
		return -error;
	return setsid() < 0 ? -errno : 0;
}

void clinux_end_like(int status)
{
	if (WIFEXITED(status))
		exit(WEXITSTATUS(status));
	// If the child left a core file, that is the one to keep.
	const struct rlimit none = {0, 0};
	setrlimit(RLIMIT_CORE, &none);
	int number = WTERMSIG(status);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, number);
	signal(number, SIG_DFL);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	exit(128 + number);
}

#include "own_signals.h"

#include <signal.h>
#include <stddef.h>

void clinux_own_signals(void)
{
	sigset_t needed;
	signal(SIGCHLD, SIG_DFL);
	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&needed);
	sigaddset(&needed, SIGCHLD);
	sigaddset(&needed, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &needed, NULL);
}

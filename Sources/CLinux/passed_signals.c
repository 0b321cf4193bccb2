#include "passed_signals.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t pending[65];

static void note(int number)
{
	// The second one while the first waits to be taken: whatever should take it is stuck.
	if (pending[number] != 0) {
		signal(number, SIG_DFL);
		raise(number);
	}
	pending[number] = 1;
}

void clinux_collect_signals(void)
{
	static const int passed[] = {SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGTSTP};
	for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
		struct sigaction action;
		if (sigaction(passed[i], NULL, &action) != 0 || action.sa_handler == SIG_IGN)
			continue;
		// Without SA_RESTART: it has to end a wait.
		action = (struct sigaction){.sa_handler = note};
		sigaction(passed[i], &action, NULL);
	}
	// A reader that is gone is noticed by the failing write: what runs elsewhere has to be ended first.
	signal(SIGPIPE, SIG_IGN);
}

int clinux_take_signal(void)
{
	for (int number = 1; number < 65; number++) {
		if (pending[number] == 0)
			continue;
		pending[number] = 0;
		return number;
	}
	return 0;
}

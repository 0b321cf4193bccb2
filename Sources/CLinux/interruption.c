#include "interruption.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t interruption;

static void note(int number)
{
	if (interruption == 0)
		interruption = number;
}

void clinux_note_interruption(void)
{
	static const int endings[] = {SIGHUP, SIGINT, SIGTERM};
	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		struct sigaction action;
		if (sigaction(endings[i], NULL, &action) != 0 || action.sa_handler == SIG_IGN)
			continue;
		action = (struct sigaction){.sa_handler = note, .sa_flags = SA_RESETHAND | SA_RESTART};
		sigaction(endings[i], &action, NULL);
	}
}

int clinux_interruption(void)
{
	return interruption;
}

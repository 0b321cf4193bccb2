#include "raw_terminal.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <termios.h>

static const int endings[] = {SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM};
enum { ending_count = sizeof endings / sizeof endings[0] };

static int terminal;
static struct termios modes_before;
static struct sigaction actions_before[ending_count];

static void give_back(void)
{
	tcflush(terminal, TCIFLUSH);
	// Not TCSADRAIN: a terminal that accepts no more output must not block the process.
	tcsetattr(terminal, TCSANOW, &modes_before);
}

// The action is already reset to its default. The signal stays blocked until this returns, then ends the process.
static void on_ending(int number)
{
	give_back();
	raise(number);
}

int clinux_terminal_raw(int fd)
{
	if (tcgetattr(fd, &modes_before) != 0)
		return -errno;
	terminal = fd;
	struct sigaction action = {.sa_handler = on_ending, .sa_flags = (int)SA_RESETHAND};
	sigemptyset(&action.sa_mask);
	// In the background, tcsetattr(3) would stop the process.
	sigaddset(&action.sa_mask, SIGTTOU);
	for (int i = 0; i < ending_count; i++) {
		sigaction(endings[i], NULL, &actions_before[i]);
		// A signal that nohup(1) has set to be ignored stays ignored.
		if (actions_before[i].sa_handler != SIG_IGN)
			sigaction(endings[i], &action, NULL);
	}
	struct termios raw = modes_before;
	cfmakeraw(&raw);
	return tcsetattr(fd, TCSANOW, &raw) == 0 ? 0 : -errno;
}

void clinux_terminal_restore(void)
{
	give_back();
	for (int i = 0; i < ending_count; i++)
		sigaction(endings[i], &actions_before[i], NULL);
}

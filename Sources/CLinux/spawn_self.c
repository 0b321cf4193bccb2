#define _GNU_SOURCE
#include "spawn_self.h"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

static int arrange(posix_spawn_file_actions_t *actions, int line, int journal)
{
	// Out of the way first: one may have the number that the other one is moved to.
	enum { aside = 10 };
	int rc = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	rc = rc ? rc : posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(actions, line, aside);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(actions, journal, aside + 1);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(actions, aside, 3);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(actions, aside + 1, 4);
	rc = rc ? rc : posix_spawn_file_actions_addclosefrom_np(actions, 5);
	return rc;
}

int clinux_spawn_self(char *const *arguments, int line, int journal)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	pid_t pid;
	int rc = posix_spawn_file_actions_init(&actions);
	if (rc != 0)
		return -rc;
	rc = posix_spawnattr_init(&attributes);
	if (rc == 0) {
		rc = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
		rc = rc ? rc : arrange(&actions, line, journal);
		rc = rc ? rc : posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, arguments, environ);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return rc == 0 ? pid : -rc;
}

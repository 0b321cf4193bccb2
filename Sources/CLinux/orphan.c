#include "orphan.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

int clinux_fork_orphan(void)
{
	pid_t child = fork();
	if (child < 0)
		return -errno;
	if (child == 0) {
		pid_t orphan = fork();
		if (orphan != 0)
			_exit(orphan < 0);
		return 0;
	}
	int status;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status == 0 ? 1 : -EAGAIN;
}

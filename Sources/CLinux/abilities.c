#define _GNU_SOURCE
#include "child.h"
#include "credentials.h"
#include "ordinary_limits.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { nobody_knows = 64, killed_is_gone_in_ms = 1000 };

static int abilities(const char *program)
{
	int found = 0;
	if (access(program, X_OK) == 0)
		found |= CLINUX_CAN_EXECUTE;
	if (access("/dev/kvm", R_OK | W_OK) == 0)
		found |= CLINUX_CAN_OPEN_KVM;
	// It may be refused by kernel.io_uring_disabled or seccomp, or not exist: only trying tells.
	struct io_uring_params params = {0};
	long ring = syscall(SYS_io_uring_setup, 1, &params);
	if (ring >= 0)
		found |= CLINUX_CAN_IO_URING;
	return found;
}

pid_t clinux_probe_begin(const struct clinux_launch *launch)
{
	pid_t pid = fork();
	if (pid == 0) {
		clinux_take_ordinary_limits();
		int rc = drop_privileges(launch);
		_exit(rc < 0 ? nobody_knows : abilities(launch->path));
	}
	return pid < 0 ? -errno : pid;
}

int clinux_probe_end(pid_t pid, int deadline_ms)
{
	int status, rc = clinux_reap(pid, deadline_ms, &status);
	if (rc == 0) {
		kill(pid, SIGKILL);
		clinux_reap(pid, killed_is_gone_in_ms, &status);
		return -ETIMEDOUT;
	}
	if (rc < 0)
		return rc;
	return WIFEXITED(status) && WEXITSTATUS(status) < nobody_knows ? WEXITSTATUS(status) : -EPERM;
}

#define _GNU_SOURCE
#include "launch.h"

#include "pidfd.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Eight NICs of 16 queues, each with a descriptor for vhost, and all else that a VM can have.
enum { most_descriptors = 512 };

// Everything beyond stdio is closed by execve(2) unless arranged otherwise afterwards.
static int close_all_on_exec(void)
{
	if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return 0;
	// Before Linux 5.11 the flag is unknown; ask for each number there can be.
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return -errno;
	for (rlim_t fd = 3; fd < limit.rlim_cur; fd++)
		fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

// The first number beyond stdio and all targets.
static int above_targets(const struct clinux_launch *launch)
{
	int above = 3;
	for (size_t i = 0; i < launch->descriptors; i++)
		if (launch->targets[i] >= above)
			above = launch->targets[i] + 1;
	return above;
}

// A caller's low limit on descriptors is not QEMU's.
static void allow_descriptors(void)
{
	const rlim_t enough = 65536;
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= enough)
		return;
	limit.rlim_cur = limit.rlim_max < enough ? limit.rlim_max : enough;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int arrange_descriptors(const struct clinux_launch *launch)
{
	int moved[most_descriptors];
	if (launch->descriptors > most_descriptors)
		return -EMFILE;
	allow_descriptors();
	// First out of the way of the targets, for a source may sit where another one's target is.
	for (size_t i = 0; i < launch->descriptors; i++) {
		moved[i] = fcntl(launch->sources[i], F_DUPFD_CLOEXEC, above_targets(launch));
		if (moved[i] < 0)
			return -errno;
	}
	int rc = close_all_on_exec();
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < launch->descriptors; i++)
		if (dup2(moved[i], launch->targets[i]) < 0)
			return -errno;
	return 0;
}

static int sign(int fd)
{
	char text[64];
	struct clinux_process self;
	int rc = clinux_process_look(getpid(), &self);
	if (rc < 0)
		return rc;
	int length = snprintf(text, sizeof text, "%d %lld\n", getpid(), (long long)self.start_time);
	if (pwrite(fd, text, (size_t)length, 0) != length || ftruncate(fd, length) != 0)
		return -errno;
	return 0;
}

// The order matters: the groups while CAP_SETGID is there, the bounding set while CAP_SETPCAP is, the uid last, which
// takes the capabilities with it. A user without privileges has nothing to drop but what exec could give back.
static int drop_privileges(const struct clinux_launch *launch)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	capng_clear(CAPNG_SELECT_BOTH);
	if (launch->change_user) {
		if (setgroups(launch->group_count, launch->groups) != 0)
			return -errno;
		errno = 0;
		int rc = capng_change_id((int)launch->uid, (int)launch->gid, CAPNG_CLEAR_BOUNDING | CAPNG_CLEAR_AMBIENT);
		return rc == 0 ? 0 : -(errno ? errno : EPERM);
	}
	errno = 0;
	return capng_apply(CAPNG_SELECT_CAPS) == 0 ? 0 : -(errno ? errno : EPERM);
}

static void reset_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
}

static int become(const struct clinux_launch *launch, pid_t parent, enum clinux_stage *stage)
{
	reset_signals();
	umask(077);
	int rc;
	*stage = CLINUX_STAGE_IDENTITY;
	if (launch->identity >= 0 && (rc = sign(launch->identity)) < 0)
		return rc;
	*stage = CLINUX_STAGE_DESCRIPTORS;
	rc = chdir("/") == 0 ? arrange_descriptors(launch) : -errno;
	if (rc < 0)
		return rc;
	*stage = CLINUX_STAGE_CREDENTIALS;
	if ((rc = drop_privileges(launch)) < 0)
		return rc;
	// Only now: a change of user clears it. A parent that ended before this is not told of, but seen.
	if (launch->dies_with_parent) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
			return -errno;
		if (getppid() != parent)
			return -ECANCELED;
	}
	*stage = CLINUX_STAGE_EXEC;
	execve(launch->path, launch->argv, launch->envp);
	return -errno;
}

int clinux_become(const struct clinux_launch *launch, enum clinux_stage *stage)
{
	return become(launch, getppid(), stage);
}

struct failure {
	int error;
	enum clinux_stage stage;
};

pid_t clinux_spawn(const struct clinux_launch *launch, int deadline_ms, enum clinux_stage *stage)
{
	int report[2];
	*stage = CLINUX_STAGE_FORK;
	if (pipe2(report, O_CLOEXEC) != 0)
		return -errno;
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		struct failure failure;
		// The pipe too has to stay clear of the targets; its copy closes at exec like everything else.
		allow_descriptors();
		int out = fcntl(report[1], F_DUPFD_CLOEXEC, above_targets(launch));
		if (out < 0) {
			failure = (struct failure){-errno, CLINUX_STAGE_DESCRIPTORS};
			_exit(write(report[1], &failure, sizeof failure) == sizeof failure ? 126 : 127);
		}
		setsid();
		failure.error = become(launch, parent, &failure.stage);
		ssize_t told = write(out, &failure, sizeof failure);
		_exit(told == sizeof failure ? 126 : 127);
	}
	int error = errno;
	close(report[1]);
	if (pid < 0) {
		close(report[0]);
		return -error;
	}
	struct pollfd word = {.fd = report[0], .events = POLLIN};
	if (poll(&word, 1, deadline_ms) == 0) {
		// Not waited for: it may hang in the kernel, where the signal reaches it only when that lets go.
		kill(pid, SIGKILL);
		close(report[0]);
		*stage = CLINUX_STAGE_EXEC;
		return -ETIMEDOUT;
	}
	struct failure failure;
	ssize_t length;
	do
		length = read(report[0], &failure, sizeof failure);
	while (length < 0 && errno == EINTR);
	close(report[0]);
	if (length == 0)
		return pid;
	waitpid(pid, NULL, 0);
	if (length != sizeof failure)
		return -EIO;
	*stage = failure.stage;
	return failure.error;
}

static int abilities(void)
{
	int found = 0;
	if (access("/dev/kvm", R_OK | W_OK) == 0)
		found |= CLINUX_CAN_OPEN_KVM;
	// Refused by kernel.io_uring_disabled, by seccomp, or not there at all: only trying tells.
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
		int rc = drop_privileges(launch);
		_exit(rc < 0 ? 64 : abilities());
	}
	return pid < 0 ? -errno : pid;
}

int clinux_probe_end(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) < 64 ? WEXITSTATUS(status) : -EPERM;
}

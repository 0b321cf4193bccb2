#define _GNU_SOURCE
#include "launch_steps.h"

#include "affinity.h"
#include "credentials.h"
#include "ioctl_filter.h"
#include "ordinary_limits.h"
#include "pidfd.h"
#include "reading.h"
#include "shared_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Eight NICs with 16 queues, each with a descriptor for vhost, and everything else that a VM can have.
enum { most_descriptors = 512 };

// Marks everything beyond stdio close-on-exec; what is to stay open is arranged afterwards.
static int close_all_on_exec(void)
{
	if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return 0;
	// Before Linux 5.11 the flag is unknown, so every possible number is marked.
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return -errno;
	for (rlim_t fd = 3; fd < limit.rlim_cur; fd++)
		fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

int above_targets(const struct clinux_launch *launch)
{
	int above = 3;
	for (size_t i = 0; i < launch->descriptors; i++)
		if (launch->targets[i] >= above)
			above = launch->targets[i] + 1;
	return above;
}

void allow_descriptors(void)
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
	// First move them away from the targets, because one source may have the number of another one's target.
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

// The id of the host's current boot: a pid and a start time can recur after the next one.
static int look_up_boot(char *boot, size_t size)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t length = read_uninterrupted(fd, boot, size - 1);
	int error = errno;
	close(fd);
	if (length <= 0)
		return length < 0 ? -error : -EIO;
	boot[length] = 0;
	boot[strcspn(boot, "\n")] = 0;
	return 0;
}

static int sign(int fd)
{
	char text[128], boot[64];
	struct clinux_process self;
	struct stat namespace;
	int rc = clinux_process_look(getpid(), &self);
	if (rc == 0)
		rc = look_up_boot(boot, sizeof boot);
	if (rc < 0)
		return rc;
	// A pid means something only in its namespace (pid_namespaces(7)).
	if (stat("/proc/self/ns/pid", &namespace) != 0)
		return -errno;
	int length = snprintf(text, sizeof text, "%d %lld %llu %s\n", getpid(), (long long)self.start_time,
		(unsigned long long)namespace.st_ino, boot);
	ssize_t written = pwrite(fd, text, (size_t)length, 0);
	if (written >= 0 && written != length)
		return -ENOSPC;
	return written < 0 || ftruncate(fd, length) != 0 ? -errno : 0;
}

static void lower_limit(int resource, rlim_t most)
{
	struct rlimit limit;
	if (getrlimit(resource, &limit) != 0)
		return;
	limit.rlim_max = limit.rlim_max < most ? limit.rlim_max : most;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(resource, &limit);
}

static void reset_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	// If there is a file size limit that can't be raised, a write beyond it fails, which is no reason to end the VM.
	signal(SIGXFSZ, SIG_IGN);
}

int become(const struct clinux_launch *launch, pid_t parent, enum clinux_stage *stage)
{
	reset_signals();
	umask(077);
	int rc;
	*stage = CLINUX_STAGE_IDENTITY;
	if (launch->identity >= 0 && (rc = sign(launch->identity)) < 0)
		return rc;
	if (!launch->keeps_limits)
		clinux_take_ordinary_limits();
	if (launch->memory)
		lower_limit(RLIMIT_AS, launch->memory);
	if (launch->processor_time)
		lower_limit(RLIMIT_CPU, launch->processor_time);
	*stage = CLINUX_STAGE_PROCESSORS;
	if (launch->processors && (rc = clinux_bind_to_processors(launch->processors, launch->processors_size)) < 0)
		return rc;
	*stage = CLINUX_STAGE_TREE;
	if (launch->tree >= 0 && (rc = clinux_attach_tree(launch->tree, launch->tree_place)) < 0)
		return rc;
	*stage = CLINUX_STAGE_DESCRIPTORS;
	rc = chdir("/") == 0 ? arrange_descriptors(launch) : -errno;
	if (rc < 0)
		return rc;
	*stage = CLINUX_STAGE_CREDENTIALS;
	if (!launch->keeps_privileges && ((rc = drop_privileges(launch)) < 0 || (rc = clinux_refuse_link_changes()) < 0))
		return rc;
	// Only now, because a change of user clears it. If the parent ended before this, no signal comes, so that is checked.
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

#define _GNU_SOURCE
#include "ordinary_limits.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

// All limits. A resource of which QEMU may need any amount has no limit: MEMORY bounds a VM's memory, and the cgroup
// bounds a QEMU that a guest took over. Only threads are limited; they are counted by user, and each VM has its own.
static const struct {
	int resource;
	rlim_t soft, hard;
} ordinary[] = {
	{RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY},
	{RLIMIT_CPU, RLIM_INFINITY, RLIM_INFINITY},
	{RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY},
	{RLIMIT_DATA, RLIM_INFINITY, RLIM_INFINITY},
	{RLIMIT_RSS, RLIM_INFINITY, RLIM_INFINITY},
	{RLIMIT_LOCKS, RLIM_INFINITY, RLIM_INFINITY},
	// Until Linux 5.12 an io_uring counts towards this limit, and a passed-through device pins all of the guest's memory.
	{RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY},
	{RLIMIT_RTTIME, RLIM_INFINITY, RLIM_INFINITY},
	// glibc uses the soft limit as the size of each thread's stack (pthread_create(3)).
	{RLIMIT_STACK, 8 << 20, RLIM_INFINITY},
	{RLIMIT_CORE, 0, 0},
	{RLIMIT_NPROC, 16384, 16384},
	{RLIMIT_NOFILE, 65536, 65536},
	{RLIMIT_SIGPENDING, 65536, 65536},
	{RLIMIT_MSGQUEUE, 819200, 819200},
	{RLIMIT_NICE, 0, 0},
	{RLIMIT_RTPRIO, 0, 0},
};

static rlim_t lower(rlim_t one, rlim_t other)
{
	return one < other ? one : other;
}

static void take_limit(int resource, rlim_t soft, rlim_t hard)
{
	struct rlimit limit, wanted = {soft, hard};
	if (setrlimit(resource, &wanted) == 0 || getrlimit(resource, &limit) != 0)
		return;
	// The hard limit can't be raised.
	wanted.rlim_max = lower(hard, limit.rlim_max);
	wanted.rlim_cur = lower(soft, wanted.rlim_max);
	setrlimit(resource, &wanted);
}

// For the thread; the threads that it creates inherit it.
static void take_schedule(void)
{
	const struct sched_param none = {0};
	sched_setscheduler(0, SCHED_OTHER, &none);
	setpriority(PRIO_PROCESS, 0, 0);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_NONE, 0));
	// The kernel leaves out processors that do not exist or are not in the cpuset.
	unsigned char every_processor[1024];
	memset(every_processor, 0xff, sizeof every_processor);
	syscall(SYS_sched_setaffinity, 0, sizeof every_processor, every_processor);
	syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0);
	const unsigned long default_slack_ns = 50000; // init_task, init/init_task.c
	prctl(PR_SET_TIMERSLACK, default_slack_ns, 0, 0, 0);
}

static void take_oom_score(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t written = write(fd, "0", 1);
	(void)written; // refused if the starter's is higher and this is not root; then that one stays
	close(fd);
}

void clinux_take_ordinary_limits(void)
{
	for (size_t i = 0; i < sizeof ordinary / sizeof ordinary[0]; i++)
		take_limit(ordinary[i].resource, ordinary[i].soft, ordinary[i].hard);
	take_schedule();
	take_oom_score();
	// A personality set by setarch(8) or a debugger would turn off address randomization.
	personality(PER_LINUX);
	prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	const struct itimerval off = {0};
	for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++)
		setitimer(which, &off, NULL);
}

static bool may_raise_limits(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	return syscall(SYS_capget, &header, data) == 0 && data[0].effective & 1U << CAP_SYS_RESOURCE;
}

uint64_t clinux_limit_in_reach(enum clinux_limit limit)
{
	static const int resources[] = {
		[CLINUX_LIMIT_ADDRESS_SPACE] = RLIMIT_AS,
		[CLINUX_LIMIT_DATA] = RLIMIT_DATA,
		[CLINUX_LIMIT_FILE_SIZE] = RLIMIT_FSIZE,
		[CLINUX_LIMIT_CPU_TIME] = RLIMIT_CPU,
	};
	struct rlimit found;
	if (getrlimit(resources[limit], &found) != 0 || found.rlim_max == RLIM_INFINITY || may_raise_limits())
		return UINT64_MAX;
	return found.rlim_max;
}

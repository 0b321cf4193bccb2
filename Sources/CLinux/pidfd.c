#define _GNU_SOURCE
#include "pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int clinux_pidfd_open(int pid)
{
	long fd = syscall(SYS_pidfd_open, pid, 0);
	return fd < 0 ? -errno : (int)fd;
}

int clinux_pidfd_signal(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0 ? 0 : -errno;
}

// Field `number` of /proc/PID/stat (proc_pid_stat(5)), from the text after field 2.
static const char *field(const char *text, int number)
{
	for (int at = 2; text && at < number; at++)
		text = strchr(text + 1, ' ');
	return text ? text + 1 : NULL;
}

int clinux_process_look(int pid, struct clinux_process *process)
{
	char path[32], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	ssize_t length = read(fd, text, sizeof text - 1);
	int error = errno;
	close(fd);
	if (length <= 0)
		return length < 0 ? -error : -ESRCH;
	text[length] = 0;
	// The command name, field 2, may hold anything, so count from the last parenthesis.
	const char *after_name = strrchr(text, ')');
	const char *state = field(after_name, 3), *flags = field(after_name, 9), *start = field(after_name, 22);
	const char *pending = field(after_name, 31);
	if (!pending)
		return -EIO;
	const unsigned long exiting = 0x4; // PF_EXITING, include/linux/sched.h
	const unsigned long kill = 1UL << (SIGKILL - 1);
	process->start_time = strtoll(start, NULL, 10);
	process->is_ending = strchr("ZXx", *state) || strtoul(flags, NULL, 10) & exiting ||
		strtoul(pending, NULL, 10) & kill;
	return 0;
}

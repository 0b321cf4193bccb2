#define _GNU_SOURCE
#include "pidfd.h"

#include "reading.h"

#include <dirent.h>
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

// Reads the stat file of a process, or of one of its threads.
static int read_stat(const char *path, struct clinux_process *process, long *threads)
{
	char text[1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	ssize_t length = read_uninterrupted(fd, text, sizeof text - 1);
	int error = errno;
	close(fd);
	if (length <= 0)
		return length < 0 ? -error : -ESRCH;
	text[length] = 0;
	// The command name, field 2, may contain anything, so count from the last parenthesis.
	const char *after_name = strrchr(text, ')');
	const char *state = field(after_name, 3), *flags = field(after_name, 9), *start = field(after_name, 22);
	const char *pending = field(after_name, 31);
	if (!pending)
		return -EIO;
	const unsigned long exiting = 0x4; // PF_EXITING, include/linux/sched.h
	const unsigned long kill = 1UL << (SIGKILL - 1);
	process->start_time = strtoll(start, NULL, 10);
	process->has_terminal = strtol(field(after_name, 7), NULL, 10) != 0;
	process->is_ending = strchr("ZXx", *state) || strtoul(flags, NULL, 10) & exiting ||
		strtoul(pending, NULL, 10) & kill;
	*threads = strtol(field(after_name, 20), NULL, 10);
	return 0;
}

// Whether any thread of a process goes on. When the whole process is to end, each thread has SIGKILL pending
// (zap_other_threads, kernel/signal.c).
static bool has_living_thread(int pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *tasks = opendir(path);
	if (!tasks)
		return false;
	bool lives = false;
	for (struct dirent *task; !lives && (task = readdir(tasks));) {
		struct clinux_process thread;
		long threads;
		int number = atoi(task->d_name);
		snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, number);
		lives = number > 0 && read_stat(path, &thread, &threads) == 0 && !thread.is_ending;
	}
	closedir(tasks);
	return lives;
}

int clinux_process_look(int pid, struct clinux_process *process)
{
	char path[32];
	long threads;
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	int rc = read_stat(path, process, &threads);
	// The first thread can end by itself, and is a zombie as long as another one goes on.
	if (rc == 0 && process->is_ending && threads > 1 && has_living_thread(pid))
		process->is_ending = false;
	return rc;
}

#define _GNU_SOURCE
#include "launch.h"

#include "child.h"
#include "end_guard.h"
#include "launch_steps.h"
#include "monotonic.h"
#include "pidfd.h"
#include "reading.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

// What a child reports to its parent if it could not become the program. If it could, the pipe just ends.
struct failure {
	int error;
	enum clinux_stage stage;
};

enum { killed_is_gone_in_ms = 1000 };

// A child that is to be guarded goes on when its guard is there. If its parent is killed before that, the gate just ends.
static void pass_gate(const int gate[2])
{
	char word;
	close(gate[1]);
	if (read_uninterrupted(gate[0], &word, 1) != 1)
		_exit(127);
}

// Sets a guard on a child that waits at the gate. The guard's descriptor, or -errno.
static int set_guard(pid_t pid, int gate)
{
	int pidfd = clinux_pidfd_open(pid);
	if (pidfd < 0)
		return pidfd;
	int guard = clinux_guard_end(pidfd);
	close(pidfd);
	if (guard >= 0 && write(gate, "", 1) != 1) {
		close(guard);
		return -EPIPE;
	}
	return guard;
}

static _Noreturn void run_child(const struct clinux_launch *launch, pid_t parent, int report, const int *gate)
{
	struct failure failure = {.stage = CLINUX_STAGE_DESCRIPTORS};
	if (gate)
		pass_gate(gate);
	// The pipe has to stay clear of the targets too; its copy is closed on exec like everything else.
	allow_descriptors();
	int out = fcntl(report, F_DUPFD_CLOEXEC, above_targets(launch));
	if (out >= 0) {
		setsid();
		failure.error = become(launch, parent, &failure.stage);
	} else {
		failure.error = -errno;
		out = report;
	}
	ssize_t told = write(out, &failure, sizeof failure);
	_exit(told == sizeof failure ? 126 : 127);
}

// Waits for the child's report. 0 once it has become the program, else -errno.
static int await(int report, int deadline_ms, enum clinux_stage *stage)
{
	const int64_t end = monotonic_ms() + deadline_ms;
	struct pollfd word = {.fd = report, .events = POLLIN};
	int ready;
	do
		ready = poll(&word, 1, left_ms(end));
	while (ready < 0 && errno == EINTR);
	*stage = CLINUX_STAGE_EXEC;
	if (ready <= 0)
		return ready == 0 ? -ETIMEDOUT : -errno;
	struct failure failure;
	ssize_t length = read_uninterrupted(report, &failure, sizeof failure);
	if (length < 0)
		return -errno;
	if (length == 0)
		return 0;
	if (length != sizeof failure)
		return -EIO;
	*stage = failure.stage;
	return failure.error;
}

// Whatever state the child is in, nobody will look after it. If it hangs in the kernel, it ends when it gets out.
static void end(pid_t pid)
{
	int status;
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	clinux_reap(pid, killed_is_gone_in_ms, &status);
}

pid_t clinux_spawn(const struct clinux_launch *launch, int deadline_ms, enum clinux_stage *stage, int *guard)
{
	int report[2], gate[2];
	*stage = CLINUX_STAGE_FORK;
	if (pipe2(report, O_CLOEXEC) != 0)
		return -errno;
	if (guard && pipe2(gate, O_CLOEXEC) != 0) {
		int rc = -errno;
		close(report[0]);
		close(report[1]);
		return rc;
	}
	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		run_child(launch, parent, report[1], guard ? gate : NULL);
	int rc = pid < 0 ? -errno : 0;
	// While this process's copy is open the pipe does not end, so waiting would be pointless.
	if (close(report[1]) != 0 && rc == 0)
		rc = -errno;
	if (guard) {
		*guard = rc == 0 ? set_guard(pid, gate[1]) : -1;
		if (rc == 0 && *guard < 0)
			rc = *guard;
		// Only now: a write to a pipe without a reader, because the child has ended, would be SIGPIPE.
		close(gate[0]);
		close(gate[1]);
	}
	if (rc == 0)
		rc = await(report[0], deadline_ms, stage);
	close(report[0]);
	if (rc < 0 && pid > 0)
		end(pid);
	if (rc < 0 && guard && *guard >= 0)
		close(*guard);
	return rc < 0 ? rc : pid;
}

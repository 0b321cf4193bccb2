#define _GNU_SOURCE
#include "launch.h"

#include "child.h"
#include "launch_steps.h"
#include "monotonic.h"
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

static _Noreturn void run_child(const struct clinux_launch *launch, pid_t parent, int report)
{
	struct failure failure = {.stage = CLINUX_STAGE_DESCRIPTORS};
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

pid_t clinux_spawn(const struct clinux_launch *launch, int deadline_ms, enum clinux_stage *stage)
{
	int report[2];
	*stage = CLINUX_STAGE_FORK;
	if (pipe2(report, O_CLOEXEC) != 0)
		return -errno;
	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		run_child(launch, parent, report[1]);
	int rc = pid < 0 ? -errno : 0;
	// While this process's copy is open the pipe does not end, so waiting would be pointless.
	if (close(report[1]) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0)
		rc = await(report[0], deadline_ms, stage);
	close(report[0]);
	if (rc < 0 && pid > 0)
		end(pid);
	return rc < 0 ? rc : pid;
}

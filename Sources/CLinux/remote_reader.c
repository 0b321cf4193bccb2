#define _GNU_SOURCE
#include "remote_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// The caller may have threads: after the fork, only what signal-safety(7) allows.

static bool receive_all(int fd, void *buffer, size_t size)
{
	for (char *at = buffer; size > 0;) {
		ssize_t count = read(fd, at, size);
		if (count == 0 || (count < 0 && errno != EINTR))
			return false;
		if (count > 0) {
			at += count;
			size -= (size_t)count;
		}
	}
	return true;
}

static void send_all(int fd, const void *buffer, size_t size)
{
	for (const char *at = buffer; size > 0;) {
		ssize_t count = send(fd, at, size, MSG_NOSIGNAL);
		if (count < 0 && errno != EINTR)
			_exit(0);
		if (count > 0) {
			at += count;
			size -= (size_t)count;
		}
	}
}

static void send_piece(int fd, const void *bytes, int32_t length)
{
	send_all(fd, &length, sizeof length);
	if (length > 0)
		send_all(fd, bytes, (size_t)length);
}

static void send_content(int fd, int file, uint64_t limit)
{
	static char piece[65536];
	while (limit > 0) {
		ssize_t count = read(file, piece, limit < sizeof piece ? limit : sizeof piece);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0) {
			send_piece(fd, NULL, count < 0 ? -errno : 0);
			return;
		}
		send_piece(fd, piece, (int32_t)count);
		limit -= (uint64_t)count;
	}
	send_piece(fd, NULL, 0);
}

// getdents64(2). glibc declares it only with readdir(3), which allocates.
struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

static void send_names(int fd, int directory, uint64_t limit)
{
	static char entries[65536] __attribute__((aligned(8)));
	while (true) {
		long count = syscall(SYS_getdents64, directory, entries, sizeof entries);
		if (count <= 0) {
			send_piece(fd, NULL, count < 0 ? -errno : 0);
			return;
		}
		for (long at = 0; at < count;) {
			const struct entry *entry = (const struct entry *)(entries + at);
			size_t length = strlen(entry->name) + 1;
			if (length > limit) {
				send_piece(fd, NULL, -EFBIG);
				return;
			}
			limit -= length;
			send_piece(fd, entry->name, (int32_t)length);
			at += entry->length;
		}
	}
}

static void answer(int fd, const struct clinux_remote_request *request, const char *path)
{
	struct clinux_remote_answer answer = {0};
	struct stat status;
	int file = -1;
	answer.error = fstatat(AT_FDCWD, path, &status, request->no_follow ? AT_SYMLINK_NOFOLLOW : 0) == 0 ? 0 : errno;
	if (!answer.error && S_ISLNK(status.st_mode))
		answer.error = ELOOP;
	// Nothing else is opened: opening a FIFO waits, and opening a device can have effects.
	bool is_file = request->question == CLINUX_REMOTE_READ && S_ISREG(status.st_mode);
	if (!answer.error && (is_file || request->question == CLINUX_REMOTE_NAMES)) {
		int kind = is_file ? O_NOFOLLOW * request->no_follow : O_DIRECTORY;
		file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | kind);
		answer.error = file < 0 || fstat(file, &status) != 0 ? errno : 0;
	}
	send_all(fd, &answer, sizeof answer);
	if (!answer.error) {
		send_piece(fd, &status, sizeof status);
		if (request->question == CLINUX_REMOTE_NAMES)
			send_names(fd, file, request->limit);
		else if (file >= 0 && S_ISREG(status.st_mode))
			send_content(fd, file, request->limit);
		else
			send_piece(fd, NULL, 0);
	}
	if (file >= 0)
		close(file);
}

// This process may stay for long, so it must hold none of the caller's files: a reader of its output may wait for the
// end.
static void close_all_but(int fd)
{
	dup2(fd, 0);
	if (syscall(SYS_close_range, 1, ~0U, 0) == 0)
		return;
	// Before Linux 5.9 there is no such call.
	struct rlimit limit = {.rlim_cur = 1024};
	getrlimit(RLIMIT_NOFILE, &limit);
	for (rlim_t other = 1; other < limit.rlim_cur; other++)
		close((int)other);
}

static void serve(int fd)
{
	static char path[PATH_MAX];
	struct clinux_remote_request request;
	close_all_but(fd);
	if (chdir("/") != 0)
		_exit(1);
	pid_t self = getpid();
	send_all(0, &self, sizeof self);
	while (receive_all(0, &request, sizeof request)) {
		if (request.length >= sizeof path || !receive_all(0, path, request.length))
			break;
		path[request.length] = 0;
		answer(0, &request, path);
	}
	_exit(0);
}

// Receives the new process's hello, with its pid. It is no longer this process's child.
static int hello(int fd, int *pid)
{
	struct pollfd word = {.fd = fd, .events = POLLIN};
	while (poll(&word, 1, 5000) < 0)
		if (errno != EINTR)
			return -errno;
	if (!(word.revents & POLLIN) || !receive_all(fd, pid, sizeof *pid))
		return -EAGAIN;
	return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 ? fd : -errno;
}

int clinux_remote_reader(int *pid)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	pid_t child = fork();
	if (child == 0) {
		if (fork() == 0)
			serve(ends[1]);
		_exit(0);
	}
	int error = errno;
	close(ends[1]);
	if (child < 0) {
		close(ends[0]);
		return -error;
	}
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	int rc = hello(ends[0], pid);
	if (rc < 0)
		close(ends[0]);
	return rc;
}

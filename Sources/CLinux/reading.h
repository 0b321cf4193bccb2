#pragma once

#include <errno.h>
#include <unistd.h>

// read(2), retried after a signal.
static inline ssize_t read_uninterrupted(int fd, void *bytes, size_t size)
{
	ssize_t length;
	do
		length = read(fd, bytes, size);
	while (length < 0 && errno == EINTR);
	return length;
}

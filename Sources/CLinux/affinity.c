#define _GNU_SOURCE
#include "affinity.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { most_bytes = 1024 };

// The kernel writes as many bytes as it has processors for.
static int look(unsigned char *mask, size_t size)
{
	memset(mask, 0, size);
	return syscall(SYS_sched_getaffinity, 0, size, mask) < 0 ? -errno : 0;
}

static int bind(const unsigned char *mask, size_t size)
{
	return syscall(SYS_sched_setaffinity, 0, size, mask) < 0 ? -errno : 0;
}

int clinux_allowed_processors(unsigned char *mask, size_t size)
{
	unsigned char own[most_bytes], all[most_bytes];
	int rc = look(own, sizeof own);
	if (rc < 0)
		return rc;
	// The kernel leaves out what can't be had: asking for all is asking which.
	memset(all, 0xff, sizeof all);
	rc = bind(all, sizeof all);
	if (rc == 0)
		rc = look(mask, size);
	int restored = bind(own, sizeof own);
	return rc < 0 ? rc : restored;
}

int clinux_bind_to_processors(const unsigned char *mask, size_t size)
{
	unsigned char found[most_bytes];
	if (size > sizeof found)
		return -EINVAL;
	int rc = bind(mask, size);
	if (rc == 0)
		rc = look(found, size);
	if (rc < 0)
		return rc;
	return memcmp(found, mask, size) == 0 ? 0 : -EINVAL;
}

#define _GNU_SOURCE
#include "ofd_lock.h"

#include <errno.h>
#include <fcntl.h>

static struct flock one_byte(short type, int64_t byte)
{
	// l_pid must be 0 for the OFD commands; the initializer does that.
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
}

static int take(int fd, short type, int64_t byte)
{
	struct flock lock = one_byte(type, byte);
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

int clinux_ofd_lock(int fd, int64_t byte)
{
	return take(fd, F_WRLCK, byte);
}

int clinux_ofd_share(int fd, int64_t byte)
{
	return take(fd, F_RDLCK, byte);
}

int clinux_ofd_unlock(int fd, int64_t byte)
{
	return take(fd, F_UNLCK, byte);
}

// Asks whether a lock of this type would be refused. Descriptors opened O_RDONLY may ask for either type.
static int conflicts(int fd, short type, int64_t byte)
{
	struct flock lock = one_byte(type, byte);
	if (fcntl(fd, F_OFD_GETLK, &lock) != 0)
		return -errno;
	return lock.l_type != F_UNLCK;
}

int clinux_ofd_is_locked(int fd, int64_t byte)
{
	// Only a write lock conflicts with a read lock.
	return conflicts(fd, F_RDLCK, byte);
}

int clinux_ofd_is_held(int fd, int64_t byte)
{
	return conflicts(fd, F_WRLCK, byte);
}

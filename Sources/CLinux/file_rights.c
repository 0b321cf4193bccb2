#define _GNU_SOURCE
#include "file_rights.h"

#include <errno.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

// Both calls return the previous id and report no failure. Only another call, with an id that can't be set, tells which
// one is in effect.
static int is_set(uid_t uid, gid_t gid)
{
	return (uid_t)setfsuid((uid_t)-1) == uid && (gid_t)setfsgid((gid_t)-1) == gid;
}

int clinux_take_file_rights(uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
	// The bare system call: glibc's setgroups(3) changes every thread of the process.
	if (syscall(SYS_setgroups, count, groups) != 0)
		return -errno;
	setfsgid(gid);
	setfsuid(uid);
	return is_set(uid, gid) ? 0 : -EPERM;
}

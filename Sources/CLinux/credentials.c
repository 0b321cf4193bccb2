#define _GNU_SOURCE
#include "credentials.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// A process that has the starter's session keyring possesses its keys, whatever its uid (keyrings(7)). If the kernel
// has no keyrings, or a container's filter forbids them, there is none to leave.
static void leave_keyring(void)
{
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
}

// The order matters: the groups while there is CAP_SETGID, the bounding set while there is CAP_SETPCAP, and last the
// uid, which clears the capabilities. A user without privileges only has to drop what exec could give back.
static int drop(const struct clinux_launch *launch)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	capng_clear(CAPNG_SELECT_BOTH);
	if (launch->change_user) {
		if (setgroups(launch->group_count, launch->groups) != 0)
			return -errno;
		errno = 0;
		int rc = capng_change_id((int)launch->uid, (int)launch->gid, CAPNG_CLEAR_BOUNDING | CAPNG_CLEAR_AMBIENT);
		return rc == 0 ? 0 : -(errno ? errno : EPERM);
	}
	errno = 0;
	return capng_apply(CAPNG_SELECT_CAPS) == 0 ? 0 : -(errno ? errno : EPERM);
}

int drop_privileges(const struct clinux_launch *launch)
{
	int rc = drop(launch);
	if (rc == 0)
		leave_keyring();
	return rc;
}

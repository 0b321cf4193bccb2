#include "unmounted.h"

#include <errno.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

int clinux_unmounted(const char *type)
{
	int rc = -1;
	const int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	if (context < 0)
		return -errno;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		rc = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	if (rc < 0)
		rc = -errno;
	close(context);
	return rc;
}

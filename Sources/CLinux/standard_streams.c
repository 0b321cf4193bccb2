#include "standard_streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

int clinux_fill_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		// open(2) uses the lowest free number, and the lower ones are open.
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
			return -errno;
	return 0;
}

int clinux_flush_stdout(void)
{
	if (fflush(stdout) != 0)
		return -errno;
	return ferror(stdout) ? -EIO : 0;
}

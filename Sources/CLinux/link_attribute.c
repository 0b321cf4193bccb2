#include "link_attribute.h"

#include "reading.h"
#include "unmounted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int clinux_link_attribute(const char *link, const char *attribute, char *text, size_t size)
{
	char path[128];
	if (snprintf(path, sizeof path, "class/net/%s/%s", link, attribute) >= (int)sizeof path)
		return -ENAMETOOLONG;
	const int sysfs = clinux_unmounted("sysfs");
	if (sysfs < 0)
		return sysfs;
	const int file = openat(sysfs, path, O_RDONLY | O_CLOEXEC);
	const int error = errno;
	close(sysfs);
	if (file < 0)
		return -error;
	ssize_t length = read_uninterrupted(file, text, size - 1);
	if (length < 0)
		length = -errno;
	else
		text[length] = 0;
	close(file);
	return (int)length;
}

#pragma once

#include <stddef.h>

/// Reads a link's attribute that only sysfs tells (Documentation/ABI/testing/sysfs-class-net), such as
/// "addr_assign_type", of the calling thread's network namespace. Takes CAP_SYS_ADMIN. How many bytes were read into
/// `text`, which then ends in a NUL; or -errno.
int clinux_link_attribute(const char *link, const char *attribute, char *text, size_t size);

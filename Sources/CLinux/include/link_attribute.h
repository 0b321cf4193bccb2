#pragma once

#include <stddef.h>

/// Reads a link's attribute that only sysfs has (Documentation/ABI/testing/sysfs-class-net), such as
/// "addr_assign_type", in the calling thread's network namespace. Needs CAP_SYS_ADMIN. The number of bytes read into
/// `text`, which is then NUL-terminated; or -errno.
int clinux_link_attribute(const char *link, const char *attribute, char *text, size_t size);

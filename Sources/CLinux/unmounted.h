#pragma once

// A fresh instance of a file system that is mounted nowhere (fsopen(2), Linux 5.2), so that nobody else sees what is made
// in it, and a sysfs that shows the caller's network namespace, whatever is mounted at /sys. The descriptor of its root,
// or -errno.
int clinux_unmounted(const char *type);

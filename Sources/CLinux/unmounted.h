#pragma once

// A new instance of a file system that is mounted nowhere (fsopen(2), Linux 5.2). No other process sees what is created
// in it, and a sysfs shows the caller's network namespace, whatever is mounted at /sys. The descriptor of its root, or
// -errno.
int clinux_unmounted(const char *type);

#pragma once

/// An unnamed file in memory (memfd_create(2)), close-on-exec. The descriptor, or -errno.
int clinux_memory_file(const char *name);

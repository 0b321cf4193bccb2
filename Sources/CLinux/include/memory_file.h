#pragma once

/// An unnamed file in memory (memfd_create(2)), close-on-exec. The descriptor, or -errno.
int clinux_memory_file(const char *name);

/// Makes its content final: from then on every process can only read it, however it opens the file. 0 or -errno.
int clinux_seal_memory_file(int fd);

#pragma once

/// An unnamed file in memory (memfd_create(2)), close-on-exec. The descriptor, or -errno.
int clinux_memory_file(const char *name);

/// Makes what is in it final: it can only be read from then on, by whoever gets it, however they open it. 0 or -errno.
int clinux_seal_memory_file(int fd);

#pragma once

#include <stdbool.h>

// A directory of the host as a mount tree of its own (open_tree(2), mount_setattr(2), move_mount(2); Linux 5.12), so that a
// server sees that directory and nothing in its place, and can't write to it if it must not.

/// Copies the mounts at and below a directory; what is mounted there later is not among them. The copy's descriptor, or
/// -errno.
int clinux_copy_tree(int directory, bool read_only);

/// Puts a copy in place of the directory `place`, for the calling process and its children only. 0, or -errno.
int clinux_attach_tree(int tree, const char *place);

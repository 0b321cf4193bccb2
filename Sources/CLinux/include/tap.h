#pragma once

#include <stdbool.h>

/// The size of an interface's name with its NUL (IFNAMSIZ).
#define CLINUX_INTERFACE_NAME_SIZE 16

/// Creates a tap interface in the calling thread's network namespace and returns the descriptor that keeps it alive
/// (Documentation/networking/tuntap.rst): close-on-exec, frames without a packet-information header and with a
/// virtio-net header. `name` is the wanted name, or a template such as "tap%d" for the first free number; the actual
/// name is returned in it. Never attaches to an existing interface: a taken name is -EBUSY. It belongs to root, so that
/// no other user can attach to it by its name. Else -errno.
int clinux_tap_create(char name[CLINUX_INTERFACE_NAME_SIZE], bool multiqueue);

/// Opens one more queue of a multiqueue tap. The descriptor, or -errno.
int clinux_tap_open_queue(const char name[CLINUX_INTERFACE_NAME_SIZE]);

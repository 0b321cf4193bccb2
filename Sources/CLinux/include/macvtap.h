#pragma once

#include <stdbool.h>

/// Opens one more queue of the macvtap link `name`, whose index is `index`, in the calling thread's network namespace:
/// close-on-exec, frames with a virtio-net header (Documentation/networking/tuntap.rst; drivers/net/tap.c). The
/// descriptor, or -errno (-ENOENT: there is no such link, or it is not a macvtap).
int clinux_macvtap_open(const char *name, unsigned index, bool multiqueue);

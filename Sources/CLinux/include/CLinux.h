#pragma once

// Everything kvmctl asks of the kernel that Swift can't say by itself: one header and one small C file a kernel
// feature. Every function returns a value or -errno.

#include "descriptors.h"
#include "netlink.h"
#include "tap.h"

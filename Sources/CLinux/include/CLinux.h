#pragma once

// What kvmctl asks of the kernel that Swift can't say by itself: one header and one small C file a kernel feature.
// Every function returns a value, or -errno.

#include "access_list.h"
#include "child.h"
#include "file_rights.h"
#include "kvm_probe.h"
#include "launch.h"
#include "loop_device.h"
#include "macvtap.h"
#include "memory_file.h"
#include "netlink.h"
#include "ofd_lock.h"
#include "ordinary_limits.h"
#include "orphan.h"
#include "own_session.h"
#include "own_signals.h"
#include "packet_socket.h"
#include "pidfd.h"
#include "raw_terminal.h"
#include "service_manager.h"
#include "spawn_self.h"
#include "standard_streams.h"
#include "tap.h"
#include "undo_guard.h"
#include "unix_socket.h"
#include "wireless.h"

#pragma once

#include <stddef.h>
#include <stdint.h>

/// A route netlink socket (rtnetlink(7)) in the calling thread's network namespace: close-on-exec, bound to a port that
/// the kernel picks, with extended acks and strict checking of requests (netlink(7)). The descriptor, or -errno.
int clinux_netlink_open(void);

/// Sends `size` bytes to the kernel as one datagram. 0, or -errno.
int clinux_netlink_send(int descriptor, const void *bytes, size_t size);

/// Waits at most `timeout` milliseconds for one datagram and puts up to `size` bytes of it into `buffer`; `sender` is
/// the netlink port that it came from, 0 for the kernel. The datagram's whole size, which is more than `size` if it did
/// not fit; -ETIMEDOUT if none came; -ENOBUFS if the kernel had to drop one; else -errno.
long clinux_netlink_receive(int descriptor, void *buffer, size_t size, int timeout, uint32_t *sender);

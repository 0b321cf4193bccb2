#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Frames that reveal addresses, as they pass through an interface (packet(7)).

/// Opens a socket on the interface with this index that gets ARP, DHCP (IPv4) and neighbour discovery in both
/// directions, and nothing else: the kernel filters. Non-blocking and close-on-exec; needs CAP_NET_RAW. The descriptor,
/// or -errno.
int clinux_packet_open(unsigned interface);

/// Receives the next frame, up to `size` bytes of it, without the tag of its VLAN, which the kernel takes out; `outgoing`
/// says whether the host sent it through the interface, `vlan` its VLAN, 0 if it had no tag or one without a VLAN. Its length; -EAGAIN if there is none; -ENETDOWN if the interface went down or is gone; else -errno.
long clinux_packet_receive(int fd, void *frame, size_t size, bool *outgoing, uint16_t *vlan);

/// Sends a frame through the interface. 0 or -errno (-ENOBUFS: its queue is full).
int clinux_packet_send(int fd, const void *frame, size_t size);

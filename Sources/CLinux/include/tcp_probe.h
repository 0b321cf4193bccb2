#pragma once

#include <stdint.h>

/// Connects to a TCP port of a host, given as a literal address, within a time in milliseconds. The descriptor, or
/// -errno.
int clinux_tcp_probe(const char *host, uint16_t port, int milliseconds);

#pragma once

#include <stddef.h>

// Named stream sockets in a directory given by its descriptor. The path goes through /proc/self/fd/DIRFD, so that the
// 107 bytes of sun_path (unix(7)) don't limit the depth of the directory.

/// Creates a listening socket called `name` with the given mode, replacing a stale one. The descriptor, or -errno.
int clinux_unix_listen(int dirfd, const char *name, unsigned mode);

/// Connects to `name`; non-blocking and close-on-exec. The descriptor, or -errno (-ECONNREFUSED: nobody listens;
/// -EAGAIN: the backlog is full).
int clinux_unix_connect(int dirfd, const char *name);

/// The pid of the process that listens at the other end of a connection, or connected to it (SO_PEERCRED of unix(7)),
/// or -errno; 0: it is in another pid namespace.
int clinux_unix_peer(int fd);

/// Makes a listening socket without a path, and its one connection, which waits to be accepted. Nobody else can get in before
/// it. 0, or -errno.
int clinux_unix_connected(int *listener, int *connection);

/// Sends bytes, and with the first of them the descriptor `passed` (SCM_RIGHTS of unix(7)). How many bytes were sent, or
/// -errno; a peer that is gone is an error, not a signal.
long clinux_unix_send_descriptor(int fd, const void *bytes, size_t size, int passed);

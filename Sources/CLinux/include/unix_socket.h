#pragma once

// Stream sockets with a name in a directory given by descriptor. The name goes through /proc/self/fd/DIRFD, so that the
// 107 bytes of sun_path (unix(7)) don't limit how deep the directory lies.

/// Makes a listening socket called `name`, replacing a stale one, with the given mode. The descriptor, or -errno.
int clinux_unix_listen(int dirfd, const char *name, unsigned mode);

/// Connects to `name`; non-blocking and close-on-exec. The descriptor, or -errno (-ECONNREFUSED: nobody listens;
/// -EAGAIN: the backlog is full).
int clinux_unix_connect(int dirfd, const char *name);

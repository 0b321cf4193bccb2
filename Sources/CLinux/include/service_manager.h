#pragma once

// The service manager that started this process (sd_notify(3)), through the socket that NOTIFY_SOCKET names.

/// Leaves a process behind that reports the service as ready to its manager once `word` is in the first 64 KiB of the
/// file `record`, to which another descriptor appends. It ends after that, or with the caller or the program that the
/// caller becomes. Does nothing if there is no manager. 0, or -errno.
int clinux_tell_service_ready(int record, const char *word);

#pragma once

// The manager of services that started this process (sd_notify(3)), by the socket that NOTIFY_SOCKET names.

/// Leaves a process behind that tells the manager of the service's readiness once `word` is in the first 64 KiB of the file
/// `record`, which another descriptor appends to. It ends with that, or with the caller and whatever program the caller becomes.
/// Does nothing where there is no manager. 0, or -errno.
int clinux_tell_service_ready(int record, const char *word);

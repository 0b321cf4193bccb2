#pragma once

// The manager of services that started this process (sd_notify(3)), by the socket that NOTIFY_SOCKET names.

/// Tells it that the service is ready; does nothing where there is none. 0, or -errno.
int clinux_tell_service_ready(void);

#pragma once

#include <stdbool.h>

/// Whether the interface with this name, in the calling thread's network namespace, is Wi-Fi. False if it does not
/// exist or its driver does not say.
bool clinux_is_wireless(const char *name);

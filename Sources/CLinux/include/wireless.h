#pragma once

#include <stdbool.h>

/// Whether the interface of that name, in the calling thread's network namespace, is Wi-Fi. Not so for one that isn't
/// there, or whose driver doesn't say.
bool clinux_is_wireless(const char *name);

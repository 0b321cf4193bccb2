#pragma once

#include "launch.h"

// Makes the calling process the unprivileged user of a launch, for good. 0 or -errno.
int drop_privileges(const struct clinux_launch *launch);

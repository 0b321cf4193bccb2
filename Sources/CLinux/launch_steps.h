#pragma once

#include "launch.h"

// The steps between fork(2) and execve(2), for code that forks.

// Raises a caller's low limit on descriptors, which is not meant for the program.
void allow_descriptors(void);

// The first number above stdio and all targets.
int above_targets(const struct clinux_launch *launch);

// Turns the calling process into the program. Returns only on failure: -errno, with `*stage` set.
int become(const struct clinux_launch *launch, pid_t parent, enum clinux_stage *stage);

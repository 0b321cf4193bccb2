#pragma once

#include "launch.h"

// The steps between fork(2) and execve(2), for those who fork.

// A caller's low limit on descriptors is not the program's.
void allow_descriptors(void);

// The first number beyond stdio and all targets.
int above_targets(const struct clinux_launch *launch);

// Turns the calling process into the program. Returns only on failure: -errno, with `*stage` set.
int become(const struct clinux_launch *launch, pid_t parent, enum clinux_stage *stage);

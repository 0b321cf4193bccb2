#pragma once

#include <stddef.h>

/// Compiles an extended regular expression (regcomp(3)) and keeps it as long as the process lives. Its number, or -errno:
/// -EINVAL with the reason in `why`, -ENOSPC if there are too many.
int clinux_pattern(const char *text, char *why, size_t size);

/// Whether it matches somewhere in a line, which ends with a null character. 1 or 0.
int clinux_pattern_matches(int number, const char *line);

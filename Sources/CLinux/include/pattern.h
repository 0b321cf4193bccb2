#pragma once

#include <stddef.h>

/// Compiles an extended regular expression (regcomp(3)) and keeps it as long as the process lives. Its number, or -errno:
/// -EINVAL with the reason in `why`, -ENOSPC if there are too many. To be called by the main thread.
///
/// `enclosable` is the same in a form that can be put between parentheses. It has no back references, and its repetitions are
/// few: then the time and the memory that a match takes are bounded by the length of the line.
int clinux_pattern(const char *text, const char *enclosable, char *why, size_t size);

/// Whether it matches somewhere in a line, which ends with a null character. 1 or 0.
int clinux_pattern_matches(int number, const char *line);

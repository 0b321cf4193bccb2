#pragma once

/// The words that this program was started with, the program's name first. They are main's arguments, not read from
/// /proc, which may be missing. They live as long as the process.
struct clinux_arguments {
	int count;
	char *const *words;
};

struct clinux_arguments clinux_arguments(void);

#define _GNU_SOURCE
#include "pattern.h"

#include <errno.h>
#include <regex.h>

#define MOST 64

// Written by the main thread before others read it.
static regex_t patterns[MOST];
static int count;

int clinux_pattern(const char *text, char *why, size_t size)
{
	if (count == MOST)
		return -ENOSPC;
	int failure = regcomp(&patterns[count], text, REG_EXTENDED | REG_NOSUB);
	if (failure) {
		regerror(failure, &patterns[count], why, size);
		return failure == REG_ESPACE ? -ENOMEM : -EINVAL;
	}
	return count++;
}

int clinux_pattern_matches(int number, const char *line)
{
	if (number < 0 || number >= count)
		return 0;
	return regexec(&patterns[number], line, 0, NULL, 0) == 0;
}

#pragma once

#include <stdint.h>
#include <time.h>

// Milliseconds on the clock that can't be set.
static inline int64_t monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

// The milliseconds left until `end`, for poll(2); never negative.
static inline int left_ms(int64_t end)
{
	int64_t left = end - monotonic_ms();
	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

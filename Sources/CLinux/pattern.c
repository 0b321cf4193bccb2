#define _GNU_SOURCE
#include "pattern.h"

#include <errno.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 64
// How much is compared with a pattern before it is compiled anew, in bytes. regexec keeps what it found out about each
// state that a text led to, some kilobytes, and a text may lead to another state with each of its bytes.
#define FRESH 8192

static struct pattern {
	pthread_mutex_t lock;
	char *text;
	regex_t compiled;
	size_t compared;
	int is_compiled;
} patterns[MOST];
// Written by the main thread before others read it.
static int count;

static int failure_of(int failure)
{
	return failure == REG_ESPACE ? -ENOMEM : -EINVAL;
}

int clinux_pattern(const char *text, const char *enclosable, char *why, size_t size)
{
	if (count == MOST)
		return -ENOSPC;
	struct pattern *new = &patterns[count];
	int failure = regcomp(&new->compiled, text, REG_EXTENDED | REG_NOSUB);
	if (failure) {
		regerror(failure, &new->compiled, why, size);
		return failure_of(failure);
	}
	regfree(&new->compiled);
	// regexec would try it at each place of a line, which takes a time that grows with the square of its length. This it
	// tries at the beginning only.
	if (asprintf(&new->text, "\\`.*(%s)", enclosable) < 0)
		return -ENOMEM;
	failure = regcomp(&new->compiled, new->text, REG_EXTENDED | REG_NOSUB);
	if (failure) {
		regerror(failure, &new->compiled, why, size);
		free(new->text);
		return failure_of(failure);
	}
	pthread_mutex_init(&new->lock, NULL);
	new->is_compiled = 1;
	return count++;
}

// 0, or -1 if there is no memory for it.
static int renew(struct pattern *old)
{
	if (old->is_compiled)
		regfree(&old->compiled);
	old->is_compiled = regcomp(&old->compiled, old->text, REG_EXTENDED | REG_NOSUB) == 0;
	old->compared = 0;
	return old->is_compiled ? 0 : -1;
}

int clinux_pattern_matches(int number, const char *line)
{
	if (number < 0 || number >= count)
		return 0;
	struct pattern *one = &patterns[number];
	pthread_mutex_lock(&one->lock);
	one->compared += strlen(line);
	int matches = 0;
	if ((one->is_compiled && one->compared <= FRESH) || renew(one) == 0)
		matches = regexec(&one->compiled, line, 0, NULL, 0) == 0;
	pthread_mutex_unlock(&one->lock);
	return matches;
}

#include "arguments.h"

static struct clinux_arguments given;

// glibc passes main's arguments to every initializer (call_init in csu/libc-start.c, _dl_init in elf/dl-init.c).
__attribute__((constructor)) static void keep(int count, char *const *words)
{
	given = (struct clinux_arguments){.count = count, .words = words};
}

struct clinux_arguments clinux_arguments(void)
{
	return given;
}

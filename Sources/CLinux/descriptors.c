#include "descriptors.h"

#include <fcntl.h>

int clinux_is_open(int descriptor)
{
	return fcntl(descriptor, F_GETFD) >= 0;
}

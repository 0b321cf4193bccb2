#pragma once

#include <stddef.h>
#include <sys/types.h>

/// Makes the kernel check the calling thread's file accesses against these ids only: file-system uid and gid
/// (setfsuid(2), setfsgid(2)) and supplementary groups. A root thread loses its power over files with this
/// (capabilities(7): CAP_DAC_OVERRIDE and the others of CAP_FS_SET) and gets it back with uid 0. Its other rights do
/// not change, and neither do other threads. 0, or -errno, when nothing has changed, except perhaps the groups.
int clinux_take_file_rights(uid_t uid, gid_t gid, const gid_t *groups, size_t count);

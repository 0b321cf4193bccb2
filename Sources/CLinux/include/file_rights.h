#pragma once

#include <stddef.h>
#include <sys/types.h>

/// Makes the kernel judge what the calling thread does to files by these ids alone: file-system uid and gid
/// (setfsuid(2), setfsgid(2)) and supplementary groups. A thread of root's loses its power over files with it
/// (capabilities(7): CAP_DAC_OVERRIDE and the others of CAP_FS_SET) and has it back with uid 0. Nothing else of its
/// rights changes, and no other thread. 0, or -errno, and then nothing was changed but the groups, maybe.
int clinux_take_file_rights(uid_t uid, gid_t gid, const gid_t *groups, size_t count);

#pragma once

/// Whether a file, open with O_PATH even, has an access list beside its mode (acl(5)): 1, 0, or -errno where that can't be
/// seen.
int clinux_has_access_list(int fd);

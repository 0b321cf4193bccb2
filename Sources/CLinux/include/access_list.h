#pragma once

/// Whether a file has an access list besides its mode (acl(5)); it may be open with O_PATH. 1, 0, or -errno if that
/// can't be determined.
int clinux_has_access_list(int fd);

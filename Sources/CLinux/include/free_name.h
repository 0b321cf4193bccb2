#pragma once

/// Gives a file another name in its directory, if nothing has that name (renameat2(2), RENAME_NOREPLACE). A file system that
/// can't do that in one step is asked first. 0 or -errno: -EEXIST if something has the name.
int clinux_rename_to_free_name(int directory, const char *from, const char *to);

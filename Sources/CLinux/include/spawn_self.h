#pragma once

/// Starts this program again, detached: in its own session, with stdin and stdout at /dev/null, the same stderr, `line`
/// as descriptor 3, `journal` as descriptor 4, and no other descriptor. Its pid, or -errno.
int clinux_spawn_self(char *const *arguments, int line, int journal);

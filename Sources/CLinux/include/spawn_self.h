#pragma once

/// Starts this program again, detached: in a session of its own, its stdin and stdout nowhere, its stderr ours, `line` as
/// descriptor 3 and `journal` as descriptor 4, and nothing else of ours that is close-on-exec. Its pid, or -errno.
int clinux_spawn_self(char *const *arguments, int line, int journal);

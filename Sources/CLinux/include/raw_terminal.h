#pragma once

// A terminal in raw mode (termios(3)): every key goes through as it is. A process has at most one.

/// Puts the terminal `fd` into raw mode until `clinux_terminal_restore`. A signal that ends the process (HUP, INT, PIPE,
/// QUIT, TERM) restores it first. 0, or -errno (-ENOTTY: it is no terminal).
int clinux_terminal_raw(int fd);

/// Gives the terminal its modes back. What was typed and not read yet is dropped: it was not meant for the shell that
/// reads next.
void clinux_terminal_restore(void);

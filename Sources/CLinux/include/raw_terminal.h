#pragma once

// A terminal in raw mode (termios(3)): every key is passed on as it is. A process has at most one.

/// Puts the terminal `fd` into raw mode until `clinux_terminal_restore`. A signal that ends the process (HUP, INT,
/// PIPE, QUIT, TERM) restores it first. 0, or -errno (-ENOTTY: it is not a terminal).
int clinux_terminal_raw(int fd);

/// Restores the terminal's modes. Input that was typed and not yet read is dropped: it was not meant for the shell that
/// reads next.
void clinux_terminal_restore(void);

#pragma once

/// Undoes what a starter's signal settings would do to this program (signal(7)): the ends of its children are reported,
/// an alarm arrives, and a file that grows beyond the file size limit causes an error instead of ending the program.
void clinux_own_signals(void);

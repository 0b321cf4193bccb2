#pragma once

/// Takes back what a starter's signal settings would do to this program (signal(7)): the ends of its children are told, an
/// alarm arrives, and a file that grows beyond the limit on its size is an error to report instead of an end.
void clinux_own_signals(void);

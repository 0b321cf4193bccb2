#pragma once

/// Whether `descriptor` is open in this process: 1 or 0.
int clinux_is_open(int descriptor);

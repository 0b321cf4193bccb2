#pragma once

// Signals that a command passes on to what it runs elsewhere (sigaction(2)).

// Collects HUP, INT, TERM, QUIT and TSTP from now on, instead of ending the process; those that are ignored stay so. A second
// one that comes before the first was taken ends it. PIPE is ignored.
void clinux_collect_signals(void);

// The number of a signal that has come since it was last asked; 0 if none has.
int clinux_take_signal(void);

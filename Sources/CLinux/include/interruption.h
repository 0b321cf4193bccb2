#pragma once

/// Notes from now on that the user, or a supervisor, ends the program by SIGHUP, SIGINT or SIGTERM, so that it can tidy up
/// first. A second one of the same kind ends it at once; those that the starter had ignored stay ignored (nohup(1)).
void clinux_note_interruption(void);

/// The number of the signal that came first; 0: none.
int clinux_interruption(void);

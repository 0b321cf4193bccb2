#pragma once

// A process that is about to drop its privileges and become another program can't undo anything if that fails. A copy
// of it made before can.

/// Leaves a copy of this process behind, reparented to init, which ends when this process ends or becomes another
/// program. The descriptor to call it by: close-on-exec, and above those that a launch arranges; or -errno.
int clinux_leave_guard(void (*undo)(void *), void *context);

/// Makes the copy call `undo(context)`, waits for it at most `deadline_ms`, and closes `guard`.
void clinux_call_guard(int guard, int deadline_ms);

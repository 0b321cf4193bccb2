#pragma once

// A process that is about to give up its privileges and to become another program can't undo anything afterwards, should
// that fail. A copy of it from before can.

/// Leaves a copy of this process behind, as nobody's child, that ends when this one ends or becomes another program. The
/// descriptor to call it by: close-on-exec, and above those that a launch arranges; or -errno.
int clinux_leave_guard(void (*undo)(void *), void *context);

/// Has the copy call `undo(context)`, waits for it for at most `deadline_ms`, and closes `guard`.
void clinux_call_guard(int guard, int deadline_ms);

#pragma once

// A program that a terminal started, and that is to have none: not as its controlling terminal, from which signals come and
// into which it could type (TIOCSTI, ioctl_tty(2)).

/// Lets this process go on in a session of its own, without a controlling terminal.
///
/// Where it has none, and can lead a session or does already, that is all. Else a child goes on, and the process itself
/// stays: it passes SIGINT, SIGTERM, SIGHUP and SIGQUIT on, those that its starter ignores excepted, until the child has
/// ended.
///
/// 0 in the process that goes on; 1 in the one that stayed, with the child's wait status (wait(2)) in `*status`; or -errno.
int clinux_own_session(int *status);

/// Ends this process as the child ended: by the same exit code, or the same signal.
_Noreturn void clinux_end_like(int status);

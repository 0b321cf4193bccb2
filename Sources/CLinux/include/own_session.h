#pragma once

// For a program that was started from a terminal and must not keep it as its controlling terminal: signals come from
// there, and the program could type into it (TIOCSTI, ioctl_tty(2)).

/// Continues in a new session without a controlling terminal.
///
/// If this process has no controlling terminal and leads a session, or can, that is all. Otherwise a child continues
/// and the process stays: it forwards SIGINT, SIGTERM, SIGHUP and SIGQUIT, except those that its starter ignores, until
/// the child has ended.
///
/// 0 in the process that continues; 1 in the one that stayed, with the child's wait status (wait(2)) in `*status`; or
/// -errno.
int clinux_own_session(int *status);

/// Ends this process as the child ended: with the same exit code or signal.
_Noreturn void clinux_end_like(int status);

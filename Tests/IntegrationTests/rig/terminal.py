"""kvmctl on a terminal."""

import contextlib

import pexpect


@contextlib.contextmanager
def console(host, vm):
    """`kvmctl console VM` on a pseudo-terminal, left by Ctrl-]."""
    program, *arguments = host.command(host.binary, "console", vm)
    terminal = pexpect.spawn(program, arguments, env=host.environment, encoding="utf-8", codec_errors="replace", timeout=30)
    try:
        yield terminal
        terminal.sendcontrol("]")
        terminal.expect(pexpect.EOF, timeout=10)
        terminal.wait()
        assert terminal.exitstatus == 0
    finally:
        terminal.close(force=True)

"""kvmctl on a terminal."""

import contextlib
import os
import pty
import select
import subprocess
import termios

import pexpect

from rig.waiting import wait_until


def spawn(host, *arguments):
    """kvmctl on a pseudo-terminal."""
    program, *rest = host.command(host.binary, *arguments)
    return pexpect.spawn(
        program, rest, env=host.environment, encoding="utf-8", codec_errors="replace", timeout=30, dimensions=(24, 200))


def wait_for_exit(terminal, expect=0, timeout=30):
    terminal.expect(pexpect.EOF, timeout=timeout)
    terminal.wait()
    assert terminal.exitstatus == expect, terminal.before


def paste(terminal, text):
    """Types a long text; fails if nothing reads it."""
    rest = text.encode()
    os.set_blocking(terminal.child_fd, False)
    while rest:
        wait_until(lambda: select.select([], [terminal.child_fd], [], 0)[1], f"reader of the last {len(rest)} bytes")
        rest = rest[os.write(terminal.child_fd, rest):]
    os.set_blocking(terminal.child_fd, True)


@contextlib.contextmanager
def console(host, vm):
    """`kvmctl console VM` on a pseudo-terminal, left by Ctrl-]."""
    terminal = spawn(host, "console", vm)
    try:
        yield terminal
        terminal.sendcontrol("]")
        wait_for_exit(terminal)
    finally:
        terminal.close(force=True)


def run_inside(host, vm, command, timeout=30):
    """Runs a shell command on the tiny guest's console; returns its output and its exit code."""
    with console(host, vm) as terminal:
        # The guest echoes what is typed: only the arithmetic tells the output from the echo.
        terminal.sendline(f"echo begin-$((1 + 1)); {command}; echo end-$?-$((1 + 1))")
        terminal.expect(r"begin-2\r\n", timeout=timeout)
        terminal.expect(r"end-(\d+)-2\r\n", timeout=timeout)
        return terminal.before, int(terminal.match.group(1))


class BareTerminal:
    """A pseudo-terminal that outlives the kvmctl on it, so that its modes can be seen afterwards."""

    def __init__(self, host, *arguments):
        self.outside, self.inside = pty.openpty()
        self.modes_before = self.modes()
        self.process = subprocess.Popen(
            host.command(host.binary, *arguments), env=host.environment, stdin=self.inside, stdout=self.inside,
            stderr=self.inside)

    def modes(self):
        return termios.tcgetattr(self.inside)

    def wait_until_raw(self):
        wait_until(lambda: not self.modes()[3] & termios.ICANON, "raw mode")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.outside)
        os.close(self.inside)

"""The serial console on a real terminal."""

import contextlib
import os
import signal
import subprocess
import time

import pexpect
import pytest

from rig.host import NOBODY
from rig.terminal import BareTerminal, console, paste, spawn, wait_for_exit

PASTE = "x" * 1_000_000


@contextlib.contextmanager
def stuck(host):
    """The host's QEMU is stopped: the guest reads nothing, and the console's socket fills up."""
    pid = host.qemu().pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def pipe_to_console(host, vm, text):
    """`kvmctl console VM` with `text` piped to it."""
    return subprocess.run(
        host.command(host.binary, "console", vm), env=host.environment, input=text, capture_output=True, text=True,
        timeout=90)


def test_type_and_leave(host):
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    with console(host, "vm") as terminal:
        terminal.sendline("echo $((6 * 7)) is the answer")
        terminal.expect("42 is the answer")
    # The guest goes on, and the console is free for the next client.
    with console(host, "vm") as terminal:
        terminal.sendline("echo $((7 * 7)) is another")
        terminal.expect("49 is another")


def test_output_is_logged_meanwhile(host):
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    with console(host, "vm") as terminal:
        terminal.sendline("echo logged-$((6 * 7))")
        terminal.expect("logged-42")
    assert "logged-42" in host.kvmctl("logs", "vm").stdout


def test_a_silent_line_gets_the_hint(host):
    host.write_firmware_vm("silent")
    host.kvmctl("start", "silent")
    with console(host, "silent") as terminal:
        terminal.expect("console=ttyS0", timeout=20)


@pytest.mark.parametrize("pastes, said", [(1, None), (2, "what you type now is lost")])
def test_leaving_a_stuck_guest_after_a_paste(host, pastes, said):
    """What does not fit is dropped, with a notice; Ctrl-] still leaves."""
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    with stuck(host), console(host, "vm") as terminal:
        terminal.expect("connected")
        for _ in range(pastes):
            paste(terminal, PASTE)
        if said:
            terminal.expect(said)


def test_a_script_types_and_reads(host):
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    result = pipe_to_console(host, "vm", "echo $((6 * 7)) is the answer\n")
    assert result.returncode == 0, result.stderr
    assert "42 is the answer" in result.stdout


@pytest.mark.parametrize("text", ["short", 3 * PASTE], ids=["that fits", "that does not fit"])
def test_a_script_at_a_stuck_guest_is_told(host, text):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    with stuck(host):
        # Fill the socket: it takes a little even if nothing reads.
        result = pipe_to_console(host, "vm", PASTE + text)
    assert result.returncode == 124
    assert "does not read" in result.stderr and "kvmctl show vm" in result.stderr


def test_others_see_what_the_first_one_sees(host):
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    with console(host, "vm") as first:
        first.expect("connected")
        with console(host, "vm") as second:
            second.expect("is in use")
            second.expect("tiny: up")
            second.sendline("echo typed-by-$((1 + 1))")
            first.sendline("echo typed-by-$((0 + 1))")
            first.expect("typed-by-1")
            second.expect("typed-by-1")
        first.sendline("echo the-$((2 + 1))rd")
        first.expect("the-3rd")
        refused = pipe_to_console(host, "vm", "ls\n")
    assert refused.returncode == 75 and "in use" in refused.stderr
    assert "typed-by-2" not in host.console_log("vm")


def test_the_next_one_takes_over(host):
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    first = spawn(host, "console", "vm")
    first.expect("connected")
    with console(host, "vm") as second:
        second.expect("is in use")
        first.sendcontrol("]")
        wait_for_exit(first)
        second.expect("is yours now")
        second.sendline("echo typed-by-$((1 + 1))nd")
        second.expect("typed-by-2nd")


def test_another_escape(host):
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    assert "^ and a letter" in host.kvmctl("console", "--escape", "x", "vm", expect=64).stderr
    host.environment["KVMCTL_ESCAPE"] = "^T"
    for options, leaves, byte in ([], "Ctrl-T", "t"), (["--escape", "^o"], "Ctrl-O", "o"):
        terminal = spawn(host, "console", *options, "vm")
        terminal.expect(f"connected to vm; {leaves} leaves")
        # The usual one is the guest's now.
        terminal.sendcontrol("]")
        terminal.sendline("echo $((6 * 7)) is the answer")
        terminal.expect("42 is the answer")
        terminal.sendcontrol(byte)
        wait_for_exit(terminal)
    host.environment["KVMCTL_ESCAPE"] = "^M"
    assert "KVMCTL_ESCAPE" in host.kvmctl("console", "vm", expect=64).stderr


def test_a_start_that_connects_at_once(host):
    host.write_tiny_vm("vm")
    terminal = spawn(host, "start", "--console", "vm")
    terminal.expect("vm: started")
    terminal.expect("connected to vm")
    terminal.expect("Linux version")
    terminal.expect("tiny: up", timeout=60)
    terminal.sendline("echo $((6 * 7)) is the answer")
    terminal.expect("42 is the answer")
    terminal.sendcontrol("]")
    wait_for_exit(terminal)
    assert host.state("vm") == "running"
    for words in ["--all"], ["vm", "other"], ["vm", "--json"], ["vm", "--foreground"]:
        host.kvmctl("start", "--console", *words, expect=64)


def test_the_vm_ends_under_its_viewers(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    first = spawn(host, "console", "vm")
    first.expect("connected")
    second = spawn(host, "console", "vm")
    second.expect("is in use")
    host.qemu().kill()
    for terminal in (first, second):
        terminal.expect("vm closed its console")
        wait_for_exit(terminal)


def test_the_vm_ends_as_its_console_becomes_free(host):
    """A watcher that has just seen the VM alive finds its console free, and then nobody there."""
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    first = spawn(host, "console", "vm")
    first.expect("connected")
    # Half a second passes between its look at the VM and its look at the lock.
    slowly = ["strace", "-f", "-o", host.root / "trace", "-e", "inject=fcntl:delay_enter=500000"]
    program, *rest = map(str, host.command(*slowly, host.binary, "console", "vm"))
    watcher = pexpect.spawn(program, rest, env=host.environment, encoding="utf-8", timeout=30, dimensions=(24, 200))
    watcher.expect("is in use")
    time.sleep(0.2)
    host.qemu().kill()
    for terminal in (first, watcher):
        terminal.expect("vm closed its console")
        wait_for_exit(terminal)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize("role", ["typist", "watcher"])
def test_a_signal_gives_the_terminal_back(host, role, number):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    with console(host, "vm") if role == "watcher" else contextlib.nullcontext() as other:
        if other:
            other.expect("connected")
        terminal = BareTerminal(host, "console", "vm")
        try:
            terminal.wait_until_raw()
            terminal.process.send_signal(number)
            assert terminal.process.wait(timeout=30) == -number
            assert terminal.modes() == terminal.modes_before
        finally:
            terminal.close()


def test_console_of_a_stopped_vm(host):
    host.write_firmware_vm("vm")
    result = host.kvmctl("console", "vm", expect=75)
    assert "it is not running, so it has no console\n" in result.stderr


def test_console_of_somebody_else_s_vm(host):
    host.root.chmod(0o755)
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    assert "another user" in host.kvmctl("console", "vm", expect=77, uid=NOBODY).stderr

"""`start --foreground` and its terminal: no VM keeps access to one, in any mode, by any descriptor."""

import fcntl
import os
import pty
import signal
import socket
import subprocess

import pexpect
import pytest

from rig.fake import fake_qemu
from rig.process import Process
from rig.terminal import spawn, wait_for_exit
from rig.waiting import wait_until

TERMINALS = ("/dev/pts/", "/dev/tty", "/dev/console", "/dev/ptmx")


def session(process):
    """The session of a process, and the number of its controlling terminal (0: none), from /proc/PID/stat."""
    fields = (process.directory / "stat").read_text().rpartition(")")[2].split()
    return int(fields[3]), int(fields[4])


def assert_without_terminal(qemu):
    leader, terminal = session(qemu)
    assert terminal == 0
    assert leader == qemu.pid, "it is in somebody else's session"
    held = qemu.descriptors.values()
    assert [path for path in held if path.startswith(TERMINALS)] == []


def wait_running(host):
    wait_until(lambda: host.state("vm") == "running", "running VM")
    return host.qemu()


@pytest.fixture
def vm(host):
    host.write_firmware_vm("vm", ACCEL="tcg")
    return host


def in_shell(host, *words):
    """kvmctl as a job of an interactive shell, in its own process group."""
    program, *rest = host.command("bash", "--norc", "-i")
    shell = pexpect.spawn(program, rest, env=host.environment, encoding="utf-8", timeout=30, dimensions=(24, 200))
    shell.sendline(f"PS1='ready> '; {host.binary} {' '.join(words)}; echo code-$?-$((1 + 1))")
    return shell


def test_ctrl_c_of_a_job_of_a_shell_ends_qemu(vm):
    shell = in_shell(vm, "start", "--foreground", "vm")
    qemu = wait_running(vm)
    assert_without_terminal(qemu)
    shell.expect_exact("kvmctl logs --qemu vm")
    # The process that stays on the terminal holds none of the VM's resources.
    [waiting] = [process for process in vm.kvmctls() if process.pid != qemu.pid]
    assert all(path.startswith(TERMINALS) for path in waiting.descriptors.values()), waiting.descriptors
    shell.sendcontrol("c")
    shell.expect_exact("code-0-2")
    assert vm.show("vm")["endReason"] == "host-signal"
    vm.assert_nothing_left()
    shell.close(force=True)


def test_leader_of_the_terminals_session(vm):
    """As under `ssh -t HOST kvmctl start --foreground`: a hang-up of the terminal shuts QEMU down in order."""
    terminal = spawn(vm, "start", "--foreground", "vm")
    assert_without_terminal(wait_running(vm))
    terminal.close(force=False)
    wait_until(lambda: vm.state("vm") == "stopped", "end with the terminal")
    assert vm.show("vm")["endReason"] == "host-signal"


@pytest.mark.parametrize("number, expected", [(signal.SIGTERM, 0), (signal.SIGKILL, None)])
def test_signal_to_what_stays_on_the_terminal(vm, number, expected):
    """It forwards the signals that it can catch. If it is killed, the VM goes on."""
    terminal = spawn(vm, "start", "--foreground", "vm")
    qemu = wait_running(vm)
    os.kill(terminal.pid, number)
    terminal.expect(pexpect.EOF)
    terminal.wait()
    if expected is None:
        assert vm.state("vm") == "running" and vm.qemu().pid == qemu.pid
    else:
        assert terminal.exitstatus == expected
        vm.assert_nothing_left()


def test_hang_up_that_the_starter_ignores_is_not_passed_on(vm):
    program, *rest = vm.command("nohup", vm.binary, "start", "--foreground", "vm")
    terminal = pexpect.spawn(program, rest, env=vm.environment, cwd=str(vm.root), encoding="utf-8", timeout=30)
    wait_running(vm)
    os.kill(terminal.pid, signal.SIGHUP)
    os.kill(terminal.pid, signal.SIGCONT)
    assert vm.state("vm") == "running"
    vm.kvmctl("stop", "--now", "vm")
    wait_for_exit(terminal)


def test_killed_qemu_is_what_the_terminal_sees(vm):
    terminal = spawn(vm, "start", "--foreground", "vm")
    wait_running(vm).kill()
    terminal.expect_exact("QEMU was killed by SIGKILL")
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.signalstatus == signal.SIGKILL


def test_qemu_that_refuses_is_heard_on_the_terminal(host):
    host.write_firmware_vm("vm", QEMUARG0="-device", QEMUARG1="no-such-device")
    terminal = spawn(host, "start", "--foreground", "vm")
    terminal.expect_exact("QEMU ended with exit code 1")
    terminal.expect_exact("no-such-device")
    wait_for_exit(terminal, expect=1)


def test_kvmctls_own_failure_has_its_own_code_on_the_terminal(host):
    host.write_firmware_vm("vm", DISK0="missing")
    terminal = spawn(host, "start", "--foreground", "vm")
    terminal.expect_exact("missing")
    wait_for_exit(terminal, expect=66)


ATTACK = """
import fcntl, os, sys, termios
def attempt(what, action):
    try:
        action()
        print(what, "worked", file=sys.stderr)
    except OSError as error:
        print(what, "failed:", error.strerror, file=sys.stderr)
attempt("/dev/tty", lambda: os.open("/dev/tty", os.O_RDWR))
for number in range(256):
    attempt("typing", lambda: fcntl.ioctl(number, termios.TIOCSTI, b"x"))
    if os.path.exists(f"/proc/self/fd/{number}") and os.isatty(number):
        print("terminal at", number, file=sys.stderr)
print("attack over", file=sys.stderr)
sys.exit(3)
"""


@pytest.mark.parametrize("extra", [[], ["--foreground"]])
def test_a_hostile_qemu_finds_no_terminal(host, extra):
    """Even if the starter was a session leader and had a terminal as its stderr and on many other descriptors."""
    script = host.root / "attack.py"
    script.write_text(ATTACK)
    host.write_firmware_vm("vm", QEMU=fake_qemu(host, f"exec /usr/bin/python3 {script}\n"))
    hidden = " ".join(f"{number}<>/dev/tty" for number in (3, 4, 7, 9))
    line = f"exec {host.binary} start {' '.join(extra)} vm {hidden}"
    program, *rest = host.command("bash", "-c", line)
    terminal = pexpect.spawn(program, rest, env=host.environment, encoding="utf-8", timeout=60)
    terminal.expect(pexpect.EOF)
    said = (host.run / "log" / "vm" / "qemu.log").read_text()
    assert "attack over" in said
    assert "worked" not in said and "terminal at" not in said, said
    assert "/dev/tty failed: No such device or address" in said


def stderr_of(host, stream, **more):
    """QEMU's stderr after a start in the foreground with `stream` as its stderr."""
    environment = {**host.environment, **more}
    start = subprocess.Popen(
        host.command(host.binary, "start", "--foreground", "vm"), env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=stream)
    qemu = wait_running(host)
    assert_without_terminal(qemu)
    flags = (qemu.directory / "fdinfo" / "2").read_text()
    found = qemu.descriptors[2], int(next(line for line in flags.splitlines() if "flags" in line).split()[1], 8)
    host.kvmctl("stop", "--now", "vm")
    assert start.wait(30) == 0
    return found


def test_stderr_that_qemu_may_not_have(vm, tmp_path):
    """A stderr that could be read, truncated, overwritten or typed into: the messages go to the VM's log instead."""
    outside, inside = pty.openpty()
    near, far = socket.socketpair()
    with open(tmp_path / "log", "w") as log, open(os.devnull, "w") as nowhere:
        for stream in (log, nowhere, far, inside):
            path, flags = stderr_of(vm, stream)
            assert path == str(vm.run / "log" / "vm" / "qemu.log"), (stream, path)
            assert flags & os.O_APPEND
    assert near.recv(1 << 16).decode().count("kvmctl logs --qemu vm") == 1
    os.close(outside)
    os.close(inside)


def test_stderr_that_is_a_pipe_is_opened_anew_for_qemu(vm):
    reader, writer = os.pipe()
    path, flags = stderr_of(vm, writer)
    assert path == os.readlink(f"/proc/self/fd/{writer}")
    assert flags & os.O_ACCMODE == os.O_WRONLY and flags & os.O_NONBLOCK
    # Its O_NONBLOCK would affect everybody who shares the open file description.
    assert not fcntl.fcntl(writer, fcntl.F_GETFL) & os.O_NONBLOCK
    os.close(reader)
    os.close(writer)


def test_the_journals_stream_is_qemus(vm):
    journal, stream = socket.socketpair()
    found = os.fstat(stream.fileno())
    path, _ = stderr_of(vm, stream, JOURNAL_STREAM=f"{found.st_dev}:{found.st_ino}")
    assert path == f"socket:[{found.st_ino}]"
    journal.close()


def test_a_start_that_has_no_terminal_is_qemu_itself(vm):
    """As a service's main process has to be."""
    start = vm.popen(vm.binary, "start", "--foreground", "vm", start_new_session=True)
    qemu = wait_running(vm)
    assert qemu.pid == start.pid
    assert_without_terminal(qemu)
    start.terminate()
    assert start.wait(30) == 0


def test_a_job_without_a_terminal_gets_a_session_of_its_own(vm):
    """A process group leader can't create a session in place (setsid(2))."""
    start = vm.popen(vm.binary, "start", "--foreground", "vm", process_group=0)
    qemu = wait_running(vm)
    assert_without_terminal(qemu)
    assert Process(start.pid).executable == str(vm.binary)
    start.terminate()
    assert start.wait(30) == 0
    vm.assert_nothing_left()

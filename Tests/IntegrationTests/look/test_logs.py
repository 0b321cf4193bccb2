"""`kvmctl logs`: which log, how much of it, and for how long."""

import json
import os
import select
import subprocess
import time

import pytest

from rig.terminal import run_inside, spawn, wait_for_exit
from rig.waiting import wait_until


@pytest.fixture
def vm(host):
    """A VM that writes nothing to its serial console by itself."""
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    return host


def log_file(host, name="console.log"):
    return host.run / "log" / "vm" / name


def append(host, data):
    """Writes to the console's log as QEMU does, which has it open for appending."""
    with open(log_file(host), "ab") as log:
        log.write(data)


def logs(host, *arguments):
    """The bytes that `kvmctl logs vm` writes to a pipe."""
    result = subprocess.run(
        host.command(host.binary, "logs", "vm", *arguments), env=host.environment, capture_output=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_pipe_gets_the_bytes_as_they_are(vm):
    data = bytes(range(256)) * 1000
    append(vm, data)
    assert logs(vm) == data


@pytest.mark.parametrize("data", [b"one\ntwo\nthree\n", b"one\ntwo\nthree"], ids=["whole line", "unfinished line"])
def test_last_lines(vm, data):
    append(vm, data)
    assert logs(vm, "-n", "0") == b""
    assert logs(vm, "-n", "1") == data[8:]
    assert logs(vm, "--lines", "2") == data[4:]
    assert logs(vm, "-n", "3") == logs(vm, "-n", "99") == data


def test_last_lines_of_a_long_log(vm):
    lines = [b"%d %s\n" % (number, b"x" * 1000) for number in range(300)]
    append(vm, b"".join(lines))
    assert logs(vm, "-n", "200") == b"".join(lines[100:])


def test_the_run_before(vm):
    assert "not started twice" in vm.kvmctl("logs", "vm", "--previous", expect=66).stderr
    append(vm, b"first run\n")
    vm.kvmctl("stop", "vm", "--now")
    vm.kvmctl("start", "vm")
    assert logs(vm) == b""
    assert logs(vm, "--previous") == b"first run\n"


def test_before_the_first_start(host):
    host.write_firmware_vm("vm")
    for option in ("--console", "--firmware", "--qemu", "--record", "--follow"):
        stderr = host.kvmctl("logs", "vm", option, expect=66).stderr
        assert "never started" in stderr and "a log begins when the VM starts" in stderr


def test_qemu_and_record(vm):
    log_file(vm, "qemu.log").write_text("qemu: a warning\n")
    assert logs(vm, "--qemu") == b"qemu: a warning\n"
    events = [json.loads(line).get("event") for line in logs(vm, "--record").splitlines()]
    assert "RESUME" in events


def next_line(process):
    assert select.select([process.stdout], [], [], 30)[0], "no further line came"
    return process.stdout.readline()


def test_follow_as_it_grows_and_into_the_next_run(vm):
    append(vm, b"before\n")
    following = subprocess.Popen(
        vm.command(vm.binary, "logs", "vm", "--follow", "-n", "1"), env=vm.environment, stdout=subprocess.PIPE,
        bufsize=0)
    try:
        assert next_line(following) == b"before\n"
        append(vm, b"meanwhile\n")
        assert next_line(following) == b"meanwhile\n"
        vm.kvmctl("stop", "vm", "--now")
        append(vm, b"last words\n")
        vm.kvmctl("start", "vm")
        append(vm, b"the next run\n")
        assert next_line(following) == b"last words\n"
        assert next_line(following) == b"the next run\n"
    finally:
        following.kill()
        following.wait()


def test_follow_ends_after_the_run(vm):
    append(vm, b"first\n")
    following = subprocess.Popen(
        vm.command(vm.binary, "logs", "vm", "--follow"), env=vm.environment, stdout=subprocess.PIPE, bufsize=0)
    assert next_line(following) == b"first\n"
    append(vm, b"last words\n")
    vm.kvmctl("stop", "vm", "--now")
    assert following.communicate(timeout=60)[0] == b"last words\n" and following.returncode == 0
    # It does not run any more.
    for options in ["--follow"], ["-f", "-n", "1"], ["-f", "--qemu"], ["-f", "--record"]:
        assert logs(vm, *options) == logs(vm, *options[1:])


def test_follow_goes_on_after_a_log_was_cut(vm):
    """As logrotate cuts with `copytruncate`."""
    append(vm, b"long ago\n")
    following = subprocess.Popen(
        vm.command(vm.binary, "logs", "vm", "--follow"), env=vm.environment, stdout=subprocess.PIPE, bufsize=0)
    try:
        assert next_line(following) == b"long ago\n"
        os.truncate(log_file(vm, "console.log"), 0)
        append(vm, b"new\n")
        assert next_line(following) == b"new\n"
    finally:
        following.kill()
        following.wait()


def test_follow_ends_with_its_reader(vm):
    """Even if the guest writes nothing more."""
    following = vm.popen(vm.binary, "logs", "vm", "--follow")
    following.stdout.close()
    assert following.wait(timeout=30) == 0
    assert following.stderr.read() == ""


def test_a_terminal_is_not_driven(vm):
    append(vm, b"a \x1b[31m b \xc2\x9b31m c \x9b31m d\n")
    terminal = spawn(vm, "logs", "vm")
    terminal.expect_exact("a \\x1b[31m b \\u{9b}31m c \\x9b31m d")
    wait_for_exit(terminal)


def test_a_character_that_two_reads_cut_is_whole_on_a_terminal(vm):
    line = b"x" * 99 + b"\n"
    # One byte of the é is the last of the first 64 KiB.
    append(vm, (line * 656)[:65535] + "é!\n".encode())
    terminal = spawn(vm, "logs", "vm")
    terminal.expect_exact("é!")
    wait_for_exit(terminal)


def test_a_character_that_comes_in_two_parts_is_whole_on_a_terminal(vm):
    append(vm, b"begin \xc3")
    terminal = spawn(vm, "logs", "vm", "--follow")
    try:
        terminal.expect_exact("begin ")
        append(vm, b"\xa9!\n")
        terminal.expect_exact("é!")
    finally:
        terminal.close(force=True)


BOUND = 16 << 20
# mov dx,3f8; mov al,'A'; out dx,al; jmp to the out: it only writes to the serial port.
FLOOD = bytes.fromhex("baf803b041eeebfd")


def flooding_vm(host, **keys):
    disk = host.vms / "flood.img"
    disk.write_bytes(FLOOD.ljust(510, b"\0") + b"\x55\xaa" + bytes((1 << 20) - 512))
    host.write_firmware_vm("vm", DISK0="../flood.img", ACCEL="tcg", **keys)
    host.kvmctl("start", "vm")


def size(host, name="console.log"):
    return log_file(host, name).stat().st_size


def test_what_a_guest_floods_is_bounded_by_whoever_comes_by(host):
    """While QEMU goes on writing. The newest part is kept."""
    flooding_vm(host)
    wait_until(lambda: size(host) > 10000, "flood")
    for command in (["trim-logs"], ["list"], ["show", "vm"], ["logs", "vm", "-n", "0"]):
        append(host, b"x" * BOUND + b"\nlast word\n")
        assert size(host) > BOUND
        host.kvmctl(*command)
        assert size(host) < BOUND + (1 << 20)
        before = size(host)
        wait_until(lambda: size(host) > before, "flood that goes on")
        with open(log_file(host), "rb") as log:
            kept = log.read()
        # The newest part is followed by what QEMU has written since, complete and in order.
        newest, _, flood = kept.rpartition(b"\nlast word\n")
        assert newest.endswith(b"x" * 1000) and set(flood) == {ord("A")}
    host.kvmctl("stop", "--now", "vm")


@pytest.mark.parametrize("rounds", [2, pytest.param(6, marks=pytest.mark.deep)])
def test_a_guest_prints_as_fast_as_it_can_and_only_the_timer_comes_by(host, rounds):
    """Every 10 s, as kvmctl-logs.timer does. The log grows by no more than docs/service.md says; no line is missing."""
    limit, slack = 1 << 20, 1 << 18
    host.write_tiny_vm("vm", CONSOLE_LOG="1M")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    # Full already, so that what even a slow guest adds has to push something out.
    append(host, b"old\n" * (limit // 4))
    run_inside(host, "vm", f"(timeout {10 * rounds + 1} seq 1 999999999; echo over-$((1 + 1))) & true")

    def allocated():
        return log_file(host).stat().st_blocks * 512

    def numbers(text):
        return [int(line) for line in text.splitlines() if line.isdigit()]

    def assert_gapless(found):
        assert len(found) > 1 and found == list(range(found[0], found[-1] + 1))

    for _ in range(rounds):
        before = allocated()
        time.sleep(10)
        assert before < allocated() < before + (10 << 20)
        host.kvmctl("trim-logs")
        assert allocated() < limit + slack
        assert_gapless(numbers(host.kvmctl("logs", "vm", "-n", "100").stdout)[:-1])
    host.wait_console("vm", "over-2")
    host.kvmctl("trim-logs")
    # The first line that was kept may have lost its beginning; the last is followed only by the end of the flood.
    kept, _, end = host.console_log("vm").rpartition("over-2")
    found = numbers(kept)[1:]
    assert_gapless(found)
    assert allocated() < limit + slack and len(end) < 100
    assert kept.splitlines()[-1] in ("", "Terminated", str(found[-1]))
    # All numbers from 1 on were printed, each on a line.
    assert sum(len(str(number)) + 2 for number in range(1, found[-1] + 1)) > slack


@pytest.mark.parametrize("name", ["console.log", "firmware.log", "qemu.log", "record"])
def test_every_log_is_bounded(host, name):
    """A record is still of use without its middle: QEMU's replies are at its beginning, the latest events at its end."""
    host.write_firmware_vm("vm", VNCDISP="auto", ACCEL="tcg")
    command = host.command(host.binary, "start", "--foreground", "vm")
    start = subprocess.Popen(command, env=host.environment, stderr=subprocess.DEVNULL)
    wait_until(lambda: host.state("vm") == "running", "running VM")
    with open(log_file(host, name), "ab") as log:
        for event in (b"RTC_CHANGE" * 2_000_000, b"RESUME"):
            log.write(b'{"timestamp": {"seconds": 1, "microseconds": 1}, "event": "%s"}\r\n' % event)
    assert size(host, name) > BOUND
    host.kvmctl("trim-logs")
    assert size(host, name) <= BOUND + 4096
    shown = host.show("vm")
    assert shown["state"] == "running" and shown["vnc"]["port"] == 5900
    host.kvmctl("stop", "--now", "vm")
    assert start.wait(30) == 0
    assert host.show("vm")["endReason"] == "host-qmp-quit"


def test_a_follower_sees_everything_once(vm):
    lines = [b"%07d\n" % number for number in range(3 << 20)]
    with open(log_file(vm), "ab") as log:
        log.write(b"".join(lines[:1000]))
    command = vm.command(vm.binary, "logs", "vm", "--follow")
    with subprocess.Popen(command, env=vm.environment, stdout=subprocess.PIPE) as follower:
        expected = b"".join(lines)
        seen = follower.stdout.read(8000)
        for start in range(1000, len(lines), 1 << 19):
            piece = b"".join(lines[start:start + (1 << 19)])
            append(vm, piece)
            seen += follower.stdout.read(len(piece))
            vm.kvmctl("trim-logs")
        follower.terminate()
    assert seen == expected


def test_the_log_of_the_run_before_is_bounded_too(vm):
    append(vm, b"first run\n" * 2_000_000 + b"its end\n")
    vm.qemu().kill()
    # No command ran while it did.
    vm.kvmctl("start", "vm")
    previous = log_file(vm, "console.log.1")
    assert previous.stat().st_size <= BOUND and previous.read_bytes().endswith(b"its end\n")


def test_the_doctor_says_that_nothing_bounds_them(vm):
    append(vm, b"x" * (BOUND * 2))
    [found] = [entry for entry in vm.json("doctor") if "console.log" in entry["text"]]
    assert found["severity"] == "warning" and "kvmctl-logs.timer" in found["text"]
    assert size(vm) == BOUND * 2, "the doctor changed something"
    vm.execute("sh", "-c", found["command"].replace("kvmctl", str(vm.binary))).check_returncode()
    assert not [entry for entry in vm.json("doctor") if "console.log" in entry["text"]]


def test_one_that_was_removed(vm):
    log_file(vm).unlink()
    assert "somebody removed or renamed it" in vm.kvmctl("logs", "vm", expect=66).stderr


@pytest.mark.parametrize("replace", ["mkfifo record", "ln -s /etc/passwd record"])
def test_only_a_file_is_a_log(vm, replace):
    log_file(vm, "record").unlink()
    subprocess.run(replace, shell=True, cwd=log_file(vm).parent, check=True)
    result = vm.kvmctl("logs", "--record", "vm", expect=None, timeout=20)
    assert result.returncode != 0 and result.stdout == "" and "record" in result.stderr

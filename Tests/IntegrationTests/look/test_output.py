"""A result that can't be written is a failure; a reader that has gone is not."""

import os
import signal
import subprocess

import pytest

REPORTS = [
    ["list"], ["list", "--json"], ["show", "vm"], ["show", "vm", "--json"], ["check", "vm"], ["explain", "vm"],
    ["logs", "vm", "--record"], ["net", "show"], ["start", "vm", "--dry-run"], ["start", "vm"], ["stop", "off"],
    ["create", "new", "--dry-run"], ["rm", "off", "--dry-run"], ["net", "up", "br0", "--dry-run"],
    ["--help"], ["logs", "--help"], ["--version"],
]


@pytest.fixture
def vm(host):
    # Without the notice about the accelerator.
    host.write_firmware_vm("vm", ACCEL="tcg")
    host.write_firmware_vm("off")
    host.kvmctl("start", "vm")
    return host


def run(host, arguments, stdout):
    return subprocess.run(
        host.command(host.binary, *arguments), env=host.environment, cwd=host.root, stdout=stdout,
        stderr=subprocess.PIPE, text=True, timeout=60)


def test_a_full_disk_is_73(vm):
    for arguments in REPORTS:
        with open("/dev/full", "w") as full:
            result = run(vm, arguments, full)
        assert result.returncode == 73, (arguments, result)
        assert "stdout: can't be written: No space left on device" in result.stderr, (arguments, result.stderr)


def closed_stdout(host, arguments):
    command = ["sh", "-c", 'exec "$@" >&-', "sh", host.binary, *arguments]
    return subprocess.run(
        host.command(*command), env=host.environment, cwd=host.root, stderr=subprocess.PIPE, text=True, timeout=60)


def full_stdout(host, arguments):
    with open("/dev/full", "w") as full:
        return run(host, arguments, full)


def test_of_what_failed_nothing_was_done(vm):
    for command in ["freeze", "off"], ["reset", "off", "missing"]:
        assert "all the same" not in full_stdout(vm, [*command, "--json"]).stderr


@pytest.mark.parametrize("extra", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize("lost", [full_stdout, closed_stdout])
def test_what_was_done_is_said_where_the_result_does_not_arrive(vm, lost, extra):
    for arguments, done in (
        (["start", "off"], "started"), (["stop", "--now", "off"], "quit"), (["create", "new", "--net", "none"], "new"),
        (["rm", "new"], "new/vm.params"), (["start", "off", "missing"], "started"), (["stop", "--now", "--all"], "quit"),
    ):
        result = lost(vm, [*arguments, *extra])
        assert result.returncode == (1 if "missing" in arguments else 73), (arguments, result)
        [told] = [line for line in result.stderr.splitlines() if "all the same: " in line and done in line][:1]
        if arguments[0] == "start":
            assert vm.state("off") == "running" and str(vm.show("off")["pid"]) in told
    assert vm.qemus() == []


def test_a_reader_that_has_gone_is_no_failure(vm):
    for arguments in REPORTS:
        reader, writer = os.pipe()
        os.close(reader)
        result = run(vm, arguments, writer)
        os.close(writer)
        # As any filter: ended by SIGPIPE unless that is ignored.
        assert result.returncode in (0, -signal.SIGPIPE), (arguments, result)
        assert result.stderr == "", (arguments, result.stderr)


def test_names_can_not_drive_a_terminal(host):
    """A path with an 8-bit CSI in it, on stdout and on stderr."""
    directory = host.vms / "a\u009b31m"
    params = host.write_vm("x", "NAME=x", "NET0=none", "VNCDISP=none", directory=directory)
    for arguments in (["show", params], ["start", "--dry-run", params], ["list"], ["check", f"{params}x"], ["\u009b"]):
        result = host.execute(host.binary, *arguments)
        assert "\u009b" not in result.stdout + result.stderr, arguments
    assert host.json("show", params)[0]["params"] == str(params)

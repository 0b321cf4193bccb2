"""`rm` of several VMs asks first; nothing is removed without a yes."""

import fcntl
import json
import os
import struct

import pytest

from rig import terminal
from rig.faults import strike, was_killed
from rig.waiting import wait_until


@pytest.fixture
def three(host):
    for name in ("a", "b", "c"):
        host.write_firmware_vm(name, DISK0="disk", DISK0_SIZE="1M")
        (host.vms / name / "disk").write_bytes(bytes(1 << 20))
    return host


def files(host):
    return sorted(str(path.relative_to(host.vms)) for path in host.vms.glob("*/*"))


ALL = [f"{name}/{file}" for name in "abc" for file in ("disk", "vm.params")]
MANY = [["--all"], ["--all", "--disks"], ["a", "b", "c", "--disks"]]


@pytest.mark.parametrize("words", MANY)
def test_without_a_terminal_it_needs_a_yes(three, words):
    host = three
    said = host.kvmctl("rm", *words, expect=64).stderr
    assert "would remove 3 VMs" in said and "--yes" in said and files(host) == ALL
    [element] = json.loads(host.kvmctl("rm", *words, "--json", expect=64).stdout)
    assert element["error"]["code"] == 64 and files(host) == ALL
    host.kvmctl("rm", *words, "--dry-run")
    assert files(host) == ALL
    host.kvmctl("rm", *words, "-y")
    assert files(host) == ([] if "--disks" in words else ["a/disk", "b/disk", "c/disk"])


@pytest.mark.parametrize("words", [["a", "b"], ["a", "--disks"], ["a"]])
def test_what_was_named_is_not_asked_about(three, words):
    three.kvmctl("rm", *words)
    assert "c/vm.params" in files(three) and "a/vm.params" not in files(three)


@pytest.mark.parametrize("answer, code", [
    ("yes\r", 0), ("y\r", 0), ("Y\r", 0), ("no\r", 1), ("\r", 1), ("maybe\r", 1), ("\x04", 1)])
def test_on_a_terminal_it_asks(three, answer, code):
    host = three
    asked = terminal.spawn(host, "rm", "--all", "--disks")
    asked.expect(r"Remove 3 VMs with their disks\? \[y/N\] ")
    for file in ALL:
        assert f"{file[0]}: {host.vms}/{file}" in asked.before
    assert files(host) == ALL
    asked.send(answer)
    terminal.wait_for_exit(asked, expect=code)
    assert files(host) == ([] if code == 0 else ALL)
    if code:
        assert "nothing was removed" in asked.before


def test_what_came_after_the_question_stays(three):
    host = three
    asked = terminal.spawn(host, "rm", "--all", "--disks")
    asked.expect(r"\[y/N\] ")
    host.write_firmware_vm("b", DISK0="disk", DISK1="new")
    (host.vms / "b/new").write_bytes(bytes(1 << 20))
    asked.sendline("yes")
    terminal.wait_for_exit(asked, expect=1)
    assert "b: its files have changed since you were asked" in asked.before
    assert files(host) == ["b/disk", "b/new", "b/vm.params"]


def test_one_that_runs_is_no_reason_to_keep_the_others(three):
    host = three
    host.kvmctl("start", "b")
    found = json.loads(host.kvmctl("rm", "--all", "--yes", "--json", expect=1).stdout)
    # Running VMs are refused first.
    assert [(one["name"], one.get("error", {}).get("code")) for one in found] == [("b", 75), ("a", None), ("c", None)]
    assert "b/vm.params" in files(host) and "a/vm.params" not in files(host)
    host.kvmctl("stop", "b", "--now")


@pytest.mark.parametrize("count", range(1, 8))
def test_a_killed_rm_can_be_repeated(host, count):
    """Whatever is removed already: as long as the params file is there, the command is."""
    host.write_firmware_vm("vm", VNCDISP="auto")
    host.kvmctl("start", "vm")
    host.kvmctl("stop", "vm", "--now")
    if not was_killed(strike(host, ("unlink", count), "signal=SIGKILL", "rm", "vm")):
        pytest.fail(f"rm has fewer than {count} calls of unlink")
    if (host.vms / "vm" / "vm.params").exists():
        host.kvmctl("rm", "vm")
    assert not (host.vms / "vm").exists() or not list((host.vms / "vm").iterdir())
    assert not (host.run / "log" / "vm").exists()


def test_a_file_that_is_replaced_meanwhile_keeps_its_disks(three):
    host = three
    host.kvmctl("set", "a", "CPUS=1")
    with (host.run / "files").open("r+") as lock:
        # As another command that replaces a params file has it.
        fcntl.fcntl(lock, fcntl.F_OFD_SETLKW, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0))
        remove = host.popen(host.binary, "rm", "a", "--disks")
        params = host.vms / "a/vm.params"
        wait_until(lambda: host.lock_of_command_is_held("a"), "rm")
        new = host.vms / "a/new"
        new.write_text(params.read_text() + "TAGS=x\n")
        new.rename(params)
    _, said = remove.communicate(timeout=60)
    assert remove.returncode == 75 and "was replaced by another file" in said
    assert "a/disk" in files(host) and "TAGS=x" in params.read_text()


def test_what_is_gone_already_is_said(three):
    host = three
    failed = strike(host, ("unlinkat", 2), "error=EIO", "rm", "a", "--disks")
    assert failed.returncode == 69 and f"{host.vms}/a/vm.params: can't be removed" in failed.stderr
    assert f"  {host.vms}/a/disk is removed\n" in failed.stderr


def test_who_starts_after_it_is_said(three):
    host = three
    host.write_firmware_vm("web", START_AFTER="a,b")
    assert "kvmctl: a: START_AFTER still names it: " in host.kvmctl("rm", "a").stderr
    assert "START_AFTER" not in host.kvmctl("rm", "c").stderr
    assert "START_AFTER" not in host.kvmctl("rm", "--all", "--yes").stderr

"""The work of a command about all VMs is linear: per VM it does not depend on how many there are.

Counted in system calls: time would depend on the machine.
"""

import re

import pytest

from rig import terminal
from rig.waiting import wait_until

# Fewer than make kvmctl use a second thread, whose waiting takes calls too.
SIZES = (15, 30, 60)
RUNNING = 4


# Only calls that do something, not those that wait: a busy machine makes more of these.
ASKING = "trace=%file,read,pread64,fcntl,sendto,sendmsg,socket,clone,clone3,fork,vfork"


def system_calls(host, *arguments, options=("-f",)):
    """How many system calls a command makes, and how many files it opens; -f includes its children."""
    counts = host.root / "counts"
    result = host.execute("strace", *options, "-e", ASKING, "-c", "-o", counts, host.binary, *arguments)
    assert result.returncode in (0, 1, 69), result.stderr
    text = counts.read_text()
    # `100.00    0.001234           1      1234        12 total`
    total = re.search(r"^\S+\s+\S+\s+\S+\s+(\d+)\s.*total$", text, re.MULTILINE)
    opened = re.search(r"^\s*\S+\s+\S+\s+\S+\s+(\d+)\s.*openat$", text, re.MULTILINE)
    return int(total[1]), int(opened[1])


def write_vms(host, numbers):
    """VMs that share a bridge, a display and a medium, each with its own disk."""
    medium = host.root / "medium.iso"
    medium.touch()
    for number in numbers:
        path = host.write_firmware_vm(
            f"vm{number}", NAME=f"name{number}", ACCEL="tcg", NET0="bridge:br0", VNCDISP=0, DISK0="d.img", CDROM0=medium,
            CPU="max")
        with open(path.parent / "d.img", "wb") as file:
            file.truncate(1 << 20)


@pytest.fixture
def counted_host(bridged_host):
    host = bridged_host
    for number in range(RUNNING):
        host.write_firmware_vm(f"running{number}", ACCEL="tcg", NET0="bridge:br0", CPU="max")
        host.kvmctl("start", f"running{number}")
    return host


COMMANDS = [
    ["check", "--all"], ["doctor"], ["list"], ["show", "--all"], ["start", "--all", "--dry-run"],
    ["stop", "--all", "--dry-run"], ["rm", "--all", "--disks", "--dry-run"], ["ip", "--all"],
]


def test_each_vm_costs_the_same_however_many_there_are(counted_host):
    host = counted_host
    counts = Counts()
    made = 0
    for size in SIZES:
        write_vms(host, range(made, size))
        made = size
        counts.add(host, size, COMMANDS)
        counts.add(host, size, [["show", *(f"{host.vms}/vm{number}/" for number in range(size))]], as_one="show PATH…")
        counts.add(host, size, [["show", *(f"name{number}" for number in range(size))]], as_one="show NAME…")
    counts.assert_linear()


def test_each_that_runs_too(bridged_host):
    host = bridged_host
    counts = Counts()
    for number in range(12):
        host.write_firmware_vm(f"running{number}", MEMORY=16, ACCEL="tcg", NET0="bridge:br0", VNCDISP=number)
        host.kvmctl("start", f"running{number}")
        if number + 1 in (3, 6, 12):
            counts.add(host, number + 1, [command for command in COMMANDS if command[0] != "rm"])
            paths = [host.vms / f"running{each}" / "vm.params" for each in range(number + 1)]
            counts.add(host, number + 1, [["show", *paths]], as_one="show PATH…")
    counts.assert_linear()


def test_a_start_of_many(bridged_host):
    """kvmctl's own calls, without QEMU's."""
    host = bridged_host
    counts = Counts(options=[])
    for first, last in ((0, 4), (4, 12), (12, 28)):
        numbers = range(first, last)
        for number in numbers:
            host.write_firmware_vm(f"vm{number}", MEMORY=16, ACCEL="tcg", NET0="bridge:br0")
        names = [f"vm{number}" for number in numbers]
        counts.add(host, len(names), [["start", *names]], as_one="start")
        host.kvmctl("stop", "--now", *names)
    counts.assert_linear()


def test_an_address_that_another_command_claims_meanwhile(bridged_host):
    """The second start of a command must see what another command claimed after the first."""
    host = bridged_host
    for name, mac in (("a", "52:54:00:00:00:01"), ("b", "52:54:00:00:00:02"), ("other", "52:54:00:00:00:02")):
        host.write_firmware_vm(name, ACCEL="tcg", NET0="bridge:br0", MAC=mac)
    # The first VM's QEMU is slow; meanwhile another command starts a VM.
    slow = host.root / "slow"
    slow.write_text(
        f'#!/bin/sh\n[ -e {host.root}/go ] || case "$*" in *guest=a,*) touch {host.root}/waits; '
        f'while [ ! -e {host.root}/go ]; do sleep 0.02; done;; esac\nexec qemu-system-x86_64 "$@"\n')
    slow.chmod(0o755)
    host.root.chmod(0o1777)
    host.write_firmware_vm("a", ACCEL="tcg", NET0="bridge:br0", MAC="52:54:00:00:00:01", QEMU=slow)
    both = host.popen(host.binary, "start", "a", "b")
    wait_until((host.root / "waits").exists, "start of a")
    host.kvmctl("start", "other")
    (host.root / "go").touch()
    said, errors = both.communicate(timeout=60)
    assert both.returncode == 1 and "a: started" in said, (said, errors)
    assert "the MAC 52:54:00:00:00:02 on bridge:br0 is taken by the running VM other" in errors
    # A VM that has ended is no obstacle.
    host.kvmctl("stop", "--now", "other")
    host.kvmctl("start", "b")


class Counts:
    """The system calls of some commands with three numbers of VMs, each twice the previous."""

    def __init__(self, options=("-f",)):
        self.options = options
        self.sizes = []
        self.counts = {}

    def add(self, host, size, commands, as_one=None):
        if size not in self.sizes:
            self.sizes.append(size)
        for command in commands:
            total, opened = system_calls(host, *command, options=self.options)
            for kind, count in (("system calls", total), ("files opened", opened)):
                self.counts.setdefault((as_one or " ".join(command), kind), []).append(count)

    def assert_linear(self):
        few, some, many = self.sizes
        for (command, kind), (a, b, c) in self.counts.items():
            first, second = (b - a) / (some - few), (c - b) / (many - some)
            print(f"{command}: {first:.1f}, {second:.1f} {kind} more for each VM")
            # If it were quadratic, the second would be twice the first.
            assert second <= 1.1 * first + 0.5, (command, kind, a, b, c)


def test_a_file_is_read_a_fixed_number_of_times(counted_host):
    host = counted_host
    write_vms(host, range(40))
    trace = host.root / "trace"
    for command in (["check", "--all"], ["doctor"]):
        host.execute("strace", "-f", "-e", "trace=openat", "-o", trace, host.binary, *command)
        opened = re.findall(r'"([^"]*)"', trace.read_text())
        assert max(opened.count(str(host.vms / f"vm{number}" / "vm.params")) for number in range(40)) <= 2, command
        assert [path for path in opened if "qemu-" in path and path.endswith(".json")] != [], "no cache was read"
        assert sum("/cache/qemu-" in path for path in opened) <= 2, command


def test_qemu_is_asked_once_about_all(host):
    """A check caches nothing on disk, so it asks QEMU, but only once."""
    for number in range(8):
        host.write_firmware_vm(f"vm{number}", ACCEL="tcg", CPU="Haswell")
    trace = host.root / "trace"
    host.execute("strace", "-f", "-e", "trace=execve", "-o", trace, host.binary, "check", "--all")
    started = [line for line in trace.read_text().splitlines() if 'execve("/usr/bin/qemu-system' in line]
    # Its capabilities, its keyboard maps, and its CPU models.
    assert len(started) == 3, started


def test_one_that_runs_without_its_file_is_one_of_all(host):
    path = host.write_firmware_vm("vm", ACCEL="tcg")
    host.kvmctl("start", "vm")
    path.unlink()
    path.parent.rmdir()
    host.write_firmware_vm("other", ACCEL="tcg")
    assert "vm: stopped" in host.kvmctl("stop", "--all", "--now").stdout
    assert host.qemus() == []


def test_rm_knows_what_it_has_removed(host):
    """Two VMs share a disk: removing the first keeps it for the second."""
    shared = host.vms / "a" / "d.img"
    for name in ("a", "b"):
        host.write_firmware_vm(name, DISK0=shared)
    shared.write_bytes(bytes(1 << 20))
    said = host.kvmctl("rm", "a", "b", "--disks", "--yes").stdout
    assert f"a: kept {shared}: it is a disk of the VM b" in said
    assert f"b: kept {shared}: it is outside the VM's directory" in said
    assert shared.exists()

    for name in ("c", "d"):
        host.write_firmware_vm(name, DISK0=host.vms / "d" / "d.img")
    (host.vms / "d" / "d.img").write_bytes(bytes(1 << 20))
    said = host.kvmctl("rm", "c", "d", "--disks", "--dry-run").stdout
    assert f"d: would remove {host.vms}/d/d.img" in said
    asked = terminal.spawn(host, "rm", "c", "d", "--disks")
    asked.expect(r"\[y/N\] ")
    assert f"d: {host.vms}/d/d.img" in asked.before
    # A VM defined after the question was asked keeps it.
    host.write_firmware_vm("e", DISK0=host.vms / "d" / "d.img")
    asked.sendline("yes")
    terminal.wait_for_exit(asked, expect=0)
    assert f"d: kept {host.vms}/d/d.img: it is a disk of the VM e" in asked.before
    assert not (host.vms / "c").exists() and (host.vms / "d" / "d.img").exists()

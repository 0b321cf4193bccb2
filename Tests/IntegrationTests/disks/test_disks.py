"""Disks with any legal name, and disks that can't be used."""

import os
import re

import pytest

from rig.faults import strike, system_calls, was_killed
from rig.host import NOBODY

ODD_NAMES = ["a,b=c.img", "two words.img", "it's.img", 'say "hi".img', "Größe-日本.img", "back\\slash.img", "-dash", "100%.img"]


def quoted(path):
    """Quoted as for sh: nothing in it is expanded."""
    return "'" + str(path).replace("'", "'\\''") + "'"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_file_names(host, name):
    disk = host.vms / "vm" / name
    disk.parent.mkdir()
    with open(disk, "wb") as file:
        file.truncate(1 << 20)
    host.write_firmware_vm("vm", DISK0=quoted(disk))
    host.kvmctl("start", "vm")
    assert str(disk) in host.qemu().descriptors.values()


def test_the_guest_finds_its_disks_in_order(host):
    host.write_tiny_vm("vm", DISK0="first", DISK0_SIZE="1M", DISK1="'second, with=comma'", DISK1_SIZE="2M")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    log = host.console_log("vm")
    assert "tiny: vda 2048 sectors" in log and "tiny: vdb 4096 sectors" in log


def test_missing_disk_says_how_to_make_it(host):
    host.write_firmware_vm("vm", DISK0="missing.img")
    result = host.kvmctl("start", "vm", expect=66)
    assert "missing.img" in result.stderr and "DISK0_SIZE" in result.stderr


def test_header_of_another_format_is_refused(host):
    disk = host.vms / "vm" / "disk"
    host.write_firmware_vm("vm", DISK0=disk)
    disk.write_bytes(b"QFI\xfb\x00\x00\x00\x03" + bytes(1 << 20))
    assert "DISK0_FORMAT" in host.kvmctl("start", "vm", expect=65).stderr


def test_disk_of_another_running_vm(host):
    disk = host.vms / "shared.img"
    with open(disk, "wb") as file:
        file.truncate(1 << 20)
    for name in ("a", "b"):
        host.write_firmware_vm(name, DISK0=disk)
    host.kvmctl("start", "a")
    assert str(disk) in host.kvmctl("start", "b", expect=75).stderr
    assert host.state("b") == "stopped"


def test_create_refuses_and_leaves_nothing(host):
    directory = host.vms / "vm"
    directory.mkdir()
    (directory / "vdisk1").write_text("precious")
    host.kvmctl("create", directory, "--disk", "1G", "--disk", "1G", expect=73)
    assert os.listdir(directory) == ["vdisk1"]
    assert (directory / "vdisk1").read_text() == "precious"

    host.kvmctl("create", host.vms / "other", "--disk", "1000", expect=64)
    host.kvmctl("create", host.vms / "no" / "such", "--disk", "1G", expect=66)


def test_create_refuses_the_same_in_a_dry_run(host):
    host.root.chmod(0o755)
    host.write_firmware_vm("vm")
    (host.vms / "file").touch()
    for where, code, words, uid in [
            ("vm", 73, "vm.params: exists already", None), ("file", 73, "is not a directory", None),
            ("no/such", 66, f"mkdir -p {host.vms}/no", None), ("new", 77, f"{host.vms}: can't be written to", NOBODY),
            ("spa ce", 64, "--name NAME", None)]:
        real = host.kvmctl("create", host.vms / where, "--disk", "1G", expect=code, uid=uid)
        planned = host.kvmctl("create", host.vms / where, "--disk", "1G", "--dry-run", expect=code, uid=uid)
        assert words in real.stderr and (planned.stderr, planned.stdout) == (real.stderr, "")
    assert sorted(os.listdir(host.vms)) == ["file", "vm"]


def test_options_that_make_no_vm_are_64(host):
    result = host.kvmctl("create", host.vms / "vm", *["--disk", "1M"] * 27, expect=64)
    assert "DISK26" in result.stderr and "vm.params" not in result.stderr


CREATED = """\
# Made by kvmctl create. Every key: vm.params(5).
NAME=web
UUID=…
MACHINE=…
MEMORY=2G
CPUS=2
DISK0=vdisk0
DISK0_FORMAT=raw
DISK1=vdisk1
DISK1_FORMAT=raw
CDROM0='/srv/it'\\''s a.iso'
NET0=user
NET0_MAC=…
NET1=bridge:br1
NET1_MAC=…
VNCDISP=3
"""


def test_create_writes_every_option(host):
    options = ["--name", "web", "--memory", "2G", "--cpus", "2", "--disk", "1M", "--disk", "2M", "--net", "user",
               "--net", "bridge:br1", "--vnc", "3", "--cdrom", "/srv/it's a.iso"]
    planned = host.kvmctl("create", host.vms / "vm", *options, "--dry-run").stdout
    host.kvmctl("create", host.vms / "vm", *options)
    made = (host.vms / "vm" / "vm.params").read_text()
    texts = [re.sub("(UUID|MACHINE|MAC)=.*", "\\1=…", text) for text in (made, planned.partition("vm.params:\n")[2])]
    assert texts == [CREATED, CREATED]


def test_create_refuses_what_no_line_can_hold(host):
    result = host.kvmctl("create", host.vms / "vm", "--cdrom", "a\nMEMORY=1", "--dry-run", expect=64)
    assert "the value of CDROM0 has a control character, \\x0a" in result.stderr


def test_create_warns_of_more_than_there_is(host):
    directory = host.vms / "vm"
    directory.mkdir()
    result = host.kvmctl("create", directory, "--disk", "8T")
    assert "free" in result.stderr
    assert (directory / "vdisk0").stat().st_blocks == 0


def test_remove(host):
    directory = host.vms / "vm"
    directory.mkdir()
    host.kvmctl("create", directory, "--disk", "1G", "--memory", "32", "--net", "none")
    host.kvmctl("start", "vm")
    host.kvmctl("rm", "vm", expect=75)
    host.kvmctl("stop", "vm", "--now")

    host.kvmctl("rm", "vm")
    assert not (directory / "vm.params").exists()
    assert (directory / "vdisk0").exists()
    assert not (host.run / "vms" / "vm").exists()


def test_remove_with_disks(host):
    directory = host.vms / "vm"
    directory.mkdir()
    host.kvmctl("create", directory, "--disk", "1G")
    host.kvmctl("rm", "vm", "--disks")
    assert not (directory / "vdisk0").exists()


@pytest.mark.parametrize("extra", [[], ["--disks"], ["--dry-run"]])
def test_a_running_vm_is_not_removed(host, extra):
    host.write_firmware_vm("vm", DISK0="disk", DISK0_SIZE="1M")
    host.kvmctl("start", "vm")
    said = host.kvmctl("rm", "vm", *extra, expect=75).stderr
    assert "it is running" in said and "stop it first" in said
    assert (host.vms / "vm" / "disk").exists()


def test_a_create_that_is_killed_is_in_nobodys_way(host):
    """At any point between naming its disks and naming its params file."""
    words = ["create", host.vms / "vm", "--disk", "1M", "--disk", "2M", "--net", "none", "--memory", "32"]
    # What it finds out about the host is kept by then.
    host.kvmctl(*words)
    host.kvmctl("rm", "vm", "--disks", "--yes")
    links = [call for call in system_calls(host, *words) if call[0] == "linkat"]
    host.kvmctl("rm", "vm", "--disks", "--yes")
    assert len(links) == 3
    for call in links:
        assert was_killed(strike(host, call, "signal=SIGKILL", *words))
        assert not (host.vms / "vm/vm.params").exists()
        host.kvmctl(*words)
        host.kvmctl("rm", "vm", "--disks", "--yes")
    # A disk that has content, or that another VM uses, does not count as left over.
    for there in (b"x", b""):
        assert was_killed(strike(host, links[-1], "signal=SIGKILL", *words))
        (host.vms / "vm/vdisk0").open("r+b").write(there)
        if not there:
            host.write_firmware_vm("other", DISK0=host.vms / "vm/vdisk0")
        assert "vdisk0: exists already" in host.kvmctl(*words, expect=73).stderr
        for disk in (host.vms / "vm").iterdir():
            disk.unlink()

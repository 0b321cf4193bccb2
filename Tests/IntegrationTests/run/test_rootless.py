"""The whole life cycle as an unprivileged user, with NET0=user."""

import os
import shutil

import pytest

from rig.host import NOBODY
from rig.terminal import console


@pytest.fixture
def tiny_vm(rootless_host):
    """A VM with a copy of the rig's kernel that the user may read."""
    host = rootless_host
    for name in ("vmlinuz", "initrd.gz"):
        shutil.copy(host.guests / name, host.root / name)
    host.write_tiny_vm("vm", NET0="user", KERNEL=host.root / "vmlinuz", INITRD=host.root / "initrd.gz")
    return host


def test_life_cycle(tiny_vm):
    host = tiny_vm
    assert "vm: started" in host.kvmctl("start", "vm").stdout
    assert host.state("vm") == "running"
    assert set(host.qemu().status["Uid"].split()) == {str(NOBODY)}

    with console(host, "vm") as terminal:
        terminal.expect("tiny: up", timeout=90)

    assert "vm" in host.kvmctl("logs", "vm").stdout or host.console_log("vm")
    host.kvmctl("stop", "vm", timeout=90)
    assert host.state("vm") == "stopped"
    host.assert_nothing_left()


def test_sandbox_and_privileges(tiny_vm):
    host = tiny_vm
    host.kvmctl("start", "vm")
    status = host.qemu().status
    # Only root can shrink the bounding set.
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def test_create_and_remove(rootless_host):
    host = rootless_host
    directory = host.vms / "new"
    directory.mkdir()
    os.chown(directory, NOBODY, NOBODY)
    host.kvmctl("create", directory, "--disk", "1G", "--memory", "64", "--net", "user")
    host.kvmctl("start", "new")
    host.kvmctl("stop", "new", "--now")
    host.kvmctl("rm", "new", "--disks")
    assert not (directory / "vdisk0").exists()


def test_a_bridge_needs_root(rootless_host):
    host = rootless_host
    host.ip("link", "add", "br0", "type", "bridge")
    host.write_firmware_vm("vm", NET0="bridge:br0")
    host.kvmctl("start", "vm", expect=77)
    host.assert_nothing_left()

"""`check` reports at once everything that keeps a start from its files, names and addresses, whoever runs it."""

import os
import re
import subprocess

import pytest

from rig.host import NOBODY
from rig.process import Process


def disk(path, mode=0o600):
    with open(path, "wb") as file:
        file.truncate(1 << 20)
    path.chmod(mode)
    return path


def everything_in_use(host):
    """A running VM, and another one that needs everything it has, and things that don't exist; returns the other's name."""
    shared = disk(host.vms / "shared.img")
    keys = {"MAC": "52:54:00:00:00:01", "NET0": "bridge:br0", "NET0_TAP": "mine", "DISK0": shared, "VNCDISP": 7}
    host.write_firmware_vm("first", **keys)
    host.kvmctl("start", "first")
    (host.root / "empty").write_text("\n")
    host.write_firmware_vm(
        "second", **keys, NET1="bridge:br7", NET2="bridge:br7", DISK1="missing",
        VNCPASSWORD_FILE=host.root / "empty", QEMU="/nope")
    return "second"


def test_everything_at_once(bridged_host):
    host = bridged_host
    said = host.kvmctl("check", everything_in_use(host), expect=69).stderr
    for words in (
            "vm.params:11: QEMU: there is no program /nope", "port 5907 on 127.0.0.1 is in use by the running VM first",
            "VNCPASSWORD_FILE: /", "a VNC password is 1 to 8 bytes", "shared.img is in use by the running VM first",
            "missing does not exist", "NET0_TAP: the name mine is taken by the VM first", "no bridge br7",
            "vm.params:4: MAC: the MAC 52:54:00:00:00:01 on bridge:br0 is taken by the running VM first"):
        assert words in said, words
    assert said.count("br7`") == 1, "one cause is said once"
    # A running VM is not in its own way.
    assert "first: ok" in host.kvmctl("check", "first").stdout
    assert host.kvmctl("start", "first", "--dry-run").stdout


def own_devices(host):
    """A /dev/net of the host's own, without anything in it, as in many a container."""
    host.use_own_mounts()
    assert host.execute("mount", "-t", "tmpfs", "none", "/dev/net").returncode == 0


@pytest.mark.parametrize("put, words", [
    ("true", "mkdir -p /dev/net && mknod -m 666 /dev/net/tun c 10 200"),
    ("touch /dev/net/tun", "is not the device that belongs there"),
    ("mknod /dev/net/tun c 10 229", "is not the device that belongs there"),
])
@pytest.mark.parametrize("network", ["bridge:br0", "nat", "isolated:lab"])
def test_a_container_without_taps(bridged_host, put, words, network):
    host = bridged_host
    own_devices(host)
    host.execute("sh", "-c", put)
    before = set(host.links())
    host.write_firmware_vm("vm", NET0=network)
    refused = [host.kvmctl(command, "vm", expect=69).stderr for command in ("check", "start")]
    assert refused[0] == refused[1] and words in refused[0] and "vm.params:2: NET0" in refused[0]
    assert set(host.links()) == before, "it is said before anything is made"
    # A VM that needs no tap is not affected.
    host.write_firmware_vm("other", NET0="user")
    host.kvmctl("check", "other")


def test_a_device_that_is_made_as_said_makes_taps(bridged_host):
    host = bridged_host
    own_devices(host)
    host.write_firmware_vm("vm", NET0="bridge:br0")
    said = host.kvmctl("check", "vm", expect=69).stderr
    assert host.execute("sh", "-c", said.split("`")[1]).returncode == 0
    host.kvmctl("start", "vm")


@pytest.mark.parametrize("network, owner", [
    ("bridge:br0", "bridge br0"), ("bridge:br0", "uplink0, a port of br0"), ("macvtap:eth0", "the device eth0"),
    ("macvtap:eth0", "upper, which sits on eth0 too"),
])
def test_a_mac_that_the_host_has(bridged_host, network, owner):
    host = bridged_host
    for name, peer in (("uplink0", "far0"), ("eth0", "far1")):
        host.ip("link", "add", name, "type", "veth", "peer", "name", peer)
        host.ip("link", "set", name, "up")
    host.ip("link", "set", "uplink0", "master", "br0")
    host.ip("link", "add", "link", "eth0", "name", "upper", "type", "macvlan", "mode", "bridge")
    mac = host.links()[next(name for name in ("br0", "uplink0", "upper", "eth0") if name in owner.split(",")[0])]["address"]
    host.write_firmware_vm("vm", NET0=network, MAC=mac)
    refused = [host.kvmctl(command, "vm", expect=75).stderr for command in ("check", "start")]
    assert refused[0] == refused[1] and f"the MAC {mac} is that of" in refused[0] and owner in refused[0]
    # The remedy works.
    host.write_firmware_vm("vm", NET0=network, MAC=refused[0].split("NET0_MAC=")[1].strip())
    host.kvmctl("start", "vm")
    assert host.kvmctl("check", "vm").stdout.startswith("vm: ok")


@pytest.mark.parametrize("name", ["all", "default"])
def test_names_that_no_device_can_have(host, name):
    for command in (["net", "up", name], ["net", "up", "br0", "--uplink", name], ["net", "down", name], ["net", "persist", name]):
        assert "neither 'all' nor 'default'" in host.kvmctl(*command, expect=64).stderr
    for key, value in (("NET0_TAP", name), ("NET0", f"bridge:{name}"), ("NET0", f"macvtap:{name}"), ("BRIDGE", name)):
        host.write_vm("vm", f"{key}={value}")
        for command in ("check", "start"):
            assert "neither 'all' nor 'default'" in host.kvmctl(command, "vm", expect=65).stderr
    assert set(host.links()) == {"lo"}


@pytest.mark.parametrize("keys, code, words", [
    ({"NET0_TAP": "mine"}, 75, "the name mine is taken by the VM first"),
    ({"MAC": "52:54:00:00:00:01"}, 75, "MAC 52:54:00:00:00:01"),
    ({"VNCDISP": 7}, 75, "port 5907"),
    ({"BRIDGE": "lo"}, 75, "lo is not a bridge"),
    ({"QEMU": "/nope"}, 69, "vm.params:4: QEMU: there is no program /nope"),
    ({"RUNAS": "no-such-user"}, 69, "vm.params:4: RUNAS: there is no user no-such-user"),
    ({"VNCDISP": 8, "KEYMAP": "xx"}, 69, "no keyboard map xx"),
    ({"MEMORY": "16T"}, 69, "MEMORY: 16 TiB is more than"),
])
def test_a_start_is_refused_for_the_same_reasons(bridged_host, keys, code, words):
    host = bridged_host
    everything_in_use(host)
    host.write_firmware_vm("third", NET0=f"bridge:{keys.pop('BRIDGE', 'br0')}", **keys)
    assert words in host.kvmctl("start", "third", expect=code).stderr
    assert words in host.kvmctl("check", "third", expect=code).stderr
    assert len(host.qemus()) == 1


def test_a_forward_that_another_vm_has(host):
    for name in ("first", "second"):
        host.write_firmware_vm(name, NET0="user", FORWARD0="tcp:127.0.0.1:2222:22")
    host.kvmctl("start", "first")
    said = host.kvmctl("check", "second", expect=75).stderr
    assert "port 2222 on 127.0.0.1 is in use by the running VM first" in said and "once that one has been stopped" in said


def test_what_is_not_checked_is_said(host):
    host.write_firmware_vm("vm", QEMUARG0="-no-such-option")
    assert "QEMUARG" in host.kvmctl("check", "vm").stdout


def test_a_run_directory_that_can_not_be_made(rootless_host):
    host = rootless_host
    host.write_firmware_vm("vm")
    host.environment["KVMCTL_RUN"] = "/nonex"
    assert "set KVMCTL_RUN" in host.kvmctl("start", "vm", expect=77).stderr


def test_a_port_is_taken_on_its_own_address_only(host):
    host.write_firmware_vm("vm", VNCDISP=7)
    host.kvmctl("start", "vm")
    host.write_firmware_vm("elsewhere", VNCDISP=7, VNCBIND="127.0.0.2")
    host.kvmctl("start", "elsewhere")
    host.write_firmware_vm("everywhere", VNCDISP=7, VNCBIND="0.0.0.0")
    host.kvmctl("start", "everywhere", expect=75)


def test_what_other_definitions_share_is_a_note(bridged_host):
    host = bridged_host
    for directory in ("a", "b"):
        host.write_firmware_vm(directory, NAME="same", NET0="bridge:br0", MAC="52:54:00:00:00:01")
    said = host.kvmctl("check", host.vms / "a").stdout
    assert "ok" in said and str(host.vms / "b") in said
    assert "the name same" in said and "the MAC 52:54:00:00:00:01" in said

    host.kvmctl("start", host.vms / "b")
    assert "the name same is taken by the running VM" in host.kvmctl("check", host.vms / "a", expect=75).stderr


def test_a_disk_that_a_strange_qemu_writes(host):
    image = disk(host.root / "disk.img")
    host.write_firmware_vm("vm", DISK0=image)
    qemu = subprocess.Popen(
        ["qemu-system-x86_64", "-S", "-display", "none", "-nodefaults", "-qmp", "stdio",
         "-blockdev", f"driver=file,node-name=f,filename={image}", "-device", "virtio-blk,drive=f"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        # The reply to the first command comes once the machine exists and its disks are locked.
        qemu.stdin.write('{"execute":"qmp_capabilities"}\n')
        qemu.stdin.flush()
        assert "QMP" in qemu.stdout.readline() and "return" in qemu.stdout.readline()
        for command in ("check", "start"):
            assert f"{image} is in use by another process" in host.kvmctl(command, "vm", expect=75).stderr
    finally:
        Process(qemu.pid).kill()
        qemu.wait()
    host.kvmctl("check", "vm")


def test_a_user_looks_at_what_is_roots(bridged_host):
    host = bridged_host
    host.root.chmod(0o755)
    image = disk(host.vms / "disk.img")
    for name, network in (("bridged", "bridge:br0"), ("user", "user")):
        host.write_firmware_vm(name, DISK0=image, NET0=network)
        for command in (["check", name], ["start", name, "--dry-run"], ["explain", name]):
            result = host.kvmctl(*command, uid=NOBODY)
            assert "only root can start this VM" in result.stdout + result.stderr
            assert str(image) in result.stdout + result.stderr
    explained = host.kvmctl("explain", "user", uid=NOBODY).stdout
    assert "assumed: the file system does direct I/O" in explained


def test_a_start_without_permission_is_77(rootless_host):
    host = rootless_host
    image = disk(host.vms / "disk.img")
    host.write_firmware_vm("vm", DISK0=image)
    said = host.kvmctl("start", "vm", expect=77).stderr
    assert f"{image} (of root, mode 600) can't be read" in said and f"chown USER {image}" in said
    # That the owner may not write to the file does not matter to root.
    os.chown(image, NOBODY, NOBODY)
    image.chmod(0o400)
    for command in ("check", "start"):
        assert "can't be written to" in host.kvmctl(command, "vm", expect=77).stderr


def test_a_directory_of_somebody_elses(host):
    host.write_firmware_vm("vm")
    directory = host.run / "vms" / "vm"
    directory.mkdir(parents=True)
    os.chown(directory, NOBODY, NOBODY)
    said = host.kvmctl("start", "vm", expect=77).stderr
    assert f"{directory}: belongs to nobody" in said and "that only you can change" in said


def test_a_root_that_can_not_be_looked_into(rootless_host):
    host = rootless_host
    host.vms.chmod(0)
    os.chown(host.vms, 0, 0)
    assert str(host.vms) in host.kvmctl("list", expect=77).stderr
    assert str(host.vms) in host.kvmctl("stop", "--all", expect=1).stderr


def test_modes_do_not_depend_on_the_umask(host):
    host.write_firmware_vm("vm")
    start = host.execute("sh", "-c", 'umask 077 && exec "$0" start vm', host.binary)
    assert start.returncode == 0, start.stderr
    modes = {
        "vms": 0o750, "vms/vm": 0o750, "vms/vm/lock": 0o640, "vms/vm/process": 0o640,
        "vms/vm/manifest.json": 0o640, "vms/vm/locks": 0o600, "log/vm": 0o750, "log/vm/console.log": 0o640,
        "log/vm/firmware.log": 0o640, "log/vm/qemu.log": 0o640, "log/vm/record": 0o640,
    }
    assert {name: (host.run / name).stat().st_mode & 0o777 for name in modes} == modes


def test_a_missing_directory_is_what_would_be_made(host):
    for words in (host.vms / "none", f"{host.vms}/none/"):
        assert f"kvmctl create {host.vms}/none`" in host.kvmctl("start", words, expect=66).stderr


@pytest.mark.parametrize("line, hint, written", [
    ("memory = 2048", "Write MEMORY=2048:", "MEMORY=2048"), ("memory=2048", "write MEMORY=2048", "MEMORY=2048"),
    ("memory: 2048", "Write MEMORY=2048:", "MEMORY=2048"), ("MEMORY=2048 M", "Write MEMORY=2048M:", "MEMORY=2048M"),
    ("MEMORY='2048 M'", "Write 2048M, without", "MEMORY=2048M"), ("MEMORY=512MB", "write 512M, which", "MEMORY=512M"),
    ("NAME=web server", "Write NAME=web-server:", "NAME=web-server"),
    ("NAME='web server'", "web-server would do", "NAME=web-server"), ("cores=2", "Did you mean CPUS=2?", "CPUS=2"),
    ("disk0_name='a disk'", "Did you mean DISK0='a disk'?", "DISK0='a disk'"), ("ACCEL=TCG", "Did you mean tcg?", "ACCEL=tcg"),
    ("DISK01='a disk'", "Write DISK1='a disk':", "DISK1='a disk'"), ("iso='a disk'", "mean CDROM0='a disk'?", "CDROM0='a disk'"),
    ("NET1=br7", "Did you mean bridge:br7?", "NET1=bridge:br7"),
])
def test_what_a_hint_says_is_accepted(host, line, hint, written):
    host.kvmctl("net", "up", "br7")
    path = host.write_vm("vm", line, "NET0=none")
    disk(path.with_name("a disk"))
    assert hint in host.kvmctl("check", path, expect=65).stderr.splitlines()[-1]
    host.write_vm("vm", written, "NET0=none")
    host.kvmctl("check", path)


def test_no_command_believes_what_a_guest_may_have_written(host):
    """A descriptor of a vmdk image, written to a raw disk by its guest, names a file of the host."""
    disk = host.write_vm("vm", "NET0=none", "DISK0=disk").with_name("disk")
    disk.write_text("\n".join([
        "# Disk DescriptorFile", "version=1", "CID=fffffffe", "parentCID=ffffffff", 'createType="monolithicFlat"', "",
        f'RW 100 FLAT "{host.root}/secret" 0', ""]).ljust(51200, "\0"))
    refused = host.kvmctl("check", "vm", expect=65).stderr
    assert "looks like a vmdk image, which a guest can fake" in refused and "`" not in refused
    assert "if a guest has had it as a raw disk, add DISK0_FORMAT=raw; if you made" in refused


def test_an_image_of_another_format_is_converted_as_it_says(host):
    image = host.write_vm("vm", "NET0=none", "DISK0=disk.vmdk", "DISK0_FORMAT=vmdk").with_name("disk.vmdk")
    subprocess.run(["qemu-img", "create", "-q", "-f", "vmdk", image, "8M"], check=True)
    hint = host.kvmctl("check", "vm", expect=65).stderr.splitlines()[-1]
    _, command, what = hint.split("`")
    subprocess.run(["sh", "-e", "-c", command], check=True)
    written = re.findall(r"DISK0=\S+|DISK0_FORMAT=qcow2", what)
    host.write_vm("vm", "NET0=none", *written)
    host.kvmctl("check", "vm")
    # The second time it leaves existing files alone.
    subprocess.run(["sh", "-e", "-c", command], check=True)

"""The commands that kvmctl prints for root's shell: each one is run in a sandbox, and what it changed is checked."""

import json
import re
from pathlib import Path

import pytest

# Makes a file p in the current directory, if a shell reads it as a command. Short enough for an interface's name.
CANARIES = ["$(>p)", "`>p`", ";>p;", "a;>p #"]
# Programs that would change the machine outside the box: stubs that only record how they were called.
RECORDED = [
    "apt-get", "reboot", "poweroff", "shutdown", "halt", "modprobe", "systemctl", "networkctl", "nmcli", "adduser",
    "addgroup", "usermod", "groupadd", "mount", "umount", "kill", "pkill", "killall", "sudo",
]
# No remedy calls these at all.
FORBIDDEN = {"reboot", "poweroff", "shutdown", "halt", "umount", "kill", "pkill", "killall", "systemctl"}

BOX = """
set -e
mount -t tmpfs none {box}
mkdir {box}/upper {box}/work {box}/root
mount -t overlay none -o lowerdir=/,upperdir={box}/upper,workdir={box}/work {box}/root
for place in proc sys dev run; do mount --rbind /$place {box}/root/$place; done
mount --rbind {host.run} {box}/root{host.run}
mkdir -p {box}/root/box
chroot {box}/root /usr/bin/env PATH={box}/bin:$PATH bash -c 'cd /box; eval "$0" </dev/null >/dev/null 2>&1' "$1" || true
cd {box}/upper
find . -mindepth 1 -not -type d -printf '%y %P\\0'
"""


class Box:
    """Runs a shell command on an overlay: all changes to the file system are recorded, and discarded with it."""

    def __init__(self, host):
        self.host = host
        self.place = host.root / "overlay"
        self.place.mkdir()
        self.recorders = host.root / "recorders"
        self.recorders.mkdir()
        self.record = host.run / "called"
        self.script = host.root / "box.sh"
        self.script.write_text(
            BOX.format(box=self.place, host=host).replace(f"PATH={self.place}/bin", f"PATH={self.recorders}"))
        for name in RECORDED:
            path = self.recorders / name
            path.write_text(f'#!/bin/sh\necho {name} >>{self.record}\n')
            path.chmod(0o755)

    def run(self, line):
        """The files that it changed, as (kind, path), c for a deleted one; and the programs that it called."""
        self.record.unlink(missing_ok=True)
        done = self.host.execute(
            "unshare", "--mount", "--propagation", "private", "timeout", "5", "sh", self.script, line, timeout=60)
        assert done.returncode in (0, 124), (line, done.stderr)
        called = set(self.record.read_text().split()) if self.record.exists() else set()
        changed = [tuple(entry.split(" ", 1)) for entry in done.stdout.split("\0") if entry]
        return changed, called


def lines(text):
    """The commands in a message: between back-quotes. A command's words contain none, but a name may."""
    text = text.replace("`>p`", "")
    return [line for below in text.splitlines() if below.startswith("  ") for line in re.findall(r"`([^`]+)`", below)]


def doctors(host, *words):
    found = json.loads(host.execute(host.binary, "doctor", "--json", *words).stdout)
    return [one["command"] for one in found if one["command"]] + [
        line for one in found for line in lines("  " + (one["step"] or ""))]


def remedies(host, *names, commands=("check", "start --dry-run", "rm --dry-run", "explain", "ip", "console")):
    """All remedies that any command offers for these VMs."""
    found = doctors(host)
    for name in names:
        for words in commands:
            result = host.execute(host.binary, *words.split(), name)
            found += [line for text in (result.stdout, result.stderr) for line in lines(text)]
    return sorted(set(found))


@pytest.fixture
def box(host):
    host.environment["PATH"] = f"{host.binary.parent}:{host.environment['PATH']}"
    return Box(host)


def destinations(network):
    return {line.split(" dev ")[0] for line in network["routes"].splitlines()}


def assert_harmless(box, commands):
    assert commands
    for line in commands:
        before = box.host.network()
        changed, called = box.run(line)
        print(f"{line}\n    changed {changed}, called {sorted(called)}")
        assert not [path for kind, path in changed if Path(path).name == "p"], f"a name became a command: {line}"
        assert not [path for kind, path in changed if kind == "c"], f"it deletes: {line}"
        assert not called & FORBIDDEN, line
        after = box.host.network()
        assert set(before["links"]) <= set(after["links"]), f"it removes a link: {line}"
        # A bridge takes over what its uplink had.
        assert destinations(before) <= destinations(after), f"it removes a route: {line}"


# Every key that names something, with a name that is a command: all are refused at once.
EVERY_KEY = {
    "NET0": "'bridge:{name}'", "NET1": "'macvtap:{name}'", "NET2": "bridge:br0", "NET2_TAP": "'{name}'",
}
EVERY_PATH = {
    "DISK0": "'{}'", "DISK1": "'{}d/disk'", "DISK1_SIZE": "1M", "DISK2": "'{}q'", "DISK2_FORMAT": "qcow2",
    "DISK2_SIZE": "1M", "DISK3": "'{}v'", "CDROM0": "'{}c'", "KERNEL": "'{}k'", "INITRD": "'{}i'", "VNCDISP": "7",
    "VNCPASSWORD_FILE": "'{}w'",
}


def test_no_name_of_a_file_becomes_a_command(box):
    host = box.host
    names = []
    for number, canary in enumerate(CANARIES):
        keys = {key: value.format(canary) for key, value in EVERY_PATH.items()}
        if " " not in canary:  # no interface name has one
            keys |= {key: value.format(name=canary) for key, value in EVERY_KEY.items()}
        host.write_firmware_vm(f"vm{number}", ACCEL="kvm", **keys)
        (host.vms / f"vm{number}" / f"{canary}v").write_bytes(b"KDMV" + bytes(1020))
        host.write_firmware_vm(f"qemu{number}", QEMU=f"'./{canary}'")
        names += [f"vm{number}", f"qemu{number}"]
    assert_harmless(box, remedies(host, *names, commands=["check", "start"]))


def test_no_name_of_a_directory_becomes_a_command(box):
    host = box.host
    names = []
    for number, canary in enumerate([*CANARIES[1:], "$(>p)\n>p"]):
        directory = host.vms / canary
        host.write_firmware_vm("", NAME=f"vm{number}", ACCEL="kvm", DISK0="nope", directory=directory)
        host.write_vm("", "MEMORY=0", directory=host.vms / f"{canary}-bad")
        names += [f"vm{number}", f"{directory}/vm.params", f"{directory}-bad/vm.params", f"{directory}/nope/vm.params"]
    listed = host.execute(host.binary, "list").stderr
    assert_harmless(box, remedies(host, *names, commands=["check", "start --dry-run"]) + lines(listed))


@pytest.mark.parametrize("canary", ["$(>p)", "`>p`", ";>p;"])
def test_no_name_of_an_interface_becomes_a_command(box, canary):
    host = box.host
    uplink = canary + "u"
    host.ip("link", "add", canary, "type", "bridge")
    host.ip("link", "add", uplink, "type", "veth", "peer", "name", "lan0")
    host.ip("link", "set", "dev", uplink, "master", canary)
    host.ip("address", "add", "10.9.0.2/24", "dev", uplink)
    host.write_firmware_vm("vm", NET0=f"'bridge:{canary}'", NET0_VLAN=7)
    host.write_firmware_vm("station", NET0=f"'macvtap:{uplink}'")
    commands = remedies(host, "vm", "station")
    host.ip("link", "set", "dev", canary, "mtu", "9000", "up")
    commands += remedies(host, "vm", "station")
    for words in (["net", "persist", canary], ["net", "up", "br1", "--uplink", uplink], ["net", "down", canary],
                  ["net", "up", "br1", "--uplink", "lan0", "--mtu", "9000"], ["net", "show", f"{canary}x"]):
        commands += lines(host.execute(host.binary, *words).stderr)
    assert any(canary.replace("`", "\\140") in line for line in commands)
    assert_harmless(box, sorted(set(commands)))


def test_no_remedy_takes_from_a_vm_that_runs(box):
    """Another VM has everything that this one needs: its display, its port, its disk, its MAC, its name."""
    host = box.host
    host.kvmctl("net", "up", "br0", "--address", "10.9.0.1/24")
    host.ip("route", "add", "default", "via", "10.9.0.2")
    old = {"NET0": "bridge:br0", "MAC": "52:54:00:00:00:01", "VNCDISP": 7, "DISK0": "disk", "DISK0_SIZE": "1M",
           "NET1": "user", "FORWARD0": "tcp:127.0.0.1:2222:22"}
    host.write_firmware_vm("old", **old)
    host.kvmctl("start", "old")
    host.write_firmware_vm("new", **{**old, "DISK0": host.vms / "old/disk"})
    host.write_firmware_vm("twin", NAME="old", NET0="none")
    commands = remedies(host, "new", "old", str(host.vms / "twin/vm.params"))
    for words in (["net", "up", "br0", "--gateway", "10.9.0.3"], ["net", "down", "br0"], ["rm", "old", "--disks"],
                  ["start", "old", "--foreground"], ["net", "persist", "br0"], ["net", "up", "br1", "--uplink", "tap0"]):
        commands += lines(host.execute(host.binary, *words).stderr)
    assert_harmless(box, sorted(set(commands)))
    assert host.lock_is_held("old") and (host.vms / "old/disk").exists()
    host.kvmctl("stop", "old", "--now")

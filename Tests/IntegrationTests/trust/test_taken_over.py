"""What a guest that took over QEMU can do with its NICs: nothing that outlives the VM or affects others."""

import array
import fcntl
import json
import os
import socket
import stat
import struct
import subprocess
import textwrap

import pytest

from rig.fake import fake_qemu
from rig.faults import number_of
from rig.host import NOBODY
from rig.waiting import wait_until

TUN = "/dev/net/tun"
TUNSETPERSIST, TUNSETOWNER = 0x400454CB, 0x400454CC
SIOCSIFHWADDR = 0x8924
STRANGE_MAC = "02:00:00:00:00:66"

# Runs as the VM's user, under QEMU's restrictions, with all of its descriptors.
TRYING = """
import fcntl, json, os, struct, sys

requests = {
    "TUNSETDEBUG": (0x400454c9, 1), "TUNSETPERSIST": (0x400454cb, 1), "TUNSETOWNER": (0x400454cc, os.getuid()),
    "TUNSETLINK": (0x400454cd, 1), "TUNSETGROUP": (0x400454ce, os.getgid()),
    "TUNSETCARRIER": (0x400454e2, struct.pack("i", 0)),
    "SIOCSIFHWADDR": (0x8924, struct.pack("16sH6s16x", b"", 1, bytes.fromhex("020000000066"))),
    "TUNGETIFF": (0x800454d2, bytes(40)), "TUNSETOFFLOAD": (0x400454d0, 0),
    "TUNSETSNDBUF": (0x400454d4, struct.pack("i", 1 << 20)),
}
said = {}
for number in os.listdir("/proc/self/fd"):
    try:
        device = os.readlink("/proc/self/fd/" + number)
    except OSError:
        continue
    if device != "/dev/net/tun" and not device.startswith("/tap"):
        continue
    for name, (request, argument) in requests.items():
        try:
            fcntl.ioctl(int(number), request, argument)
            said.setdefault(name, []).append(0)
        except OSError as error:
            said.setdefault(name, []).append(error.errno)
print("tried:", json.dumps(said), file=sys.stderr, flush=True)
"""

# Passes the descriptors of taps, and of the resources that keep them, to the program that listens there.
PASSING = """
import array, os, socket, sys

chosen = []
for number in os.listdir("/proc/self/fd"):
    try:
        device = os.readlink("/proc/self/fd/" + number)
    except OSError:
        continue
    if device == "/dev/net/tun" or device.startswith("/tap") or "/resources/" in device:
        chosen.append(int(number))
friend = socket.socket(socket.AF_UNIX)
friend.connect("\\0" + sys.argv[1])
friend.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", chosen))])
"""


def taken_over(host, script, *words):
    """A QEMU with a child that runs such a script."""
    path = host.root / "guest.py"
    path.write_text(textwrap.dedent(script))
    return fake_qemu(
        host, f'/usr/bin/python3 {path} {" ".join(words)} &\nexec qemu-system-x86_64 "$@"\n')


def test_requests_that_outlive_the_vm_are_refused(bridged_host):
    host = bridged_host
    host.ip("link", "add", "eth0", "type", "veth", "peer", "name", "wire")
    host.ip("link", "set", "eth0", "up")
    host.write_firmware_vm("vm", NET0="bridge:br0", NET1="macvtap:eth0", QEMU=taken_over(host, TRYING))
    host.kvmctl("start", "vm")
    log = host.run / "log" / "vm" / "qemu.log"
    wait_until(lambda: "tried:" in log.read_text(), "end of the attempts")
    said = json.loads(log.read_text().split("tried:")[1].splitlines()[0])
    needed = {"TUNGETIFF", "TUNSETOFFLOAD", "TUNSETSNDBUF"}
    # A tap and a macvtap.
    assert {name: codes for name, codes in said.items() if name not in needed} == {
        name: [1, 1] for name in (
            "TUNSETDEBUG", "TUNSETPERSIST", "TUNSETOWNER", "TUNSETLINK", "TUNSETGROUP", "TUNSETCARRIER", "SIOCSIFHWADDR")}
    assert {name: said[name] for name in needed} == dict.fromkeys(needed, [0, 0])
    host.kvmctl("stop", "--now", "vm")
    host.assert_nothing_left()


class Friend:
    """A process on the host to which QEMU passes its descriptors, and which no filter restricts."""

    def __init__(self, host):
        self.host = host
        self.name = f"{host.namespace}.friend"
        self.listener = socket.socket(socket.AF_UNIX)
        self.descriptors = []

    def __enter__(self):
        # Abstract socket names belong to the network namespace.
        ready = subprocess.Popen(
            self.host.command("/usr/bin/python3", "-c", FORWARDING, self.name, str(self.socket_path())))
        wait_until(lambda: self.socket_path().with_suffix(".ready").exists(), "friend")
        self.process = ready
        return self

    def socket_path(self):
        return self.host.root / "friend"

    def receive(self):
        """Waits for the descriptors."""
        connection, _ = self.listener.accept()
        fds = array.array("i")
        _, ancillary, _, _ = connection.recvmsg(1, socket.CMSG_LEN(64 * fds.itemsize))
        for _, _, data in ancillary:
            fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
        self.descriptors = list(fds)
        return self

    def __exit__(self, *_):
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.listener.close()
        self.process.kill()
        self.process.wait()


# Takes the descriptors in the host's namespace, and passes them on to the test.
FORWARDING = """
import array, os, pathlib, socket, sys

inner = socket.socket(socket.AF_UNIX)
inner.bind("\\0" + sys.argv[1])
inner.listen()
pathlib.Path(sys.argv[2]).with_suffix(".ready").touch()
while True:
    connection, _ = inner.accept()
    data, ancillary, _, _ = connection.recvmsg(1, 4096)
    outer = socket.socket(socket.AF_UNIX)
    outer.connect(sys.argv[2])
    outer.sendmsg([data], ancillary)
    for _, _, numbers in ancillary:
        for number in array.array("i", numbers):
            os.close(number)
"""


@pytest.fixture
def friend(bridged_host):
    friend = Friend(bridged_host)
    friend.listener.bind(str(friend.socket_path()))
    friend.listener.listen()
    with friend:
        yield friend


def keep(friend):
    """What can be done to a tap or a macvtap with its descriptor alone."""
    kept = 0
    for descriptor in friend.descriptors:
        device = os.readlink(f"/proc/self/fd/{descriptor}")
        if "/resources/" in device:
            continue
        kept += 1
        if device == TUN:
            fcntl.ioctl(descriptor, TUNSETPERSIST, 1)
            fcntl.ioctl(descriptor, TUNSETOWNER, NOBODY)
        address = struct.pack("16sH6s16x", b"", 1, bytes.fromhex(STRANGE_MAC.replace(":", "")))
        fcntl.ioctl(descriptor, SIOCSIFHWADDR, address)
    return kept


def ports(host):
    """The existing taps and macvtaps."""
    kinds = ("tun", "macvtap")
    return {name for name, link in host.links().items() if link.get("linkinfo", {}).get("info_kind") in kinds}


def start_with_a_friend(host, friend):
    host.ip("link", "add", "eth0", "type", "veth", "peer", "name", "wire")
    host.ip("link", "set", "eth0", "up")
    host.write_firmware_vm(
        "vm", NET0="bridge:br0", NET1="macvtap:eth0", NET0_FILTER="mac", QEMU=taken_over(host, PASSING, friend.name))
    host.kvmctl("start", "vm")
    assert keep(friend.receive()) == 2
    changed = {link["address"] for name, link in host.links().items() if name in ports(host)}
    assert changed == {STRANGE_MAC}, "what is tried here can be done"


def test_a_stop_removes_ports_that_somebody_else_keeps(bridged_host, friend):
    host = bridged_host
    start_with_a_friend(host, friend)
    host.kvmctl("stop", "--now", "vm")
    assert ports(host) == set() and friend.descriptors
    assert list(host.run.glob("resources/*")) == []
    assert host.execute("nft", "list", "tables").stdout == ""


def test_the_next_start_removes_ports_that_somebody_else_keeps(bridged_host, friend):
    host = bridged_host
    start_with_a_friend(host, friend)
    before = {name: host.links()[name]["ifindex"] for name in ports(host)}
    host.qemu().kill()
    host.write_firmware_vm("vm", NET0="bridge:br0", NET1="macvtap:eth0")
    host.kvmctl("start", "vm")
    after = {host.links()[name]["ifindex"] for name in ports(host)}
    assert len(after) == 2 and not after & set(before.values())
    assert not STRANGE_MAC in {link["address"] for link in host.links().values()}


def test_any_command_removes_ports_that_were_made_persistent(bridged_host, friend):
    """If only taps were passed on, and nothing that shows that a VM is alive."""
    host = bridged_host
    start_with_a_friend(host, friend)
    for descriptor in list(friend.descriptors):
        if "/resources/" in os.readlink(f"/proc/self/fd/{descriptor}"):
            os.close(descriptor)
            friend.descriptors.remove(descriptor)
    host.qemu().kill()
    host.kvmctl("check", "vm")
    assert len(ports(host)) == 2, "what only looks leaves it there"
    assert host.kvmctl("list").stderr == ""
    assert ports(host) == set() and list(host.run.glob("resources/*")) == []


def open_device(host):
    """/dev/net/tun as on most hosts: open to everybody."""
    path = host.root / "tun"
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(10, 200))
    path.chmod(0o666)
    host.root.chmod(0o755)
    return path


ATTACHING = """
import fcntl, struct, sys, time

deadline = time.monotonic() + float(sys.argv[3])
while True:
    device = open(sys.argv[1], "r+b", buffering=0)
    try:
        fcntl.ioctl(device, 0x400454ca, struct.pack("16sH22x", sys.argv[2].encode(), 0x5102))
        print("attached", flush=True)
        time.sleep(60)
    except OSError as error:
        if time.monotonic() > deadline:
            sys.exit(error.strerror)
"""


def test_nobody_else_gets_a_queue_of_a_tap(bridged_host):
    host = bridged_host
    device = open_device(host)
    host.write_firmware_vm("vm", NET0="bridge:br0", NET0_QUEUES=2)
    host.kvmctl("start", "vm")
    refused = host.execute("/usr/bin/python3", "-c", ATTACHING, device, "tap0", "0", uid=NOBODY)
    assert "Operation not permitted" in refused.stderr
    # A control: everybody can attach to a tap without an owner.
    host.ip("tuntap", "add", "free0", "mode", "tap", "multi_queue", "vnet_hdr")
    other = host.popen("/usr/bin/python3", "-c", ATTACHING, device, "free0", "0", uid=NOBODY)
    assert other.stdout.readline() == "attached\n"
    other.kill()
    other.communicate()


def test_a_tap_that_somebody_got_hold_of_is_not_used(bridged_host):
    """Between its creation and its getting an owner, a window that is widened here."""
    host = bridged_host
    device = open_device(host)
    host.write_firmware_vm("vm", NET0="bridge:br0", NET0_QUEUES=2)
    owner = number_of(host, "TUNSETOWNER", "start", "vm")
    host.kvmctl("stop", "--now", "vm")
    attacker = host.popen("/usr/bin/python3", "-c", ATTACHING, device, "tap0", "30", uid=NOBODY)
    refused = host.execute(
        "strace", "-qq", "-o", "/dev/null", "-e", f"inject=ioctl:delay_enter=3000000:when={owner}", host.binary,
        "start", "vm")
    assert attacker.stdout.readline() == "attached\n"
    attacker.kill()
    attacker.communicate()
    assert refused.returncode == 75 and "somebody else has opened" in refused.stderr
    host.assert_nothing_left()
    host.kvmctl("start", "vm")

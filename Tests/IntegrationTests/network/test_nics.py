"""NICs of every kind, and their settings: queues, limits, filters."""

import contextlib
import json
import os
import signal
import subprocess
import time

import pytest

from rig.terminal import console
from rig.waiting import wait_until


def descriptors(process):
    """The files that a process has open, without those that it closes meanwhile."""
    directory = f"/proc/{process.pid}/fd"
    for number in os.listdir(directory):
        with contextlib.suppress(FileNotFoundError):
            yield os.readlink(f"{directory}/{number}")


def ask(host, vm, question, answer, timeout=30):
    """Types a line at the guest's shell, which must print a line that matches the regular expression `answer`."""
    with console(host, vm) as terminal:
        terminal.sendline(question)
        terminal.expect(r"\n" + answer + r"\r", timeout=timeout)
        return terminal.match


def test_most_queues_of_most_nics(bridged_host):
    host = bridged_host
    nics = {f"NET{n}": "bridge:br0" for n in range(8)}
    host.write_firmware_vm("vm", **nics, **{f"NET{n}_QUEUES": 16 for n in range(8)})
    host.kvmctl("start", "vm")
    opened = list(descriptors(host.qemu()))
    assert opened.count("/dev/net/tun") == 8 * 16
    assert len(host.taps()) == 8 and all(tap["master"] == "br0" for tap in host.taps().values())
    assert "16 queues" in host.kvmctl("start", "vm", "--dry-run").stdout
    host.kvmctl("stop", "--now", "vm")
    host.assert_nothing_left()


@pytest.mark.parametrize("mac", ["f2:00:00:00:00:01", "fe:ff:ff:ff:ff:ff"])
def test_a_vm_does_not_change_the_mac_of_a_bridge(host, mac):
    """Nor of a bridge whose MAC nobody set, as brctl(8) creates them: that has the lowest MAC of its ports."""
    host.ip("link", "add", "br0", "type", "bridge")
    host.ip("link", "add", "eth0", "address", mac, "type", "veth", "peer", "name", "wire")
    host.ip("link", "set", "eth0", "master", "br0", "up")
    host.ip("link", "set", "br0", "up")
    assert host.links()["br0"]["address"] == mac
    host.write_firmware_vm("vm", NET0="bridge:br0", NET1="bridge:br0", NET1_QUEUES=2)
    host.kvmctl("start", "vm")
    assert {tap["master"] for tap in host.taps().values()} == {"br0"}
    assert host.links()["br0"]["address"] == mac
    host.kvmctl("stop", "--now", "vm")
    assert host.links()["br0"]["address"] == mac


@pytest.fixture
def wired_host(host):
    """A host whose eth0 leads to a network with a machine at 10.9.0.1."""
    host.ip("link", "add", "eth0", "type", "veth", "peer", "name", "wire")
    host.ip("link", "set", "eth0", "up")
    host.ip("link", "set", "wire", "up")
    host.ip("address", "add", "10.9.0.1/24", "dev", "wire")
    return host


def tables(host):
    return host.execute("nft", "list", "tables").stdout


def reaches(host, vm, address):
    """Whether the guest gets an answer to a ping."""
    found = ask(host, vm, f"ping -c 2 -W 2 {address} >/dev/null; echo rc=$?", r"rc=(\d)")
    return found.group(1) == "0"


def test_macvtap_goes_with_its_vm(wired_host):
    host = wired_host
    host.write_tiny_vm("vm", "tiny.ip=10.9.0.2/24", NET0="macvtap:eth0", NET0_QUEUES=2, NET0_FILTER="mac", CPUS=2)
    started = host.kvmctl("start", "vm")
    assert "macvtap0 on eth0" in started.stdout
    assert "the guest reaches all but this host itself" in started.stderr
    [nic] = host.show("vm")["nics"]
    link = host.links()["macvtap0"]
    assert (link["address"], link["ifalias"], link["link"]) == (nic["mac"], "vm", "eth0")
    assert (nic["tap"], nic["queues"], nic["filter"]) == ("macvtap0", 2, "mac")
    host.wait_console("vm", "tiny: up")
    ask(host, "vm", "ls /sys/class/net/eth0/queues | grep -c tx", "2")
    assert reaches(host, "vm", "10.9.0.1")
    ask(host, "vm", "ip link set eth0 down; ip link set eth0 address 52:54:00:00:00:99; ip link set eth0 up; echo ok", "ok")
    assert not reaches(host, "vm", "10.9.0.1")

    os.kill(host.qemu().pid, signal.SIGKILL)
    # Its lock is the last thing that an exiting QEMU releases.
    wait_until(lambda: not host.lock_is_held("vm"), "end of QEMU")
    host.kvmctl("list")
    assert "macvtap0" not in host.links()
    assert tables(host) == "" and list(host.run.glob("resources/*")) == []


def test_devices_that_no_macvtap_can_sit_on(wired_host):
    host = wired_host
    host.kvmctl("net", "up", "br0")
    host.ip("link", "set", "wire", "master", "br0")
    for device, code, remedy in [
        ("eth7", 69, "ip link"), ("lo", 69, "is not an Ethernet device"), ("wire", 75, "NET0=bridge:br0"),
    ]:
        host.write_firmware_vm("vm", NET0=f"macvtap:{device}")
        assert remedy in host.kvmctl("start", "vm", expect=code).stderr
    host.ip("link", "set", "eth0", "down")
    host.write_firmware_vm("vm", NET0="macvtap:eth0")
    assert "`ip link set dev eth0 up`" in host.kvmctl("start", "vm", expect=69).stderr
    host.assert_nothing_left()


def test_vlan_takes_a_bridge_that_keeps_vlans_apart(bridged_host):
    host = bridged_host
    host.write_firmware_vm("vm", NET0="bridge:br0", NET0_VLAN=10)
    for command in (["start"], ["start", "--dry-run"]):
        assert "`kvmctl net up br0 --vlan-aware`" in host.kvmctl(*command, "vm", expect=75).stderr
    assert "--vlan-aware" in host.kvmctl("check", "vm", expect=75).stderr
    host.assert_nothing_left()


def test_a_guest_can_not_send_as_another(bridged_host):
    host = bridged_host
    host.write_tiny_vm("vm", "tiny.ip=10.9.0.2/24", NET0="bridge:br0", NET0_FILTER="mac,ip=10.9.0.2", NET0_QUEUES=3, CPUS=3)
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    ask(host, "vm", "ls /sys/class/net/eth0/queues | grep -c tx", "3")
    assert reaches(host, "vm", "10.9.0.1")

    ask(host, "vm", "ip address flush dev eth0; ip address add 10.9.0.3/24 dev eth0; echo ok", "ok")
    assert not reaches(host, "vm", "10.9.0.1")
    # Nor did its ARP claim 10.9.0.3 to anybody.
    neighbours = host.execute("ip", "neighbour", "show", "10.9.0.3").stdout
    assert "lladdr" not in neighbours
    ask(host, "vm", "ip address flush dev eth0; ip address add 10.9.0.2/24 dev eth0; echo ok", "ok")
    assert reaches(host, "vm", "10.9.0.1")
    ask(host, "vm", "ip link set eth0 down; ip link set eth0 address 52:54:00:00:00:99; ip link set eth0 up; echo ok", "ok")
    assert not reaches(host, "vm", "10.9.0.1")
    # The control: it was the filter.
    host.execute("nft", "delete", "table", "netdev", "kvmctl-vm")
    assert reaches(host, "vm", "10.9.0.1")


def rate_of(count, settle=2, window=5):
    """The rate in bits per second at which `count()`, in bytes, grows after the first burst."""
    time.sleep(settle)
    before, start = count(), time.monotonic()
    time.sleep(window)
    return (count() - before) * 8 / (time.monotonic() - start)


def test_rate_holds_both_ways(bridged_host):
    host = bridged_host
    host.write_tiny_vm("vm", "tiny.ip=10.9.0.2/24", NET0="bridge:br0", NET0_RATE="1M")
    host.kvmctl("start", "vm")
    assert host.show("vm")["nics"][0]["rate"] == 1_000_000
    host.wait_console("vm", "tiny: up")
    for way, peer, words, device, counter in [
        # Each counted after the limit: what the bridge receives, and what the tap has sent.
        ("from", ("TCP-LISTEN:5001,reuseaddr", "/dev/null"), "nc 10.9.0.1 5001 </dev/zero", "br0", "rx"),
        ("to", ("/dev/zero", "TCP-LISTEN:5001,reuseaddr"), "nc 10.9.0.1 5001 >/dev/null", next(iter(host.taps())), "tx"),
    ]:
        outside = host.popen("socat", "-u", *peer)
        wait_until(lambda: "5001" in host.execute("ss", "-Hltn").stdout, "listener")
        ask(host, "vm", f"{words} & echo ok", "ok")
        found = rate_of(lambda: statistics(host, device)[counter]["bytes"])
        outside.kill()
        outside.wait()
        assert 0.85e6 < found < 1.15e6, f"{found / 1e6:.2f} Mbit/s {way} the guest"


def statistics(host, device):
    """What `ip -statistics` reports about a link."""
    shown = subprocess.run(
        ["ip", "-n", host.namespace, "-statistics", "-json", "link", "show", device], check=True, capture_output=True)
    return json.loads(shown.stdout)[0]["stats64"]


def test_without_nft(bridged_host):
    host = bridged_host
    host.write_firmware_vm("vm", NET0="bridge:br0", NET0_RATE="1M", QEMU="/usr/bin/qemu-system-x86_64")
    for command in ("start", "check"):
        found = host.execute("/usr/bin/env", "PATH=/nowhere", host.binary, command, "vm")
        assert found.returncode == 69 and "`apt-get install nftables`" in found.stderr
    host.assert_nothing_left()


def test_names_that_nft_can_not_be_told(bridged_host):
    host = bridged_host
    host.write_firmware_vm("vm", NET0="bridge:br0", NET0_TAP="'a\"b*'", NET0_FILTER="mac")
    assert 'a"b*' in host.kvmctl("start", "vm", expect=65).stderr
    host.write_firmware_vm("vm", NET0="bridge:br0", NET0_TAP="'a\"b*'")
    host.kvmctl("start", "vm")
    assert 'a"b*' in host.taps()


def test_one_address_on_one_network(bridged_host):
    host = bridged_host
    mac = "52:54:00:00:00:07"
    host.write_firmware_vm("one", NET0="bridge:br0", MAC=mac)
    host.write_firmware_vm("two", NET0="macvtap:br0", MAC=mac)
    host.kvmctl("start", "one")
    assert mac in host.kvmctl("start", "two", expect=75).stderr
    assert mac in host.kvmctl("check", "two", expect=75).stderr
    host.kvmctl("stop", "--now", "one")
    host.kvmctl("start", "two")
    assert mac in host.kvmctl("start", "one", expect=75).stderr


def test_ten_at_once_with_every_kind(wired_host):
    host = wired_host
    host.kvmctl("net", "up", "br0")
    for n in range(10):
        host.write_firmware_vm(
            f"vm{n}", NET0="bridge:br0", NET0_FILTER=f"mac,ip=10.9.1.{n + 1}", NET0_RATE="10M", NET1="macvtap:eth0",
            NET2="user", NET3="none")
    starts = [host.popen(host.binary, "start", f"vm{n}") for n in range(10)]
    for start in starts:
        out, err = start.communicate(timeout=120)
        assert start.returncode == 0, err
    assert len(host.taps()) == 10
    assert sorted(name for name in host.links() if name.startswith("macvtap")) == sorted(f"macvtap{n}" for n in range(10))
    assert tables(host).count("kvmctl-vm") == 10
    host.kvmctl("stop", "--now", "--all")
    host.kvmctl("list")
    assert tables(host) == "" and not any(name.startswith("macvtap") for name in host.links())
    host.assert_nothing_left()


def test_on_nat_the_lease_is_the_guests_address(host):
    host.write_firmware_vm("vm", NET0="nat", NET0_FILTER="mac,ip")
    host.kvmctl("start", "vm")
    [nic] = host.show("vm")["nics"]
    rules = host.execute("nft", "list", "table", "netdev", "kvmctl-vm").stdout
    assert f"ip saddr != {nic['address']} drop" in rules and nic["filter"] == "mac,ip"

"""The addresses of guests, from every source that knows them."""

import json
import re
import shutil
import time

import pytest

from rig.documented import assert_documented
from rig.lan import lan_of
from rig.terminal import spawn, wait_for_exit

MAC = "52:54:00:00:00:{:02x}"


def link_local(number):
    return f"fe80::5054:ff:fe00:{number:x}"


@pytest.fixture
def lan(host):
    """A LAN behind br0, on which the host itself has no address."""
    host.kvmctl("net", "up", "br0")
    with lan_of(host) as lan:
        yield lan


def start(host, *vms):
    """Starts a tiny guest for each name and its words, the first with MAC …:01."""
    for number, (name, words, keys) in enumerate(vms, 1):
        host.write_tiny_vm(name, words, **{"NET0": "bridge:br0", "MAC": MAC.format(number), **keys})
        host.kvmctl("start", name)


def addresses(host, name, *options):
    """{address: sources}"""
    [found] = host.json("ip", name, *options)
    return {one["address"]: one["sources"] for one in found["addresses"]}


def test_dhcp_server_of_somebody_elses_without_an_agent(lan):
    host = lan.host
    lan.serve_addresses()
    start(host, ("web", "tiny.dhcp=0", {}), ("db", "tiny.dhcp=0", {}))
    # All are heard from the start: an address of its own for IPv6 the guest shows only when it takes it.
    derived = host.popen(host.binary, "ip", "--wait", "60s", "-6", "web")
    lines = host.kvmctl("ip", "--wait", "60s", "-4", "web", "db").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["web", "db"]
    given = {line.split()[1]: line.split()[2] for line in (host.root / "lan-leases").read_text().splitlines()
             if re.match(r"\d+ 52:54", line)}
    assert [line.split()[1] for line in lines] == [given[MAC.format(1)], given[MAC.format(2)]]

    # From the router's advertisement, and the address that the guest derives from it.
    assert derived.communicate(timeout=host.PATIENCE) == ("fd07::5054:ff:fe00:1\n", "")
    assert host.kvmctl("ip", "--wait", "60s", "--any", "-6", "--table", "web").stdout.splitlines()[0].split() == [
        "VM", "NIC", "ADDRESS", "SOURCE"]


def test_silent_guests_are_asked(bridged_host):
    host = bridged_host
    start(
        host, ("quiet", "tiny.ip=10.9.0.7/24", {}),
        ("hung", "tiny.ip=10.9.0.8/24 tiny.agent=hung", {"INITRD": host.guests / "initrd-agent.gz"}),
        ("agent", "tiny.ip=10.9.0.9/24 tiny.agent", {"INITRD": host.guests / "initrd-agent.gz"}))
    for name in ("quiet", "hung", "agent"):
        host.wait_console(name, "tiny: up")
    # Just booted, on a busy host, a guest may take longer to answer than a command without --wait listens.
    assert host.kvmctl("ip", "--wait", "60s", "quiet").stdout == "10.9.0.7\n"
    assert addresses(host, "quiet") == {"10.9.0.7": ["arp"]}

    [found] = host.json("ip", "--wait", "60s", "hung")
    assert [one["address"] for one in found["addresses"]] == ["10.9.0.8"]
    assert {one["source"]: one["text"] for one in found["answers"]}["guest agent"] == "it does not answer"

    [found] = host.json("ip", "--wait", "60s", "agent", "--any")
    assert_documented([found])
    known = {one["address"]: one for one in found["addresses"]}
    assert "agent" in known["10.9.0.9"]["sources"] and known["10.9.0.9"]["confirmed"] is True
    assert known[link_local(3)]["zone"] == "br0" and known[link_local(3)]["scope"] == "link"

    # Remembered addresses are probed again: a guest that is gone has none.
    host.execute("ping", "-c1", "-W5", "10.9.0.7")
    assert "neighbour" in addresses(host, "quiet")["10.9.0.7"]
    assert host.kvmctl("ip", "quiet", "nobody", "hung", expect=1).stdout.splitlines() == [
        "quiet 10.9.0.7", "hung 10.9.0.8"]

    host.write_firmware_vm("off")
    assert sorted(host.kvmctl("ip", "--all", "-4").stdout.splitlines()) == [
        "agent 10.9.0.9", "hung 10.9.0.8", "quiet 10.9.0.7"]

    terminal = spawn(host, "ip", "quiet")
    terminal.expect_exact("quiet  NET0  10.9.0.7  arp")
    wait_for_exit(terminal)


def test_static_address_heard_in_arp(lan):
    start(lan.host, ("vm", "tiny.ip=10.8.0.5/24 tiny.ask=10.8.0.77", {}))
    assert lan.host.kvmctl("ip", "--wait", "60s", "vm").stdout == "10.8.0.5\n"
    assert lan.host.kvmctl("ip", "--wait", "60s", "-4", "vm").stdout == "10.8.0.5\n"


def test_why_there_is_none(lan):
    host = lan.host
    start(host, ("asks", "tiny.dhcp=0", {}), ("local", "tiny.up=0", {}))
    host.write_firmware_vm("dead", NET0="bridge:br0")
    host.kvmctl("start", "dead")
    for name in ("asks", "local"):
        host.wait_console(name, "tiny: up")

    message = host.kvmctl("ip", "--wait", "4s", "asks", expect=124).stderr
    assert re.search(r"asks: no address in 4 s\n.*DHCP DISCOVER sent [2-9] times, no answer", message, re.S), message
    message = host.kvmctl("ip", "--wait", "1s", "dead", expect=124).stderr
    assert "NET0 (bridge:br0, tap2): no packet from the guest since it started" in message
    message = host.kvmctl("ip", "dead", expect=69).stderr
    assert "kvmctl ip --wait 60s dead" in message and "guest agent: none runs in the guest" in message

    message = host.kvmctl("ip", "--wait", "3s", "local", expect=124).stderr
    assert "kvmctl ip --any local" in message, message

    spoof(lan, MAC.format(2))
    result = host.kvmctl("ip", "--wait", "2s", "--json", "local", expect=124)
    assert json.loads(result.stdout)[0]["addresses"] == []


def spoof(lan, mac):
    """Frames from the LAN that claim to be the guest's, and malformed frames of the kinds that are listened for."""
    lan.run_python(f"""
import os, socket, struct
mac = bytes.fromhex("{mac}".replace(":", ""))
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("lan0", 0))
everybody = b"\\xff" * 6
arp = struct.pack("!HHBBH", 1, 0x800, 6, 4, 2) + mac + bytes([10, 6, 6, 6]) + mac + bytes([10, 6, 6, 6])
for _ in range(5):
    wire.send(everybody + mac + b"\\x08\\x06" + arp)
for number in range(500):
    kind = (b"\\x08\\x06", b"\\x08\\x00\\x45" + bytes(8) + b"\\x11" + bytes(10) + b"\\0\\x43\\0\\x44", b"\\x86\\xdd")[number % 3]
    wire.send(everybody + mac + kind + os.urandom(number))
""")


def test_what_can_have_no_address(bridged_host):
    host = bridged_host
    params = host.write_firmware_vm("off", NET0="bridge:br0")
    assert f"`kvmctl start {params}`" in host.kvmctl("ip", "off", expect=75).stderr
    host.kvmctl("ip", "nobody", expect=66)
    host.write_firmware_vm("none")
    host.write_firmware_vm("user", NET0="user", FORWARD0="tcp:127.0.0.1:2222:22")
    host.kvmctl("start", "none", "user")
    assert "it runs without a NIC" in host.kvmctl("ip", "none", expect=66).stderr
    assert "it runs without a NET3" in host.kvmctl("ip", "--nic", "3", "user", expect=66).stderr
    assert "forwarded: tcp:127.0.0.1:2222:22" in host.kvmctl("ip", "user", expect=69).stderr
    host.kvmctl("ip", "-4", "-6", "user", expect=64)


def test_a_vm_that_ends_meanwhile(bridged_host):
    host = bridged_host
    host.write_firmware_vm("vm", NET0="bridge:br0")
    host.kvmctl("start", "vm")
    waiting = host.popen(host.binary, "ip", "--wait", "60s", "vm")
    time.sleep(0.5)
    host.qemu().kill()
    _, message = waiting.communicate(timeout=30)
    assert waiting.returncode == 75 and "ended" in message


def test_nat_knows_before_the_guest_does(host):
    host.write_tiny_vm("vm", "tiny.dhcp=0", NET0="nat")
    host.kvmctl("start", "vm")
    [kept] = host.json("ip", "vm")[0]["addresses"]
    assert (kept["sources"], kept["confirmed"]) == (["lease"], False)
    [found] = host.json("ip", "-4", "--wait", "60s", "vm")[0]["addresses"]
    assert found["address"] == kept["address"] and found["confirmed"] is True and "lease" in found["sources"]


def test_without_root(rootless_host):
    host = rootless_host
    # Root's cache is not readable by everybody.
    for name in ("vmlinuz", "initrd-agent.gz"):
        shutil.copy(host.guests / name, host.vms)
    host.write_tiny_vm(
        "vm", "tiny.ip=10.0.2.15/24 tiny.agent", NET0="user", KERNEL="../vmlinuz", INITRD="../initrd-agent.gz")
    host.kvmctl("start", "vm")
    result = host.kvmctl("ip", "-4", "--wait", "60s", "vm")
    assert result.stdout == "10.0.2.15\n" and "the host can't reach" in result.stderr
    assert addresses(host, "vm", "-4") == {"10.0.2.15": ["agent"]}

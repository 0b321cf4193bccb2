"""A VLAN-aware bridge: guests on VLAN 10 and 20, and one on a trunk."""

import pytest

from rig.terminal import run_inside

# All guests but the trunk share one IP network, so that each asks for every address on its own VLAN. The trunk goes by the third byte.
ADDRESSES = {
    "a": "10.9.10.1", "b": "10.9.10.2", "c": "10.9.20.3", "host": "10.9.1.254",
    "trunk on 10": "10.9.10.10", "trunk on 20": "10.9.20.20",
}


@pytest.fixture
def vlan_host(lab_host):
    """Guests a and b on VLAN 10, c on 20, and `trunk` on both; the host itself is on neither."""
    host = lab_host
    host.kvmctl("net", "up", "br1", "--vlan-aware", "--address", f"{ADDRESSES['host']}/16")
    for name, vlan in (("a", 10), ("b", 10), ("c", 20)):
        host.write_tiny_vm(name, f"tiny.ip={ADDRESSES[name]}/16", NET0="bridge:br1", NET0_VLAN=vlan)
    host.write_tiny_vm(
        "trunk", f"tiny.vlan=10={ADDRESSES['trunk on 10']}/24,20={ADDRESSES['trunk on 20']}/24", NET0="bridge:br1",
        NET0_VLAN="10,20")
    host.kvmctl("start", "a", "b", "c", "trunk")
    for name in ("a", "b", "c", "trunk"):
        host.wait_console(name, "tiny: up", timeout=300)
    yield host
    host.run("kvmctl stop --all --now; kvmctl rm a b c trunk; kvmctl net down br1", expect=None)


def reached(host, name):
    """Which of the addresses a guest can reach."""
    # Twice each: a nested guest's first answer may be slow.
    pings = "; ".join(f"ping -c 2 -w 6 {address} >/dev/null && echo +{address}" for address in ADDRESSES.values())
    output, _ = run_inside(host, name, f"({pings})", timeout=240)
    return {who for who, address in ADDRESSES.items() if f"+{address}\r\n" in output}


def assert_ports_are_on_no_other_vlan(host):
    ports = host.run("bridge vlan show").stdout
    taps = {name: host.show(name)["nics"][0]["tap"] for name in ("a", "b", "c", "trunk")}
    listed = {}
    for line in ports.splitlines()[1:]:
        words = line.split()
        if not line.startswith((" ", "\t")):
            tap, *words = words
        listed.setdefault(tap, []).append(" ".join(words))
    assert {name: listed[tap] for name, tap in taps.items()} == {
        "a": ["10 PVID Egress Untagged"], "b": ["10 PVID Egress Untagged"], "c": ["20 PVID Egress Untagged"],
        "trunk": ["10", "20"]}


def test_who_reaches_whom(vlan_host):
    assert_ports_are_on_no_other_vlan(vlan_host)
    on_10 = {"a", "b", "trunk on 10"}
    on_20 = {"c", "trunk on 20"}
    assert reached(vlan_host, "a") == on_10
    assert reached(vlan_host, "b") == on_10
    assert reached(vlan_host, "c") == on_20
    assert reached(vlan_host, "trunk") - {"trunk on 10", "trunk on 20"} == {"a", "b", "c"}

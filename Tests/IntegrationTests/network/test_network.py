"""Bridges, and the taps on them."""


def test_up_and_down(host):
    host.kvmctl("net", "up", "br0")
    link = host.links()["br0"]
    assert link["linkinfo"]["info_kind"] == "bridge" and "UP" in link["flags"]
    host.kvmctl("net", "up", "br0")
    assert host.links()["br0"]["ifindex"] == link["ifindex"]
    assert "MTU 9000" in host.kvmctl("net", "up", "br0", "--mtu", "9000").stdout

    host.kvmctl("net", "down", "br0")
    assert "br0" not in host.links()
    host.kvmctl("net", "down", "br0")


def test_show(bridged_host):
    host = bridged_host
    host.write_firmware_vm("vm", NET0="bridge:br0")
    host.kvmctl("start", "vm")
    [bridge] = host.json("net", "show")
    assert bridge["name"] == "br0"
    assert next(iter(host.taps())) in str(bridge)
    assert "br0" in host.kvmctl("net", "show").stdout


def test_down_with_a_vm_on_it(bridged_host):
    host = bridged_host
    host.write_firmware_vm("vm", NET0="bridge:br0")
    host.kvmctl("start", "vm")
    refused = host.kvmctl("net", "down", "br0", expect=75)
    assert host.kvmctl("net", "down", "br0", "--dry-run", expect=75).stderr == refused.stderr
    assert "br0" in host.links()


def test_up_of_what_is_no_bridge(host):
    for verb in ("up", "down"):
        assert "lo" in host.kvmctl("net", verb, "lo", expect=75).stderr


def test_missing_bridge_names_the_command(host):
    host.write_firmware_vm("vm", NET0="bridge:br0")
    assert "kvmctl net up br0" in host.kvmctl("start", "vm", expect=69).stderr
    host.assert_nothing_left()


def test_bridge_keeps_its_address_and_gives_its_mtu(host):
    host.kvmctl("net", "up", "br0")
    host.ip("link", "set", "br0", "mtu", "9000")
    address = host.links()["br0"]["address"]
    host.write_firmware_vm("vm", NET0="bridge:br0")
    host.kvmctl("start", "vm")
    [tap] = host.taps().values()
    assert (tap["mtu"], tap["master"], tap["ifalias"]) == (9000, "br0", "vm")
    assert host.links()["br0"]["mtu"] == 9000
    assert host.links()["br0"]["address"] == address

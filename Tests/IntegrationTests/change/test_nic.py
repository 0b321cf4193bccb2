"""`nic attach` and `nic detach`."""

from rig.terminal import run_inside
from rig.waiting import wait_until


def lines(host, name="vm"):
    return (host.vms / name / "vm.params").read_text().splitlines()


def test_a_guest_sees_a_card_come_and_go(bridged_host):
    host = bridged_host
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    before = lines(host)
    mac = "52:54:00:12:34:56"
    planned = host.kvmctl("nic", "attach", "vm", "bridge:br0", "--mac", mac, "--dry-run").stdout
    assert planned == f"vm: NET0 would be attached: bridge:br0, {mac}; now, and from the next start\n"
    assert host.taps() == {}
    host.kvmctl("nic", "attach", "vm", "bridge:br0", "--mac", mac)
    assert set(lines(host)) - set(before) == {"NET0=bridge:br0", f"NET0_MAC={mac}"}
    [nic] = host.show("vm")["nics"]
    assert (nic["mac"], nic["tap"]) == (mac, next(iter(host.taps())))
    assert host.links()[nic["tap"]]["master"] == "br0"
    run_inside(host, "vm", "while [ ! -d /sys/class/net/eth0 ]; do usleep 10000; done")
    assert mac in run_inside(host, "vm", "cat /sys/class/net/eth0/address")[0]

    # Its address is taken now.
    host.write_firmware_vm("other", NET0="none")
    host.kvmctl("start", "other")
    taken = host.kvmctl("nic", "attach", "other", "bridge:br0", "--mac", mac, expect=75)
    assert "is taken by the running VM vm" in taken.stderr
    assert len(host.taps()) == 1 and host.show("other")["nics"] == []
    host.kvmctl("stop", "--now", "other")

    host.kvmctl("nic", "detach", "vm", "NET0")
    assert lines(host) == before
    assert host.show("vm")["nics"] == []
    assert host.taps() == {} and list((host.run / "resources").iterdir()) == []
    assert run_inside(host, "vm", "test ! -e /sys/class/net/eth0")[1] == 0
    host.kvmctl("nic", "detach", "vm", "NET0", expect=66)


def test_networks_of_kvmctls_own(host):
    host.write_firmware_vm("vm")
    host.write_firmware_vm("user")
    host.kvmctl("start", "vm", "user")
    network = host.network()
    host.kvmctl("nic", "attach", "vm", "isolated:lab")
    host.kvmctl("nic", "attach", "vm", "nat", "--live")
    assert [nic["network"] for nic in host.show("vm")["nics"]] == ["isolated:lab", "nat"]
    assert host.show("vm")["nics"][1]["address"]
    assert host.kvmctl("diff", "vm").stdout == "vm: NET1 is attached for this run only\n"
    second = host.kvmctl("nic", "attach", "vm", "nat", expect=69)
    assert "it has a card on nat" in second.stderr
    # The networks live as long as the VM, whichever of root's commands comes by.
    host.kvmctl("list")
    assert host.network()["dnsmasq"] and len(host.taps()) == 2
    ignored = host.kvmctl("nic", "detach", "vm", "NET0", "--wait", "1s", expect=124)
    assert "did not let go of NET0" in ignored.stderr
    assert len(host.taps()) == 2 and "NET0=isolated:lab" in lines(host)
    host.kvmctl("nic", "attach", "user", "user")
    assert host.show("user")["nics"][0]["network"] == "user"
    host.kvmctl("stop", "--now", "vm")
    wait_until(lambda: host.network() == network, "end of the networks")
    # The one that the file has.
    host.kvmctl("start", "vm")
    assert [nic["network"] for nic in host.show("vm")["nics"]] == ["isolated:lab"]



def test_a_stopped_vm(bridged_host):
    host = bridged_host
    host.write_firmware_vm("vm")
    said = host.kvmctl("nic", "attach", "vm", "bridge:br0").stdout
    assert said.startswith("vm: NET0 attached: bridge:br0, 52:54:00:") and said.endswith("; from the next start\n")
    refused = host.kvmctl("nic", "attach", "vm", "bridge:br0", "--vlan", "10", expect=75)
    assert "does not keep VLANs apart" in refused.stderr
    assert "there is no bridge br7" in host.kvmctl("nic", "attach", "vm", "bridge:br7", expect=69).stderr
    host.kvmctl("start", "vm")
    assert len(host.taps()) == 1
    host.kvmctl("stop", "--now", "vm")
    host.kvmctl("nic", "detach", "vm", "net0")
    host.kvmctl("start", "vm")
    assert host.taps() == {}

"""Networks with only VMs on them: no way out, no way to the host, removed with their last VM."""

import re

from rig.outside import ADDRESS, HOST_ADDRESS, outside
from rig.terminal import run_inside


def test_guests_reach_those_on_their_own_network_only(host):
    # The host has an address that looks like a neighbour's to the guests, and forwards packets.
    with outside(host) as there:
        host.execute("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
        before = host.network()
        for number in (11, 12):
            host.write_tiny_vm(f"vm{number}", f"tiny.ip=192.0.2.{number}/24", NET0="isolated:lab")
        host.write_firmware_vm("other", NET0="isolated:other")
        host.kvmctl("start", "vm11", "vm12", "other")
        for number in (11, 12):
            host.wait_console(f"vm{number}", f"tiny: eth0 192.0.2.{number}/24")

        # A machine on another such network.
        there.execute("ip", "link", "add", "on-other", "type", "veth", "peer", "name", "port", "netns", host.namespace)
        there.execute("ip", "address", "add", "192.0.2.13/24", "dev", "on-other")
        there.execute("ip", "link", "set", "on-other", "up")
        host.ip("link", "set", "port", "addrgenmode", "none", "up", "master", "kvm-other")

        # The second time as a guest that knows the bridge's MAC without asking.
        mac = host.links()["kvm-lab"]["address"]
        ping = f"for a in 192.0.2.12 192.0.2.13 {HOST_ADDRESS} {ADDRESS}; do ping -c 1 -W 1 $a | grep from; done"
        learn = f"for a in {HOST_ADDRESS} {ADDRESS}; do arp -s $a {mac}; done"
        answers, _ = run_inside(host, "vm11", f"{ping}; {learn}; {ping}", timeout=60)
        assert re.findall(r"from ([0-9.]+)", answers) == ["192.0.2.12"] * 2
        host.ip("link", "delete", "port")

        for qemu in host.qemus():
            qemu.kill()
        host.kvmctl("list")
        assert host.network() == before


def test_the_last_stop_removes_it(host):
    for name in ("a", "b"):
        host.write_firmware_vm(name, NET0="isolated:lab", NET1="isolated:lab")
    host.kvmctl("start", "a", "b")
    taps = {tap["master"] for tap in host.taps().values()}
    assert taps == {"kvm-lab"} and len(host.taps()) == 4
    host.kvmctl("stop", "--now", "a")
    assert "kvm-lab" in host.links()
    host.kvmctl("stop", "--now", "b")
    assert list(host.links()) == ["lo"]


def test_a_bridge_of_somebody_elses_is_left_alone(host):
    host.ip("link", "add", "kvm-lab", "type", "bridge")
    host.ip("link", "set", "kvm-lab", "up")
    host.write_firmware_vm("vm", NET0="isolated:lab")
    assert "would be kvm-lab, and there is a device" in host.kvmctl("start", "vm", expect=75).stderr
    assert "kvm-lab" in host.links()

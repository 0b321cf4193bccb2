"""Networks of VMs alone: no way out, no way to the host, gone with their last VM."""

from rig.terminal import run_inside


def test_guests_reach_those_on_their_own_network_only(host):
    # The host has an address that the guests take for a neighbour's, and would forward what they send.
    host.ip("link", "add", "lan0", "type", "veth", "peer", "name", "lan1")
    for end in ("lan0", "lan1"):
        host.ip("link", "set", end, "addrgenmode", "none")
        host.ip("link", "set", end, "up")
    host.ip("address", "add", "10.9.0.9/24", "dev", "lan0")
    host.execute("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    before = host.network()
    for number, network in enumerate(("lab", "lab", "other"), start=1):
        host.write_tiny_vm(f"vm{number}", f"tiny.ip=10.9.0.{number}/24", NET0=f"isolated:{network}")
    host.kvmctl("start", "vm1", "vm2", "vm3")
    assert {"kvm-lab", "kvm-other"} <= set(host.links())
    for number in (1, 2, 3):
        host.wait_console(f"vm{number}", f"tiny: eth0 10.9.0.{number}/24")
    reached = {
        number: run_inside(host, "vm1", f"ping -c 1 -w 2 10.9.0.{number} >/dev/null")[1] == 0 for number in (2, 3, 9)}
    assert reached == {2: True, 3: False, 9: False}
    # Also for a guest that knows the bridge's MAC and asks for nothing.
    mac = host.links()["kvm-lab"]["address"]
    printed, code = run_inside(host, "vm1", f"arp -s 10.9.0.9 {mac} && ping -c 1 -w 2 10.9.0.9 >/dev/null")
    assert code != 0, printed
    addresses = {line.split()[0]: line.split()[2:] for line in host.network()["addresses"].splitlines()}
    assert addresses["kvm-lab"] == addresses["kvm-other"] == []

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
    assert "ip link delete kvm-lab" in host.kvmctl("start", "vm", expect=75).stderr
    assert "kvm-lab" in host.links()

"""`doctor` on hosts that are each broken in one way. The commands that it prints repair them, as they are."""

import json
import socket

import pytest

from rig.host import NOBODY
from rig.waiting import wait_until

MAC = "52:54:00:00:00:01"
# Findings about the machine that runs the tests, which a test can't repair.
MACHINE = {"KVM", "vhost-net"}


@pytest.fixture
def healthy(host):
    """A host with a bridge, its uplink to a network, and a VM."""
    host.environment["PATH"] = f"{host.binary.parent}:{host.environment['PATH']}"
    host.ip("link", "add", "eth0", "type", "veth", "peer", "name", "lan0")
    host.kvmctl("net", "up", "br0")
    host.ip("link", "set", "eth0", "master", "br0")
    for link in ("eth0", "lan0"):
        host.ip("link", "set", link, "up")
    host.write_firmware_vm("vm", NET0="bridge:br0", MAC=MAC)
    return host


def shell(host, script):
    done = host.execute("sh", "-e", "-c", script)
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


def has_settled(host):
    """Whether each link with a carrier is said to have one: the kernel says so a moment later (net/core/link_watch.c)."""
    return all(
        link["operstate"] not in ("DOWN", "LOWERLAYERDOWN") for link in host.links().values() if "LOWER_UP" in link["flags"])


def findings(host, *words):
    wait_until(lambda: has_settled(host), "state of the links")
    done = host.execute(host.binary, "doctor", "--json", *words)
    found = json.loads(done.stdout)
    assert done.returncode == (69 if any(one["severity"] == "problem" for one in found) else 0), done.stderr
    return [one for one in found if one["severity"] != "ok" and one["subject"] not in MACHINE]


def in_own_mounts(script):
    def broken(host):
        host.use_own_mounts()
        shell(host, script.format(host=host))
    return broken


def by(script):
    return lambda host: shell(host, script)


def vm(name="vm", **keys):
    return lambda host: host.write_firmware_vm(name, **{"NET0": "bridge:br0", "MAC": MAC, **keys})


def somebody_speaks_as_the_vm(host):
    frame = bytes.fromhex("ffffffffffff" + MAC.replace(":", "")) + b"\x88\xb5" + bytes(46)
    host.execute(
        "/usr/bin/python3", "-c",
        f"import socket; s = socket.socket({int(socket.AF_PACKET)}, {int(socket.SOCK_RAW)}); s.bind(('lan0', 0)); "
        f"s.send({frame!r})")


def dockers_rules(tables):
    return by(f"""
        {tables} -P FORWARD DROP
        for chain in DOCKER DOCKER-USER DOCKER-ISOLATION; do {tables} -N $chain; done
        {tables} -A DOCKER-USER -j RETURN
        {tables} -A FORWARD -j DOCKER-USER
        {tables} -A FORWARD -j DOCKER-ISOLATION
        {tables} -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        {tables} -A FORWARD -o docker0 -j DOCKER
        {tables} -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
        {tables} -A DOCKER ! -i docker0 -o docker0 -p tcp --dport 80 -j ACCEPT
        """)


def open_vnc_behind(rules):
    def broken(host):
        vm(VNCDISP=7, VNCBIND="0.0.0.0")(host)
        shell(host, rules)
    return broken


def nat_behind(rules):
    def broken(host):
        vm(NET0="nat")(host)
        host.ip("address", "add", "10.9.0.2/24", "dev", "br0")
        host.ip("route", "add", "default", "via", "10.9.0.1")
        # Bridged VMs are checked differently.
        shell(host, "sysctl -q -w net.bridge.bridge-nf-call-iptables=0")
        rules(host)
    return broken


def running(script, **keys):
    """A second VM that runs, from which the test then takes something away."""
    def broken(host):
        vm(name="web", **{"MAC": "52:54:00:00:00:09", **keys})(host)
        host.kvmctl("start", "web")
        shell(host, script.format(host=host))
    return broken


def on_a_bridge_of_its_own(script):
    """The same, on br9."""
    def broken(host):
        host.kvmctl("net", "up", "br9")
        running(script, NET0="bridge:br9")(host)
    return broken


NFT_INPUT = """
nft 'add table inet mine; add chain inet mine in { type filter hook input priority 0; policy drop; }
     add rule inet mine in ct state established,related accept; add rule inet mine in iif lo accept
     add rule inet mine in tcp dport { 22, 80-90 } accept'
"""

def program(host, name, *lines):
    path = host.binary.with_name(name)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)


def qemu_is_hidden(host):
    host.use_own_mounts()
    shell(host, "mount --bind /dev/null /usr/bin/qemu-system-x86_64")
    program(host, "apt-get", "umount /usr/bin/qemu-system-x86_64")


def networkd_has_the_uplink(host):
    host.use_own_mounts()
    shell(host, """
        mount -t tmpfs none /run
        mount -t tmpfs none /etc/systemd
        mkdir -p /run/systemd/netif/links /etc/systemd/network /etc/systemd/system/multi-user.target.wants
        ln -s /lib/systemd/system/systemd-networkd.service /etc/systemd/system/multi-user.target.wants
        printf '[Match]\\nName=eth0\\n[Network]\\nDHCP=yes\\n' >/etc/systemd/network/50-eth0.network
        link=$(ip -o link show eth0)
        printf 'ADMIN_STATE=configured\\nNETWORK_FILE=/etc/systemd/network/50-eth0.network\\n' \\
            >/run/systemd/netif/links/${link%%:*}
        """)
    # The effect of reloading the real service.
    program(
        host, "networkctl", '[ "$1" = reload ] || exit 1', "file=$(grep -l Bridge=br0 /etc/systemd/network/*.network)",
        'sed -i "s|NETWORK_FILE=.*|NETWORK_FILE=$file|" /run/systemd/netif/links/*')


def network_manager_has_the_uplink(host):
    host.use_own_mounts()
    shell(host, """
        mount -t tmpfs none /run
        mkdir -p /run/NetworkManager/devices
        link=$(ip -o link show eth0)
        printf '[device]\\nmanaged=true\\n' >/run/NetworkManager/devices/${link%%:*}
        """)
    program(
        host, "nmcli", '[ "$*" = "device set eth0 managed no" ] || exit 1',
        "sed -i s/true/false/ /run/NetworkManager/devices/*")


# For each defect: how to cause it, the worst severity, whose it is, a part of the text, the repair.
BROKEN = {
    "no bridge": (
        vm(NET0="bridge:br9"), "problem", "vm", "no bridge br9", "kvmctl net up br9"),
    "bridge down": (
        by("ip link set br0 down"), "problem", "br0", "is down", "kvmctl net up br0"),
    "uplink down": (
        by("ip link set eth0 down"), "problem", "br0", "eth0 is down", "ip link set dev eth0 up"),
    "address on the uplink": (
        by("ip address add 10.9.0.2/24 dev eth0"), "problem", "br0", "10.9.0.2/24 is still on its uplink eth0",
        "kvmctl net up br0 --uplink eth0"),
    "spanning tree": (
        by("ip link set br0 type bridge stp_state 1 forward_delay 1500"), "warning", "br0", "first 30 s",
        "ip link set dev br0 type bridge stp_state 0"),
    "spanning tree with two ways out": (
        by("""ip link add eth1 type veth peer name lan1; ip link set lan1 up; ip link set eth1 master br0 up
              ip link set br0 type bridge stp_state 1 forward_delay 1500"""),
        "warning", "br0", "first 30 s", "ip link set dev br0 type bridge forward_delay 200"),
    "bridge larger than its uplink": (
        by("ip link set br0 mtu 9000"), "problem", "br0", "eth0 carries only 1500", "ip link set dev eth0 mtu 9000"),
    "port larger than its bridge": (
        by("ip link set br0 mtu 1400"), "warning", "br0", "that of eth0 is 1500", "ip link set dev br0 mtu 1500"),
    "two VMs with one MAC": (
        vm("zz"), "problem", "zz", f"MAC {MAC} on bridge:br0", "sed -i '4s/MAC=[^[:space:]]*/MAC=52:54:00:"),
    "somebody on the LAN with the MAC of a VM": (
        somebody_speaks_as_the_vm, "problem", "vm", "somebody behind eth0 has too",
        "sed -i '4s/MAC=[^[:space:]]*/MAC=52:54:00:"),
    "the host with the MAC of a VM": (
        by(f"ip link set eth0 address {MAC}"), "problem", "vm", "the host's eth0 has too",
        "sed -i '4s/MAC=[^[:space:]]*/MAC=52:54:00:"),
    "bridge that nobody gave a MAC": (
        by("ip link delete br0; ip link add br0 type bridge; ip link set eth0 master br0; ip link set br0 up"),
        "warning", "br0", "its MAC was never set", "ip link set dev br0 address "),
    "networkd has the uplink": (
        networkd_has_the_uplink, "warning", "br0", "with /etc/systemd/network/50-eth0.network",
        "kvmctl net persist br0 && networkctl reload"),
    "NetworkManager has the uplink": (
        network_manager_has_the_uplink, "warning", "br0", "NetworkManager configures its uplink eth0",
        "nmcli device set eth0 managed no"),
    "strict paths": (
        by("""ip address add 10.9.0.2/24 dev br0; ip address add 10.9.0.3/24 dev lan0
              sysctl -q -w net.ipv4.conf.all.rp_filter=1"""),
        "problem", "br0", "rp_filter", "sysctl -w net.ipv4.conf.br0.rp_filter=2"),
    "Docker's rules": (
        dockers_rules("iptables"), "problem", "br0", "br_netfilter", "iptables -I DOCKER-USER -i br0 -o br0 -j ACCEPT"),
    "Docker's rules for IPv6": (
        dockers_rules("ip6tables"), "problem", "br0", "bridged IPv6",
        "ip6tables -I DOCKER-USER -i br0 -o br0 -j ACCEPT"),
    "rules of old iptables": (
        by("iptables-legacy -P FORWARD DROP"), "problem", "br0", "br_netfilter",
        "iptables-legacy -I FORWARD -i br0 -o br0 -j ACCEPT"),
    "rules of nft": (
        by("nft 'add table inet mine; add chain inet mine passing { type filter hook forward priority 0; policy drop; }'"),
        "problem", "br0", "the chain passing of the table inet mine drops it",
        "nft insert rule inet mine passing iifname '\"br0\"' oifname '\"br0\"' accept"),
    "rules for frames": (
        by("nft 'add table bridge mine; add chain bridge mine passing { type filter hook forward priority 0; policy drop; }'"),
        "problem", "br0", "drops bridged traffic", "nft insert rule bridge mine passing iifname '\"eth0\"' accept && nft"),
    "VNC behind nft": (
        open_vnc_behind(NFT_INPUT), "problem", "vm", "port 5907", "nft insert rule inet mine in tcp dport 5907 accept"),
    "VNC behind iptables": (
        open_vnc_behind("iptables -A INPUT -i lo -j ACCEPT; iptables -A INPUT -p tcp --dport 22 -j ACCEPT; "
                        "iptables -A INPUT -j REJECT --reject-with icmp-host-prohibited"),
        "problem", "vm", "port 5907", "iptables -I INPUT -p tcp --dport 5907 -j ACCEPT"),
    "nat behind Docker's rules": (
        nat_behind(dockers_rules("iptables")), "problem", "nat", "packets between VMs and br0",
        "iptables -I DOCKER-USER -i kvmnat0 -j ACCEPT && iptables -I DOCKER-USER -o kvmnat0 -j ACCEPT"),
    "nat behind nft": (
        nat_behind(by(NFT_INPUT)), "problem", "nat", "DHCP requests from VMs",
        "nft insert rule inet mine in iifname '\"kvmnat0\"' accept"),
    "nat without its rules": (
        running("nft flush ruleset", NET0="nat"), "problem", "nat", "the nft table ip kvmctl_nat is gone",
        "nft -f "),
    "forwards without their rules": (
        running("nft delete table ip kvmctl_forward.web", NET0="nat", FORWARD0="tcp::2222:22"), "problem", "web",
        "its forwards lead nowhere", "nft -f "),
    "a filter without its rules": (
        running("nft flush ruleset", NET0_FILTER="mac"), "problem", "web", "its limits and filters don't apply",
        "nft -f "),
    "nat without its server": (
        running("pid=$(cat {host.run}/nat/dnsmasq.pid); kill -9 $pid; "
                "while [ -e /proc/$pid ]; do sleep 0.01; done", NET0="nat"),
        "problem", "nat", "server is gone", "sh "),
    "KVM or nothing": (
        vm(ACCEL="kvm"), "problem", "vm", "ACCEL", "sed -i '5s/ACCEL=[^[:space:]]*/ACCEL=auto/'"),
    "a tap that was taken off its bridge": (
        running("ip link set dev $(ip -o link show master br0 | grep -o 'tap[0-9]*' | head -n 1) nomaster", NET0="bridge:br0"), "problem", "web",
        "so its guest is cut off", "ip link set dev tap"),
    "a bridge that was deleted": (
        on_a_bridge_of_its_own("ip link del br9"), "problem", "web", "so its guest is cut off", "kvmctl net up br9 && ip link set dev tap"),
    "no root": (
        lambda host: host.environment.update(KVMCTL_VMS=f"{host.vms}:{host.root}/more"), "warning", "more",
        "does not exist", "mkdir -p "),
    "no /dev/net/tun": (
        in_own_mounts("mount -t tmpfs none /dev/net"), "problem", "/dev/net/tun", "is missing",
        "mkdir -p /dev/net && mknod -m 666 /dev/net/tun c 10 200"),
    "no QEMU": (
        qemu_is_hidden,
        "problem", "QEMU", "no qemu-system-x86_64 in PATH", "apt-get install qemu-system-x86"),
    "no machine-id": (
        in_own_mounts("touch {host.root}/empty; mount --bind {host.root}/empty /etc/machine-id"), "warning",
        "/etc/machine-id", "holds no id", "tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id"),
    "no space": (
        in_own_mounts("mount -t tmpfs -o size=2M,mode=755 none {host.run}; head -c 2M /dev/zero >{host.run}/full || true"),
        "problem", "run", "is free for", "mount -o remount,size="),
    "no more files": (
        in_own_mounts("mount -t tmpfs -o nr_inodes=20,mode=755 none {host.run}"),
        "problem", "run", "more files", "mount -o remount,nr_inodes=0 "),
}


@pytest.mark.parametrize("way", BROKEN)
def test_the_mend_mends(healthy, way):
    host = healthy
    break_it, severity, subject, words, mend = BROKEN[way]
    break_it(host)
    found = findings(host)
    hits = [one for one in found if words in one["text"] and one["subject"].endswith(subject)]
    assert len(hits) == 1, found
    [hit] = hits
    assert hit["severity"] == severity and (hit["command"] or "").startswith(mend), hit
    shell(host, hit["command"])
    after = findings(host)
    assert not [one for one in after if words in one["text"]], after
    # The repair does not break something else.
    assert {one["subject"] for one in after} <= {"br9"}, after


def test_a_healthy_host(healthy):
    host = healthy
    host.kvmctl("start", "vm")
    assert findings(host) == []
    said = host.kvmctl("doctor").stdout
    assert "br0: up, uplink eth0, MTU 1500, 2 of 1023 ports" in said
    assert said.splitlines()[-1].startswith("no problems, ")
    # Only the VMs asked about, and the host.
    vm(name="bad", MAC="52:54:00:00:00:09", ACCEL="kvm")(host)
    assert {one["subject"] for one in findings(host)} == {"bad"}
    assert findings(host, "br0") == []
    # Its guest has nothing to boot.
    assert all(one["symptom"] for one in findings(host, "vm"))
    # The other VMs are considered all the same.
    vm(name="twin")(host)
    [twin] = findings(host, "twin")
    assert "as the running VM vm" in twin["text"]
    assert "neither a VM nor a bridge" in host.kvmctl("doctor", "nope", expect=66).stderr


def test_a_bridge_without_an_uplink_is_no_fault(healthy):
    host = healthy
    shell(host, "ip link set eth0 nomaster; ip address add 10.9.0.2/24 dev eth0; ip route add default via 10.9.0.1")
    assert findings(host) == []
    said = host.kvmctl("doctor").stdout
    assert "ok       br0: up, no uplink (VMs on it reach only each other; `kvmctl net up br0 --uplink eth0` adds" in said


def test_what_only_deleting_would_mend_is_described(healthy):
    host = healthy
    shell(host, "ip tuntap add tap7 mode tap; ip link set tap7 master br0 up")
    [found] = findings(host)
    assert (found["severity"], found["subject"], found["command"]) == ("warning", "br0", None)
    assert "tap7 is orphaned" in found["text"] and "delete it" in found["step"]


def test_a_user_is_told_what_only_root_sees(healthy):
    host = healthy
    host.root.chmod(0o755)
    shell(host, "iptables -P FORWARD DROP")
    vm("closed")(host)
    (host.vms / "closed").chmod(0o700)
    said = host.kvmctl("doctor", uid=NOBODY).stdout
    assert f"VMs: {host.vms}/closed can't be read" in said
    assert "firewall: only root can read it" in said and "sudo kvmctl doctor" in said
    assert "ok       firewall" not in said


def test_a_file_with_errors(healthy):
    bad = healthy.write_vm("bad", "MEMRY=32", "MAC=52:54:00:00")
    [found] = findings(healthy)
    assert (found["subject"], found["severity"], found["text"]) == ("bad", "problem", f"{bad}: 2 errors")
    assert f"kvmctl check {bad}" in found["step"]


@pytest.mark.parametrize("nft, words", [
    (None, "needs nft, which this host does not have"), ("echo 'Error: nonsense'", "does not understand"),
    ("echo broken >&2; exit 1", "broken"),
])
def test_a_firewall_that_can_not_be_read_is_not_taken_for_open(healthy, nft, words):
    host = healthy
    tools = host.root / "tools"
    tools.mkdir()
    (tools / "nsenter").symlink_to("/usr/bin/nsenter")
    if nft:
        (tools / "nft").write_text(f"#!/bin/sh\n{nft}\n")
        (tools / "nft").chmod(0o755)
    host.environment["PATH"] = f"{host.binary.parent}:{tools}"
    [found] = findings(host)
    assert (found["subject"], found["severity"]) == ("firewall", "warning") and words in found["text"]
    assert "ok       firewall" not in host.kvmctl("doctor").stdout


def test_looking_changes_nothing(healthy):
    host = healthy
    host.kvmctl("doctor")
    assert shell(host, "nft list ruleset") == "" and shell(host, "cat /proc/net/ip_tables_names") == ""


@pytest.mark.parametrize("keys", [
    {"DISK0": "disk"}, {"DISK0": "disk", "DISK0_FORMAT": "qcow2"},
    {"DISK0": "disk", "DISK0_FORMAT": "qcow2", "DISK0_SIZE": "1M"}, {"DISK0": "deep/disk", "DISK0_SIZE": "1M"}])
def test_a_lost_disk_is_restored_and_not_made_anew(healthy, keys):
    vm(**keys)(healthy)
    [hit] = findings(healthy)
    assert "does not exist" in hit["text"] and hit["command"] is None
    assert "restore it from a backup" in hit["step"] and "mount what should hold it" in hit["step"]


@pytest.mark.parametrize("size", [{}, {"DISK0_SIZE": "1M"}])
def test_it_is_told_who_stands_on_a_lost_disk(healthy, size):
    host = healthy
    vm("base", DISK0="disk", **size)(host)
    (host.vms / "base/disk").write_bytes(bytes(1 << 20))
    host.kvmctl("set", "base", "TEMPLATE=yes")
    host.kvmctl("clone", "--linked", "base", "over")
    (host.vms / "base/disk").rename(host.vms / "base/away")
    [hit] = [one for one in findings(host) if one["subject"] == "base"]
    assert "disk does not exist, and over stands on it" in hit["text"] and hit["command"] is None
    assert "restore it from a backup" in hit["step"]
    # Nor does a start put an empty one there, once an editor has made it a VM like others.
    path = host.vms / "base/vm.params"
    path.write_text(path.read_text().replace("TEMPLATE=yes\n", ""))
    assert "over stands on it" in host.kvmctl("start", "base", expect=66).stderr
    assert not (host.vms / "base/disk").exists()

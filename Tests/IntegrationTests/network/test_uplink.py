"""A host's own connection, moved to a bridge and back: veth pairs stand for the wire, namespaces for the world."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from rig.faults import strike
from rig.process import in_namespace
from rig.terminal import spawn, wait_for_exit
from rig.waiting import wait_until

NEIGHBOURS = ("neigh show nud permanent", "neigh show proxy")
QUESTIONS = (
    "address", "-details link", "-4 route show table all", "-6 route show table all", "-4 rule", "-6 rule", *NEIGHBOURS)

HOST = """
    address add 10.0.0.5/24 dev eth0 brd +
    address add 10.0.0.6/24 dev eth0 label eth0:1
    address add 10.1.0.5/16 dev eth0 noprefixroute
    address add 2001:db8::5/64 dev eth0 nodad
    route add default via 10.0.0.1 metric 50
    route add 10.9.0.0/16 via 10.0.0.2 src 10.0.0.6 proto dhcp
    route add 10.1.0.0/16 dev eth0 scope link metric 7
    route add 172.16.0.0/12 via 10.0.0.3 table 7
    -6 route add default via 2001:db8::1
    rule add iif eth0 lookup 7 priority 100
    neigh add 10.0.0.77 lladdr 02:00:00:00:00:77 dev eth0 nud permanent
    -6 neigh add 2001:db8::77 lladdr 02:00:00:00:00:77 dev eth0 nud permanent
    neigh add proxy 10.0.0.88 dev eth0
    -6 neigh add proxy 2001:db8::88 dev eth0
"""


class Network:
    """A host with the uplink eth0, and the gateway 10.0.0.1 and 2001:db8::1 behind it."""

    def __init__(self, host):
        self.host = host
        self.gateway = f"{host.namespace}-gw"
        subprocess.run(["ip", "netns", "add", self.gateway], check=True)
        host.ip("link", "add", "eth0", "type", "veth", "peer", "name", "far", "netns", self.gateway)
        host.ip("link", "set", "eth0", "up")
        self.at_gateway("ip", "link", "set", "far", "up")
        self.at_gateway("ip", "address", "add", "10.0.0.1/24", "dev", "far")
        self.at_gateway("ip", "address", "add", "2001:db8::1/64", "dev", "far", "nodad")
        for line in HOST.strip().splitlines():
            host.ip(*line.split())
        # What the kernel adds by itself comes a moment after the link.
        wait_until(lambda: "tentative" not in self.ask("address") and "fe80" in self.ask("address"), "settled addresses")
        self.before = self.state()

    def at_gateway(self, *words):
        return subprocess.run(["ip", "netns", "exec", self.gateway, *words], check=True, capture_output=True, text=True)

    def ask(self, question):
        answer = subprocess.run(
            ["ip", "-n", self.host.namespace, "-json", *question.split()], check=True, capture_output=True, text=True)
        # Timers run; nothing else may differ.
        return re.sub(r'"\w*timer":[0-9.]+', '"timer":0', answer.stdout)

    def state(self):
        found = {question: json.loads(self.ask(question)) for question in QUESTIONS}
        # The kernel lists them in no particular order.
        return found | {question: in_order(found[question]) for question in NEIGHBOURS}

    def is_back(self):
        return self.state() == self.before

    def bridges(self):
        return [name for name, link in self.host.links().items() if link.get("linkinfo", {}).get("info_kind") == "bridge"]

    def journal(self):
        return self.host.run / "net" / "br0"

    def wait_until_back(self):
        wait_until(lambda: self.is_back() and not self.journal().exists(), "network as it was")

    @contextlib.contextmanager
    def trial(self, time="120s"):
        """`net up --try`, after it has made the change."""
        process = self.host.popen(self.host.binary, "net", "up", "br0", "--uplink", "eth0", "--try", time)
        try:
            process.first = process.stderr.readline()
            assert "on trial" in process.first
            assert self.host.links()["eth0"]["master"] == "br0"
            yield process
        finally:
            process.kill()
            process.communicate()

    def guardian(self):
        [found] = [process for process in in_namespace(self.host.namespace) if "guard" in process.arguments]
        return found


@pytest.fixture
def network(host):
    network = Network(host)
    yield network
    for process in in_namespace(network.gateway):
        os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: not in_namespace(network.gateway), "end of the gateway's processes")
    subprocess.run(["ip", "netns", "delete", network.gateway], check=True)


def test_the_connection_moves_and_comes_back(network):
    host = network.host
    receiver = subprocess.Popen(
        ["ip", "netns", "exec", network.gateway, "socat", "-u", "TCP4-LISTEN:7,bind=10.0.0.1", "OPEN:/dev/null"])
    wait_until(lambda: ":7 " in network.at_gateway("ss", "-Hltn").stdout, "receiver")
    sender = host.popen("socat", "-u", "OPEN:/dev/zero", "TCP4:10.0.0.1:7,bind=10.0.0.5")

    def received():
        shown = network.at_gateway("ss", "-Htin", "sport", "=", ":7").stdout
        return int(re.search(r"bytes_received:(\d+)", shown)[1]) if "bytes_received" in shown else 0

    def flows():
        start = received()
        wait_until(lambda: received() > start + 1_000_000, "more of the transfer", timeout=60)

    flows()
    assert host.kvmctl("net", "up", "br0", "--uplink", "eth0", "--dry-run").stdout
    assert network.is_back()
    host.kvmctl("net", "up", "br0", "--uplink", "eth0")
    flows()
    check_bridge(network)
    assert "already up" in host.kvmctl("net", "up", "br0", "--uplink", "eth0").stdout
    check_bridge(network)
    host.kvmctl("net", "down", "br0")
    flows()
    assert network.state() == network.before
    assert sender.poll() is None and receiver.poll() is None


def check_bridge(network):
    """The bridge has everything that the uplink had, and the uplink has nothing."""
    shown = {link["ifname"]: link for link in json.loads(network.ask("address"))}
    before = {link["ifname"]: link for link in network.before["address"]}["eth0"]
    assert shown["eth0"]["addr_info"] == []
    assert shown["br0"]["address"] == before["address"]
    moved = json.loads(json.dumps(before["addr_info"]).replace('"eth0', '"br0'))
    assert shown["br0"]["addr_info"] == moved
    for question in ("-4 route show table all", "-4 rule"):
        renamed = json.dumps(network.before[question]).replace('"eth0"', '"br0"')
        assert in_order(json.loads(network.ask(question))) == in_order(json.loads(renamed))
    # Each link has the kernel's own multicast routes.
    for question in NEIGHBOURS:
        assert in_order(json.loads(network.ask(question))) == [
            neighbour.replace('"eth0"', '"br0"') for neighbour in network.before[question]]
    default = [route for route in json.loads(network.ask("-6 route show table all")) if route["dst"] == "default"]
    assert [(route["dev"], route["gateway"]) for route in default] == [("br0", "2001:db8::1")]


def in_order(entries):
    return sorted(json.dumps(entry, sort_keys=True) for entry in entries)


def test_a_device_is_called_by_any_of_its_names(network):
    host = network.host
    # The second one is longer than a device's own name can be.
    names = ["enp0s3", "enp0s20f0u1u2u3i5"]
    for name in names:
        host.ip("link", "property", "add", "dev", "eth0", "altname", name)
        host.write_firmware_vm("vm", NET0=f"macvtap:{name}")
        assert "macvtap0 on eth0" in host.kvmctl("start", "vm").stdout
        host.kvmctl("stop", "--now", "vm")
    said = host.kvmctl("net", "up", "br0", "--uplink", names[1]).stderr
    assert f"eth0 keeps its other names ({', '.join(names)})" in said and "br0 instead" in said
    assert host.links()["eth0"]["master"] == "br0"
    for name in names:
        assert "already up" in host.kvmctl("net", "up", "br0", "--uplink", name).stdout
    persisted = host.kvmctl("net", "persist", "br0", "--for", "networkd", "--dry-run")
    assert "Name=eth0" in persisted.stdout and "not in these files: the proxy of 10.0.0.88" in persisted.stderr
    host.kvmctl("net", "down", "br0")
    assert host.links()["eth0"]["altnames"] == names


def test_a_bridge_is_called_by_any_of_its_names(network):
    host = network.host
    host.kvmctl("net", "up", "br0", "--uplink", "eth0")
    host.ip("link", "property", "add", "dev", "br0", "altname", "lan")
    assert "already up" in host.kvmctl("net", "up", "lan", "--uplink", "eth0").stdout
    assert [bridge["name"] for bridge in host.json("net", "show", "lan")] == ["br0"]
    assert "kvmctl-br0" in host.kvmctl("net", "persist", "lan", "--for", "networkd", "--dry-run").stdout
    keys = {"MAC": "52:54:00:00:00:01", "MEMORY": 32}
    host.write_firmware_vm("a", NET0="bridge:lan", **keys)
    host.write_firmware_vm("b", NET0="bridge:br0", **keys)
    assert "tap0 on br0" in host.kvmctl("start", "a").stdout
    # They are on one network, whatever it is called.
    assert "is taken by the running VM a" in host.kvmctl("start", "b", expect=75).stderr
    found = json.loads(host.execute(host.binary, "doctor", "--json", "lan").stdout)
    assert "uplink eth0" in next(one["text"] for one in found if one["subject"] == "br0")
    host.kvmctl("stop", "--now", "a")
    host.kvmctl("net", "down", "lan")
    network.wait_until_back()


JOINING = """
import socket, time
group = socket.inet_aton("224.0.0.251") + socket.inet_aton("10.0.0.5")
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).setsockopt(0, 35, group)
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
six.setsockopt(41, 20, socket.inet_pton(socket.AF_INET6, "ff02::fb") + socket.if_nametoindex("eth0").to_bytes(4, "little"))
four = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
four.setsockopt(0, 35, group)
print("joined", flush=True)
time.sleep(60)
"""


def test_what_can_not_be_moved_is_named(network):
    host = network.host
    host.ip("link", "add", "vx0", "type", "vxlan", "id", "5", "dev", "eth0", "remote", "10.0.0.1", "dstport", "4789")
    host.ip("token", "set", "::5", "dev", "eth0")
    host.execute("sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/eth0/log_martians; echo 1 >/proc/sys/net/ipv6/conf/eth0/proxy_ndp")
    program = host.popen("/usr/bin/python3", "-c", JOINING)
    assert program.stdout.readline() == "joined\n"
    said = host.kvmctl("net", "up", "br0", "--uplink", "eth0").stderr
    for words in (
            "vx0, of kind vxlan, is bound to eth0", "`ip token set ::5 dev br0`",
            "net/ipv4/conf/br0/log_martians=1 net/ipv6/conf/br0/proxy_ndp=1",
            "multicast groups 224.0.0.251, ff02::fb on eth0"):
        assert words in said, words
    program.kill()
    program.communicate()


def test_no_ping_is_lost(network):
    ping = network.host.popen("ping", "-n", "-i", "0.01", "-c", "300", "10.0.0.1")
    for line in ping.stdout:
        if "icmp_seq=20 " in line:
            break
    network.host.kvmctl("net", "up", "br0", "--uplink", "eth0")
    rest, _ = ping.communicate(timeout=60)
    answered = {int(number) for number in re.findall(r"icmp_seq=(\d+) ", rest)}
    # Outage: the longest run of unanswered pings, 10 ms each.
    missing = [number for number in range(21, 301) if number not in answered]
    assert len(missing) < 5, missing


def test_a_trial_that_is_confirmed_stays(network):
    host = network.host
    with network.trial() as process:
        assert "confirmed" in host.kvmctl("net", "confirm", "br0").stdout
        output, _ = process.communicate(timeout=30)
        assert process.returncode == 0 and "br0: up" in output
    assert not network.journal().exists()
    check_bridge(network)
    host.kvmctl("net", "confirm", expect=66)


def test_a_confirmation_that_fails_keeps_nothing(network):
    host = network.host
    with network.trial("4s") as process:
        refused = strike(host, ("ftruncate", 1), "error=EIO", "net", "confirm", "br0")
        assert refused.returncode != 0 and "the change is not kept" in refused.stderr
        process.communicate(timeout=60)
        assert process.returncode == 124 and network.is_back()


def test_a_trial_goes_back_when_the_time_is_over(network):
    result = network.host.kvmctl("net", "up", "br0", "--uplink", "eth0", "--try", "1s", expect=124)
    assert "not confirmed in time" in result.stderr
    network.wait_until_back()


def test_a_trial_goes_back_when_its_command_is_killed(network):
    with network.trial() as process:
        process.kill()
        network.wait_until_back()


def test_a_trial_goes_back_when_its_terminal_is_gone(network):
    with network.trial() as process:
        process.send_signal(signal.SIGHUP)
        network.wait_until_back()


def test_a_trial_goes_back_when_its_guardian_is_killed(network):
    with network.trial() as process:
        network.guardian().kill()
        _, messages = process.communicate(timeout=30)
        assert process.returncode == 69 and "rolled back" in messages
        assert network.is_back()


def kill_all_of_a_trial(network, process):
    """Kills the command and its guardian. The command is stopped first: it must not clean up after the guardian."""
    process.send_signal(signal.SIGSTOP)
    network.guardian().kill()
    process.kill()
    process.wait()


def test_a_trial_goes_back_with_the_next_command_when_all_were_killed(network):
    with network.trial() as process:
        kill_all_of_a_trial(network, process)
        assert not network.is_back()
        network.host.kvmctl("net", "show", "--dry-run", expect=64)
        assert not network.is_back()
        assert "rolled back" in network.host.kvmctl("list").stderr
        network.wait_until_back()


def test_a_bridge_made_anew_since_is_left_alone(network):
    host = network.host
    with network.trial() as process:
        kill_all_of_a_trial(network, process)
        # Somebody repairs it by hand before kvmctl runs again.
        host.ip("link", "delete", "br0")
        host.ip("link", "add", "other", "type", "bridge")
        host.ip("link", "add", "br0", "type", "bridge")
        theirs = host.links()["br0"]
        assert "has been recreated since" in host.kvmctl("list").stderr
        assert host.links()["br0"] == theirs and host.links()["eth0"].get("master") is None
        assert host.kvmctl("list").stderr == ""


def test_a_bridge_made_anew_with_its_number_is_left_alone(network):
    host = network.host
    with network.trial() as process:
        kill_all_of_a_trial(network, process)
        index = host.links()["br0"]["ifindex"]
        host.ip("link", "delete", "br0")
        host.ip("link", "add", "br0", "index", str(index), "type", "bridge")
        assert "has been recreated since" in host.kvmctl("list").stderr
        assert "br0" in host.links()


def test_a_trial_whose_journal_is_removed_goes_back(network):
    with network.trial("5s") as process:
        shutil.rmtree(network.host.run / "net")
        _, messages = process.communicate(timeout=60)
        assert process.returncode == 124 and "not confirmed in time" in messages
        assert network.is_back()


def test_a_trial_is_shown_and_confirmed_dry(network):
    host = network.host
    with network.trial() as process:
        assert "on trial for another" in host.kvmctl("net", "show").stdout
        [shown] = [bridge for bridge in host.json("net", "show") if bridge["name"] == "br0"]
        assert 0 < shown["trialSecondsLeft"] <= 120
        assert host.json("net", "confirm", "--dry-run") == {
            "schema": "kvmctl.confirm/1", "dryRun": True, "bridges": ["br0"]}
        assert process.poll() is None and network.journal().exists()
        assert host.json("net", "confirm") == {"schema": "kvmctl.confirm/1", "dryRun": False, "bridges": ["br0"]}
        process.communicate(timeout=30)
        assert process.returncode == 0
    assert host.json("net", "show")[0]["trialSecondsLeft"] is None
    assert "on trial" not in host.kvmctl("net", "show").stdout


def test_a_change_to_a_bridge_alone_goes_back(host):
    """The kernel chooses its index."""
    host.ip("link", "add", "gone0", "type", "bridge")
    host.ip("link", "delete", "gone0")
    said = host.kvmctl("net", "up", "br0", "--try", "1s", expect=124).stderr
    assert "not confirmed in time" in said and "anew" not in said
    assert "br0" not in host.links()


def test_of_two_bridges_at_once_one_gets_the_uplink(network):
    host = network.host
    for _ in range(4):
        both = {name: host.popen(host.binary, "net", "up", name, "--uplink", "eth0") for name in ("br0", "br1")}
        messages = {name: process.communicate(timeout=60)[1] for name, process in both.items()}
        codes = {name: process.returncode for name, process in both.items()}
        assert sorted(codes.values()) == [0, 75], messages
        [winner] = [name for name, code in codes.items() if code == 0]
        assert host.links()["eth0"]["master"] == winner and len(network.bridges()) == 1
        host.kvmctl("net", "down", winner)
        assert network.is_back()


def test_a_device_with_a_macvtap_is_refused(network):
    host = network.host
    host.ip("link", "add", "link", "eth0", "name", "upper", "type", "macvtap", "mode", "bridge")
    assert "it carries upper" in host.kvmctl("net", "up", "br0", "--uplink", "eth0", "--dry-run", expect=75).stderr


def test_what_is_on_trial_is_not_written_down(network):
    with network.trial():
        assert "kvmctl net confirm br0" in network.host.kvmctl("net", "persist", "br0", "--dry-run", expect=75).stderr


def test_a_trial_goes_back_when_the_gateway_falls_silent(network):
    with network.trial() as process:
        network.at_gateway("ip", "link", "set", "far", "arp", "off")
        _, messages = process.communicate(timeout=60)
        assert process.returncode == 69
        assert "the gateway 10.0.0.1, which answered before, no longer did" in messages
        assert network.is_back()


def test_enter_keeps_it(network):
    terminal = spawn(network.host, "net", "up", "br0", "--uplink", "eth0", "--try", "120s")
    terminal.expect("keep it.*s left")
    terminal.sendline("")
    wait_for_exit(terminal)
    check_bridge(network)


def test_control_c_takes_it_back(network):
    terminal = spawn(network.host, "net", "up", "br0", "--uplink", "eth0", "--try", "120s")
    terminal.expect("keep it.*s left")
    terminal.sendintr()
    network.wait_until_back()
    terminal.close(force=True)


def test_a_bridge_that_is_there_and_a_bare_uplink(host):
    """The bridge keeps what it has, and takes the uplink's MAC; after a rollback the uplink has it all."""
    host.ip("link", "add", "eth0", "type", "veth", "peer", "name", "far")
    host.kvmctl("net", "up", "br0", "--address", "10.5.0.1/24")
    index = host.links()["br0"]["ifindex"]
    host.kvmctl("net", "up", "br0", "--uplink", "eth0")
    links = host.links()
    assert links["br0"]["ifindex"] == index and links["br0"]["address"] == links["eth0"]["address"]
    assert links["eth0"]["master"] == "br0" and "UP" in links["eth0"]["flags"]
    [bridge] = host.json("net", "show")
    assert bridge["uplink"] == "eth0" and "10.5.0.1/24" in bridge["addresses"]
    host.kvmctl("net", "down", "br0")
    assert "10.5.0.1/24" in host.execute("ip", "address", "show", "dev", "eth0").stdout


def test_a_lease_is_moved_and_its_renewal_named(network):
    host = network.host
    host.ip("address", "change", "10.0.0.6/24", "dev", "eth0", "label", "eth0:1", "valid_lft", "3600", "preferred_lft", "1800")
    messages = host.kvmctl("net", "up", "br0", "--uplink", "eth0").stderr
    assert "10.0.0.6/24 is leased" in messages and "kvmctl net persist br0" in messages
    shown = {link["ifname"]: link for link in json.loads(network.ask("address"))}
    [lease] = [address for address in shown["br0"]["addr_info"] if address["local"] == "10.0.0.6"]
    assert 3000 < lease["valid_life_time"] <= 3600 and 1200 < lease["preferred_life_time"] <= 1800


def test_two_changes_at_once_are_refused(network):
    with network.trial():
        assert "on trial" in network.host.kvmctl("net", "down", "br0", expect=75).stderr


def test_an_uplink_with_vms_stays_until_they_are_gone(network):
    host = network.host
    host.kvmctl("net", "up", "br0", "--uplink", "eth0")
    host.write_firmware_vm("web", NET0="bridge:br0")
    host.kvmctl("start", "web")
    assert "tap0 (web)" in host.kvmctl("net", "down", "br0", expect=75).stderr
    assert "tap0 is the tap" not in host.kvmctl("net", "up", "br1", "--uplink", "tap0", expect=64).stdout
    check_bridge(network)
    host.kvmctl("stop", "web", "--now")
    wait_until(lambda: host.taps() == {}, "end of the tap")
    host.kvmctl("net", "down", "br0")
    network.wait_until_back()


@pytest.mark.parametrize("uplink, code, words", [
    ("lo", 69, "it is the loopback"), ("eth9", 69, "there is no such device"),
    ("br0", 64, "a bridge can't be its own uplink"), ("eth1", 75, "it is a port of bridge br1"),
])
def test_an_uplink_that_does_not_fit_is_refused(host, uplink, code, words):
    host.ip("link", "add", "br1", "type", "bridge")
    host.ip("link", "add", "eth1", "type", "veth", "peer", "name", "far")
    host.ip("link", "set", "eth1", "master", "br1")
    before = host.links().keys()
    refused = host.kvmctl("net", "up", "br0", "--uplink", uplink, expect=code).stderr
    assert words in refused and len(refused.splitlines()) == 2
    assert host.kvmctl("net", "up", "br0", "--uplink", uplink, "--dry-run", expect=code).stderr == refused
    assert host.links().keys() == before


def test_what_sits_on_a_bridge_keeps_it(host):
    host.kvmctl("net", "up", "br0")
    host.ip("link", "add", "link", "br0", "name", "upper", "type", "macvlan", "mode", "bridge")
    assert "there are links on it: upper" in host.kvmctl("net", "down", "br0", expect=75).stderr
    assert "upper" in host.links()


def test_a_gateway_beyond_a_single_address(network):
    """As at hosting providers that route single addresses: the router is in none of the host's networks."""
    host = network.host
    for words in ("address flush dev eth0", "route flush dev eth0 table all", "rule delete iif eth0"):
        host.ip(*words.split())
    network.at_gateway("ip", "address", "add", "172.31.1.1/32", "dev", "far")
    network.at_gateway("ip", "route", "add", "192.0.2.7", "dev", "far")
    network.at_gateway("ip", "link", "set", "lo", "up")
    network.at_gateway("ip", "address", "add", "203.0.113.1/32", "dev", "lo")
    words = ("net", "up", "br0", "--uplink", "eth0", "--address", "192.0.2.7/32", "--gateway", "172.31.1.1")
    host.kvmctl(*words)
    assert "already up" in host.kvmctl(*words).stdout
    assert "via 172.31.1.1 dev br0 proto static onlink" in host.execute("ip", "route", "show", "default").stdout
    assert host.execute("ping", "-c", "1", "-W", "5", "203.0.113.1").returncode == 0
    for service, line in (
            ("networkd", "GatewayOnLink=yes"), ("ifupdown", "via 172.31.1.1 dev br0 onlink"),
            ("networkmanager", "route1_options=onlink=true")):
        assert line in host.kvmctl("net", "persist", "br0", "--for", service, "--dry-run").stdout
    # What exists moves unchanged.
    host.kvmctl("net", "down", "br0")
    assert "via 172.31.1.1 dev eth0 proto static onlink" in host.execute("ip", "route", "show", "default").stdout
    assert host.execute("ping", "-c", "1", "-W", "5", "203.0.113.1").returncode == 0


def test_an_address_and_a_gateway_of_its_own(host):
    words = ("net", "up", "br0", "--address", "10.5.0.1/24", "--address", "2001:db8::1/64", "--gateway", "10.5.0.254")
    host.kvmctl(*words, "--stp")
    [bridge] = host.json("net", "show")
    assert {"10.5.0.1/24", "2001:db8::1/64"} <= set(bridge["addresses"]) and bridge["stp"] is True
    assert "already up" in host.kvmctl(*words, "--stp").stdout
    routes = host.execute("ip", "route").stdout
    assert "default via 10.5.0.254 dev br0" in routes
    assert "default route already" in host.kvmctl("net", "up", "br0", "--gateway", "10.5.0.253", expect=75).stderr
    host.kvmctl("net", "up", "br0", "--gateway", "10.6.0.1", expect=64)
    host.kvmctl("net", "down", "br0")
    assert "br0" not in host.links()

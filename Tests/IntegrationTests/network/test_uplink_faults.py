"""`net up` and `net down`, killed or failing at each step: the host's network is as before, or as asked."""

import json
import subprocess

import pytest

from rig.faults import strike, system_calls, was_killed, with_fault
from rig.waiting import wait_until

HOST = """
    link add eth0 type veth peer name far
    link set far up
    link set eth0 up
    address add 10.0.0.5/24 dev eth0
    address add 2001:db8::5/64 dev eth0 nodad
    route add default via 10.0.0.1
    neigh add 10.0.0.77 lladdr 02:00:00:00:00:77 dev eth0 nud permanent
    neigh add proxy 10.0.0.88 dev eth0
"""
WORDS = {"up": ("net", "up", "br0", "--uplink", "eth0"), "down": ("net", "down", "br0")}
# The calls that make a change, and that decide whether it stays.
CHANGES = {"sendto"}
DECISIONS = {"write", "ftruncate", "unlink", "socket"}


class Uplink:
    """A host with an uplink, and the two states that its network may be in."""

    def __init__(self, host):
        self.host = host
        # Nobody else is there: duplicate address detection would only take time.
        host.execute("sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad")
        for line in HOST.strip().splitlines():
            host.ip(*line.split())
        wait_until(lambda: "fe80" in (shown := self.ask("address")) and "tentative" not in shown, "settled addresses")
        self.states = {"down": self.state()}
        self.reach("up")
        self.states["up"] = self.state()
        self.reach("down")
        assert self.state() == self.states["down"]

    def ask(self, question):
        return subprocess.run(
            ["ip", "-n", self.host.namespace, "-json", *question.split()], check=True, capture_output=True, text=True).stdout

    def state(self):
        """Which link has what; not in which order, nor the momentary carrier."""
        found = set()
        for link in json.loads(self.ask("address")):
            found |= {f"{link['ifname']} {link.get('master')} {link['address']}"}
            found |= {f"{link['ifname']} {address['local']}/{address['prefixlen']}" for address in link["addr_info"]}
        for question in ("-4 route show table all", "-6 route show", "neigh show nud permanent", "neigh show proxy"):
            for entry in json.loads(self.ask(question)):
                found.add(f"{question}: {entry.get('dev')} {entry['dst']} {entry.get('gateway')} {entry.get('lladdr')}")
        return found

    def reach(self, goal):
        self.host.kvmctl(*WORDS[goal])

    def steps(self, goal, kinds):
        """The calls of a change from its journal on."""
        calls = system_calls(self.host, *WORDS[goal], since=f'{self.host.run}/net/br0"')
        return [call for call in calls if call[0] in kinds]

    def where(self):
        """Which of the two states it is in; None: neither."""
        now = self.state()
        return next((name for name, state in self.states.items() if state == now), None)

    def journals(self):
        return list(self.host.run.glob("net/*"))


@pytest.fixture
def uplink(host):
    return Uplink(host)


@pytest.mark.parametrize("goal", WORDS)
def test_killed_at_any_step(uplink, goal):
    before = "up" if goal == "down" else "down"
    uplink.reach(before)
    steps = uplink.steps(goal, CHANGES | DECISIONS)
    reached = set()
    assert len(steps) >= 20
    for step in steps:
        uplink.reach(before)
        killed = strike(uplink.host, step, "signal=SIGKILL", *WORDS[goal])
        assert was_killed(killed), step
        uplink.host.kvmctl("list")
        reached.add(uplink.where())
        assert None not in reached and uplink.journals() == [], f"{step}: {uplink.state()}"
    assert reached == {"up", "down"}


@pytest.mark.parametrize("goal", WORDS)
def test_refused_at_any_step(uplink, goal):
    """A command did what it says it did, and nothing else. BridgeNet's FaultTests refuse each single change."""
    before = "up" if goal == "down" else "down"
    uplink.reach(before)
    changes = uplink.steps(goal, CHANGES)
    uplink.reach(before)
    for step in changes[:1] + changes[-1:] + uplink.steps(goal, DECISIONS):
        uplink.reach(before)
        fault = "ENOBUFS" if step in changes else "EIO"
        result = strike(uplink.host, step, f"error={fault}", *WORDS[goal])
        # Only the result could not be written: the change is done.
        lost = "stdout: can't be written" in result.stderr
        assert uplink.where() == (goal if result.returncode == 0 or lost else before), f"{step}: {result.stderr}"
        # An empty file that could not be removed means nothing.
        assert uplink.host.kvmctl("list").stderr == "" and uplink.journals() == [], f"{step}: {result.stderr}"


def test_a_kernel_that_goes_on_refusing_is_left_to_the_next_command(uplink):
    """The rollback fails too, and so does deleting the bridge that is no longer used."""
    host = uplink.host
    uplink.reach("up")
    sends = [count for _, count in uplink.steps("down", CHANGES)]
    for first in (sends[len(sends) // 2], sends[-1]):
        uplink.reach("up")
        result = host.execute(
            "strace", "-qq", "-o", "/dev/null", "-e", f"inject=sendto:error=ENOBUFS:when={first}+", host.binary,
            *WORDS["down"])
        assert result.returncode == 69 and uplink.where() is None, result.stderr
        assert uplink.journals()
        said = host.kvmctl("list").stderr
        assert "a change was completed" in said if first == sends[-1] else "a change was rolled back" in said
        assert uplink.where() == ("down" if first == sends[-1] else "up") and uplink.journals() == []


def test_a_journal_that_can_not_be_read_is_kept(uplink):
    host = uplink.host
    uplink.reach("up")
    step = uplink.steps("down", CHANGES)[5]

    def begin():
        uplink.reach("up")
        assert was_killed(strike(host, step, "signal=SIGKILL", *WORDS["down"])) and uplink.journals()

    # The journal, and the boot id in it.
    for file in (host.run / "net/br0", "/proc/sys/kernel/random/boot_id"):
        begin()
        said = with_fault(host, file, "EIO", "list", calls="read").stderr
        assert f"{file}: can't be read: Input/output error" in said and uplink.journals(), said
        assert "a change was rolled back" in host.kvmctl("list").stderr and uplink.where() == "up"

"""Taps on a bridge: BridgeNet, `ip -batch`, and the tools of 2010."""

import json

from bench.measuring import interleave, milliseconds_of, spread
from bench.results import Results
from bench.world import ENVIRONMENT, run

NAME = "taps"
COUNT = 1000
ROUNDS = 7
GROUP = 1000


def measure(world, quick):
    results = Results()
    run("ip", "link", "add", "br1", "type", "bridge")
    run("ip", "link", "set", "br1", "up")
    single = interleave({
        "BridgeNet": lambda: _bridge_net(world, 1)["first"],
        "ip -batch": lambda: _ip(world, 1)[0],
        "tunctl, brctl, ip": _old_tools,
    }, 20)
    results.compare("one NIC: tap, alias, join, up", "ms", single)
    results.gate("one NIC", spread(single["BridgeNet"]).median, 1, "ms")
    if not quick:
        _many(world, results)
    run("ip", "link", "delete", "br1")
    return results


def _many(world, results):
    made, removed, both = {}, {}, []
    for _ in range(ROUNDS):
        ours = _bridge_net(world, COUNT)
        theirs = _ip(world, COUNT)
        made.setdefault("BridgeNet", []).append(ours["make"])
        made.setdefault("ip -batch", []).append(theirs[0])
        removed.setdefault("BridgeNet", []).append(ours["remove"])
        removed.setdefault("ip -batch", []).append(theirs[1])
        both.append(ours["make"] + ours["remove"])
    results.compare(f"{COUNT} taps on one bridge: make", "ms", made)
    results.compare(f"{COUNT} taps on one bridge: remove", "ms", removed)
    results.gate(f"{COUNT} taps, made and removed", spread(both).median, 2000, "ms")


def _bridge_net(world, count):
    """The times that TapBench measured itself: a start creates its taps in a process that already runs."""
    # It holds a descriptor for each tap.
    output = run("prlimit", f"--nofile={count + 64}", world.tap_bench, "br1", count)
    return {name: nanoseconds / 1e6 for name, nanoseconds in json.loads(output).items()}


def _ip(world, count):
    """The times that `ip` takes to create and to delete."""
    names = [f"tap{number}" for number in range(count)]
    make, remove = world.directory / "make.batch", world.directory / "remove.batch"
    make.write_text("".join(
        f"tuntap add dev {name} mode tap vnet_hdr\nlink set dev {name} alias {name} mtu 1500 group {GROUP} master br1 up\n"
        for name in names))
    # As BridgeNet does it: one by one the kernel takes 18 ms for each, whichever program asks.
    remove.write_text(f"link delete group {GROUP}\n")
    return [milliseconds_of(["ip", "-batch", batch], ENVIRONMENT) for batch in (make, remove)]


def _old_tools():
    commands = [
        ["tunctl", "-b", "-u", "root", "-t", "tap0"], ["brctl", "addif", "br1", "tap0"],
        ["ip", "link", "set", "dev", "tap0", "alias", "vm", "up"],
    ]
    taken = sum(milliseconds_of(command, ENVIRONMENT) for command in commands)
    run("tunctl", "-d", "tap0")
    return taken

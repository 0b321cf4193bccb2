"""Commands and files through a guest's agent: `exec` and `cp`, and a bare client of the same agent."""

import itertools
import os
import subprocess
import time

from bench.agent import MIB, Agent
from bench.measuring import interleave, milliseconds_of, spread
from bench.results import Results
from bench.world import SetUpFailed
from rig.vm import tiny
from rig.waiting import wait_until

NAME = "inside"
GUESTS = ("tiny",)

COMMANDS = 90
COPIES = 3
LIMIT_OF_COMMAND = 1.3
LEAST_RATE = 0.8
OUT, IN = 64, 16


def measure(world, quick):
    home = world.home("inside")
    guests = world.guests["tiny"]
    home.write_vm("vm", **tiny(guests, "console=ttyS0 tiny.agent") | {"INITRD": guests / "initrd-agent.gz", "MEMORY": 512})
    world.kvmctl(home, "start", "vm")
    wait_until(lambda: _succeeds(world, home), "answer of the guest's agent", timeout=180)
    results = Results()
    _commands(world, home, 5 if quick else COMMANDS, results)
    _from_guest(world, home, 1 if quick else COPIES, results)
    _to_guest(world, home, 1 if quick else COPIES, results)
    world.kvmctl(home, "stop", "--now", "vm")
    return results


def _socket(home):
    return home.run / "vms/vm/agent.sock"


def _succeeds(world, home):
    words = [world.binary, "exec", "--no-stdin", "vm", "--", "true"]
    return subprocess.run(words, env=home.environment, capture_output=True, check=False).returncode == 0


def _commands(world, home, repetitions, results):
    def kvmctl():
        return milliseconds_of([world.binary, "exec", "vm", "--", "true"], home.environment)

    def bare():
        begun = time.perf_counter()
        with Agent(_socket(home)) as agent:
            agent.run("/bin/true")
        return (time.perf_counter() - begun) * 1000

    values = interleave({
        "kvmctl exec": _at_every_phase(kvmctl),
        "bare guest-exec": _at_every_phase(bare),
    }, repetitions)
    results.compare("exec: true", "ms", values)
    medians = {who: spread(numbers).median for who, numbers in values.items()}
    results.gate(
        "exec of true, against a bare client", medians["kvmctl exec"], LIMIT_OF_COMMAND * medians["bare guest-exec"], "ms")


def _at_every_phase(measure_one):
    """Without a client the agent looks for one every 100 ms, counted from when the last one went. Each round begins later in
    that time, by a fraction that never repeats, so that a client that is slow to begin can't hide that in the wait."""
    rounds = itertools.count()

    def measured():
        time.sleep(0.2 + 0.1 * (next(rounds) * 0.618 % 1))
        return measure_one()

    return measured


def _from_guest(world, home, repetitions, results):
    with Agent(_socket(home)) as agent:
        agent.run("/bin/dd", "if=/dev/urandom", "of=/out", "bs=1M", f"count={OUT}")
    copy = home.vms / "out"

    def cp():
        copy.unlink(missing_ok=True)
        return world.seconds_of(home, "cp", "vm:/out", copy)

    def bare():
        begun = time.perf_counter()
        with Agent(_socket(home)) as agent:
            size = agent.read("/out")
        taken = time.perf_counter() - begun
        if size != OUT * MIB:
            raise SetUpFailed(f"the agent gave {size} bytes of a file of {OUT} MiB")
        return taken

    values = interleave({
        "kvmctl exec": lambda: world.seconds_of(home, "exec", "vm", "--", "cat", "/out"),
        "kvmctl cp": cp,
        "bare guest-file-read": bare,
    }, repetitions, warm_up=False)
    peer = {"bare guest-file-read": values.pop("bare guest-file-read")}
    for who, title in ("kvmctl exec", "exec: cat of"), ("kvmctl cp", "cp: from the guest,"):
        _rates(f"{title} {OUT} MiB", OUT, {who: values[who], **peer}, results)


def _to_guest(world, home, repetitions, results):
    data = os.urandom(IN * MIB)
    source = home.vms / "in"
    source.write_bytes(data)

    def bare():
        begun = time.perf_counter()
        with Agent(_socket(home)) as agent:
            agent.write("/bare", data)
        return time.perf_counter() - begun

    values = interleave({
        "kvmctl cp": lambda: world.seconds_of(home, "cp", source, "vm:/in"),
        "bare guest-file-write": bare,
    }, repetitions, warm_up=False)
    _rates(f"cp: to the guest, {IN} MiB", IN, values, results)


def _rates(title, size, seconds, results):
    """Compares rates, ours first, and limits the time: a rate that is too low is a time that is too long."""
    rates = {who: [size / one for one in numbers] for who, numbers in seconds.items()}
    results.compare(title, "MiB/s", rates, more_is_better=True)
    ours, theirs = (spread(numbers).median for numbers in seconds.values())
    results.gate(f"{title}, against a bare client", ours, theirs / LEAST_RATE, "s")

"""Many VMs: the time to list them, the memory that each takes, and what is resident beside them."""

import os
import signal
import time

from bench.libvirt import Libvirt, small_domain
from bench.measuring import interleave, milliseconds_of, spread
from bench.memory import available_kib, guest_kib, processes_of, proportional_kib
from bench.results import Results
from rig.qmp import Monitor

NAME = "fleet"
DEFINED = (1, 100, 1000, 10_000)
RUNNING = (0, 10, 100)
LIMITS = {1: 6, 100: 10, 1000: 40}
LIMIT_OF_ONE_ASKED = 0.6
MEMORY_KIB = 16 * 1024


def measure(world, quick):
    results = Results()
    home = world.home("fleet")
    if quick:
        _start(world, home, 0, 1)
        _nothing_resident(world, results)
        _stop(world, home)
        return results
    peers = _virsh_lists(world)
    begun = time.monotonic()
    started = 0
    starting = 0.0
    for running in RUNNING:
        starting += _start(world, home, started, running)
        started = running
        for defined in DEFINED:
            if defined >= running:
                _lists(world, home, defined, running, peers, results)
    results.compare("start 100 VMs, one after the other", "s", {"kvmctl": [starting]})
    results.note(f"the fleet took {time.monotonic() - begun:.0f} s")
    _hung_monitor(world, home, results)
    _nothing_resident(world, results)
    _density(world, home, results)
    _stop(world, home)
    return results


def _params(number):
    return {
        "MEMORY": "16M", "VNCDISP": "none", "NET0": "none", "ACCEL": "tcg",
        "UUID": f"00000000-0000-4000-8000-{number:012}",
    }


def _stopped_vms(world, home, count):
    """A root with this many stopped VMs."""
    root = world.directory / f"stopped{count}"
    root.mkdir(exist_ok=True)
    for number in range(count):
        home.write_vm(f"d{number}", root=root, **_params(number))
    return root


def _start(world, home, already, wanted):
    """Starts VMs until `wanted` run, and pauses each; returns the seconds that kvmctl took."""
    taken = 0
    for number in range(already, wanted):
        name = f"r{number}"
        home.write_vm(name, **_params(20_000 + number))
        taken += milliseconds_of([world.binary, "start", name], home.environment)
        with Monitor(home.monitor(name)) as monitor:
            monitor.execute("stop")
    return taken / 1000


def _stop(world, home):
    world.kvmctl(home, "stop", "--now", "--all")


def _virsh_lists(world):
    """`virsh list --all` for each number of defined domains, none of which runs.

    Not interleaved with kvmctl: each number needs a libvirtd of its own, and starting 100 domains would take a minute.
    """
    medians = {}
    for count in DEFINED:
        domains = ((f"d{number}", small_domain(f"d{number}")) for number in range(count))
        with Libvirt(world.directory / f"libvirt-list{count}", domains) as libvirt:
            libvirt.virsh("list", "--all")
            medians[count] = [libvirt.milliseconds_of("list", "--all") for _ in range(_repetitions(count))]
    return medians


def _repetitions(defined):
    return 5 if defined == 10_000 else 15


def _lists(world, home, defined, running, peers, results):
    """`list` with the running VMs, and with stopped ones to make up the number."""
    environment = home.with_roots(_stopped_vms(world, home, defined - running))
    values = interleave({
        "kvmctl list": lambda: milliseconds_of([world.binary, "list"], environment),
        "kvmctl list --json": lambda: milliseconds_of([world.binary, "list", "--json"], environment),
    }, _repetitions(defined))
    results.compare(f"list: {defined} defined, {running} running", "ms", {**values, "virsh list --all, 0 running": peers[defined]})
    if defined in LIMITS:
        limit = LIMITS[defined] + LIMIT_OF_ONE_ASKED * running
        results.gate(f"list, {defined} defined, {running} running", spread(values["kvmctl list"]).median, limit, "ms")


def _hung_monitor(world, home, results):
    """What a QEMU that does not respond adds to a list."""
    command = [world.binary, "list"]
    before = [milliseconds_of(command, home.environment) for _ in range(5)]
    [pid] = [vm["pid"] for vm in world.kvmctl_json(home, "list") if vm["name"] == "r0"]
    os.kill(pid, signal.SIGSTOP)
    hung = [milliseconds_of(command, home.environment) for _ in range(5)]
    os.kill(pid, signal.SIGCONT)
    results.compare("list: 100 running, one of them hung", "ms", {"kvmctl list": hung, "none hung": before})
    # The worst, not the median: only some of the lists wait for the whole deadline.
    results.gate("list, added by a hung QMP, at worst", spread(hung).most - spread(before).median, 250, "ms")


def _nothing_resident(world, results):
    resident = sum(proportional_kib(pid) for pid in processes_of(world.binary))
    results.gate("resident beside QEMU", resident, 0, "KiB")


def _density(world, home, results):
    pids = [vm["pid"] for vm in world.kvmctl_json(home, "list")]
    whole = [proportional_kib(pid) / 1024 for pid in pids]
    guests = [guest_kib(pid, MEMORY_KIB) / 1024 for pid in pids]
    beside = [all_of_it - guest for all_of_it, guest in zip(whole, guests)]
    results.compare("idle VM of 16 MiB among 100: memory", "MiB", {"whole (PSS)": whole})
    results.compare("idle VM of 16 MiB among 100: beside the guest's", "MiB", {"QEMU": beside})
    fit = len(pids) + int(available_kib() / 1024 / spread(whole).median)
    results.note(f"by its memory, this machine holds {fit} such VMs")

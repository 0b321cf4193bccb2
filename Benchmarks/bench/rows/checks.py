"""Checking all VMs: `check --all` and `doctor`, with different numbers of VMs."""

from bench.measuring import milliseconds_of, spread
from bench.results import Results

NAME = "checks"
DEFINED = (500, 1000, 2000)
LIMIT_OF_ONE = 2.0


def measure(world, quick):
    results = Results()
    home = world.home("checks")
    made = 0
    # One start fills the cache of QEMU's capabilities: probing them is not kvmctl's own work.
    _write(home, 0, 1)
    world.kvmctl(home, "start", "vm0")
    world.kvmctl(home, "stop", "--now", "vm0")
    for defined in DEFINED[-1:] if quick else DEFINED:
        _write(home, made, defined)
        made = defined
        for command in (["check", "--all"], ["doctor"]):
            times = [milliseconds_of([world.binary, *command], home.environment, codes=(0, 69)) for _ in range(3)]
            results.compare(f"{' '.join(command)}: {defined} defined", "ms", {"kvmctl": times})
            results.gate(f"{' '.join(command)}, {defined} defined, each VM", spread(times).median / defined, LIMIT_OF_ONE, "ms")
    return results


def _write(home, already, wanted):
    """VMs as on a host with many: each has a disk and a bridge, and two neighbours share a display."""
    for number in range(already, wanted):
        path = home.write_vm(
            f"vm{number}", MEMORY="16M", NET0="bridge:br0", VNCDISP=number // 2 % 50, ACCEL="tcg", DISK0="vdisk0",
            UUID=f"00000000-0000-4000-8000-{number:012}")
        with open(path.parent / "vdisk0", "wb") as disk:
            disk.truncate(1 << 20)

"""kvmctl's own share of a start, by stage, as `start --timings` reports it."""

from bench.results import Results
from bench.measuring import spread

NAME = "stages"

# QEMU's stages: to become ready, and to answer the command that commits.
QEMUS_OWN = {"qemu", "commit"}


def measure(world, quick):
    results = Results()
    home = world.home("stages")
    world.kvmctl(home, "create", home.vms / "vm", "--disk", "8G", "--disk", "8G", "--memory", "512", "--vnc", "11")
    stages, own = {}, []
    # The first start fills the cache of the host's capabilities, once for each boot.
    for number in range(5 if quick else 16):
        [started] = world.kvmctl_json(home, "start", "vm", "--timings")
        world.kvmctl(home, "stop", "--now", "vm")
        if number == 0:
            continue
        for stage, microseconds in started["timings"].items():
            stages.setdefault(stage, []).append(microseconds / 1000)
        own.append(sum(taken for stage, taken in started["timings"].items() if stage not in QEMUS_OWN) / 1000)
    for stage, values in stages.items():
        results.compare(f"start: stage {stage}", "ms", {"kvmctl": values})
    results.compare("start: all but QEMU", "ms", {"kvmctl": own})
    results.gate("kvmctl's own time in a start", spread(own).median, 20 if quick else 10, "ms")
    return results

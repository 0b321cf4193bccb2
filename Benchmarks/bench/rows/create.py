"""Two sparse disks of 8 GiB: `kvmctl create`, `qemu-img create`, `dd`."""

import itertools

from bench.measuring import interleave, milliseconds_of, spread
from bench.results import Results
from bench.world import ENVIRONMENT

NAME = "create"


def measure(world, _quick):
    home = world.home("create")
    numbers = itertools.count()

    def kvmctl():
        directory = home.vms / str(next(numbers))
        return milliseconds_of([world.binary, "create", directory, "--disk", "8G", "--disk", "8G"], home.environment)

    def two(arguments):
        taken = 0
        for _ in range(2):
            path = home.vms / f"peer{next(numbers)}"
            taken += milliseconds_of(arguments(path), ENVIRONMENT)
            path.unlink()
        return taken

    values = interleave({
        "kvmctl create": kvmctl,
        "qemu-img ×2": lambda: two(lambda path: ["qemu-img", "create", "-f", "raw", path, "8G"]),
        "dd ×2": lambda: two(lambda path: ["dd", "if=/dev/zero", f"of={path}", "bs=1", "count=0", "seek=8G"]),
        "kvmctl --help": lambda: milliseconds_of([world.binary, "--help"], home.environment),
    }, 30)
    start_up = values.pop("kvmctl --help")
    results = Results()
    results.compare("create two 8 GiB disks", "ms", values)
    results.compare("kvmctl's start-up (--help)", "ms", {"kvmctl": start_up})
    beyond = spread(values["kvmctl create"]).median - spread(start_up).median
    results.gate("create, beyond start-up", beyond, 5, "ms")
    blocks = max(disk.stat().st_blocks for disk in home.vms.glob("*/vdisk*"))
    results.gate("create, blocks allocated", blocks, 0, "blocks")
    return results

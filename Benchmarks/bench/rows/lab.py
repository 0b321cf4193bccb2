"""A lab of twenty VMs of one template: `kvmctl create --from T --count 20`, and the overlays alone by `qemu-img create`."""

import itertools
import subprocess

from bench.measuring import interleave, milliseconds_of, spread
from bench.results import Results
from bench.world import ENVIRONMENT

NAME = "lab"


def measure(world, _quick):
    home = world.home("lab")
    numbers = itertools.count()
    world.kvmctl(home, "create", home.vms / "t", "--disk", "8G", "--set", "TEMPLATE=yes")
    base = home.vms / "t/vdisk0"

    def kvmctl():
        pattern = home.vms / f"lab{next(numbers)}-%02d"
        return milliseconds_of([world.binary, "create", pattern, "--from", home.vms / "t", "--count", "20"], home.environment)

    def overlays():
        paths = [home.vms / f"peer{next(numbers)}" for _ in range(20)]
        taken = sum(
            milliseconds_of(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", path], ENVIRONMENT)
            for path in paths)
        for path in paths:
            path.unlink()
        return taken

    values = interleave({"kvmctl create --count 20": kvmctl, "qemu-img ×20": overlays}, 10)
    results = Results()
    results.compare("create a lab of twenty", "ms", values)
    results.gate("create --from T --count 20", spread(values["kvmctl create --count 20"]).median, 1000, "ms")
    subprocess.run(["rm", "-rf", home.vms], check=True)
    return results

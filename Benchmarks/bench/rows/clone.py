"""A copy of a sparse disk of 8 GiB with 100 MB of data: `kvmctl clone`, `cp --sparse=always`, `qemu-img convert`.

Each returns when the copy would survive a power cut: kvmctl waits for that itself, and `sync` does so after the others.
"""

import itertools
import os
import shutil

from bench.measuring import interleave, milliseconds_of, spread
from bench.results import Results
from bench.world import ENVIRONMENT

NAME = "clone"


def _source(home):
    """A VM with such a disk, whose data lies in several places."""
    disk = home.write_vm("source", DISK0="vdisk0", NET0="none", VNCDISP="none").parent / "vdisk0"
    with disk.open("wb") as file:
        file.truncate(8 << 30)
        for place in range(10):
            file.seek(place * (800 << 20))
            file.write(os.urandom(10_000_000))
    return disk


def measure(world, _quick):
    home = world.home("clone")
    disk = _source(home)
    numbers = itertools.count()

    def kvmctl():
        directory = home.vms / str(next(numbers))
        taken = milliseconds_of([world.binary, "clone", "source", directory], home.environment)
        shutil.rmtree(directory)
        return taken

    def peer(*words):
        copy = home.vms / f"peer{next(numbers)}"
        taken = milliseconds_of([*words, disk, copy], ENVIRONMENT) + milliseconds_of(["sync", copy], ENVIRONMENT)
        copy.unlink()
        return taken

    values = interleave({
        "kvmctl clone": kvmctl,
        "cp --sparse=always": lambda: peer("cp", "--sparse=always"),
        "qemu-img convert": lambda: peer("qemu-img", "convert", "-f", "raw", "-O", "raw"),
    }, 10)
    results = Results()
    results.compare("clone of 8 GiB with 100 MB of data", "ms", values)
    quickest = min(spread(taken).median for name, taken in values.items() if name != "kvmctl clone")
    results.gate("clone, to the quicker of cp and qemu-img", spread(values["kvmctl clone"]).median / quickest, 1, "×")
    return results

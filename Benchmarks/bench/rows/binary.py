"""The binary: its size, and the libraries that it needs."""

import re

from bench.results import Results
from bench.world import run

NAME = "binary"

# What a release may link with, and the dynamic loader.
ALLOWED = ("libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libcap-ng.so.0", "ld-linux-x86-64.so.2")


def measure(world, _quick):
    results = Results()
    size = world.binary.stat().st_size / 1e6
    results.compare("binary, stripped", "MB", {"kvmctl": [size]})
    results.gate("binary, stripped", size, 24, "MB")
    needed = re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", world.binary))
    others = sorted(set(needed) - set(ALLOWED))
    results.gate(f"libraries beyond the allowed ones ({', '.join(others) or 'none'})", len(others), 0, "")
    return results

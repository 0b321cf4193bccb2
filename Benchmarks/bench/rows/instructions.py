"""How many instructions a command executes: the only measurement that another program can't disturb.

The recorded numbers are in instructions.json, with the Swift version that they belong to. Another compiler generates
different code, so its counts are shown and not gated. `--record` replaces the recorded numbers.
"""

import json
import os
import re
import subprocess

from bench.results import Results
from bench.world import BENCHMARKS

NAME = "instructions"

RECORD = BENCHMARKS / "instructions.json"
MARGIN = 1.10


def measure(world, _quick):
    results = Results()
    counts = _counts(world)
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {"swift": None, "counts": {}}
    swift = os.environ.get("KVMCTL_BENCH_SWIFT")
    if "KVMCTL_BENCH_RECORD" in os.environ:
        RECORD.write_text(json.dumps({"swift": swift, "counts": counts}, indent=2) + "\n")
        # Compared with themselves, they would always be met.
        record = {"swift": None, "counts": {}}
    for what, count in counts.items():
        recorded = record["counts"].get(what)
        values = {"kvmctl": [count / 1e6]} | ({"recorded": [recorded / 1e6]} if recorded else {})
        results.compare(f"instructions: {what}", "M", values)
        if recorded and swift == record["swift"]:
            results.gate(f"instructions of {what}", count / 1e6, recorded * MARGIN / 1e6, "M")
    if "KVMCTL_BENCH_RECORD" in os.environ:
        results.note("instructions were recorded, not gated")
    elif swift != record["swift"]:
        results.note(f"instructions are not gated: recorded with Swift {record['swift']}, built with {swift}")
    return results


def _counts(world):
    home = world.home("instructions")
    for number in range(100):
        home.write_vm(
            f"vm{number}", MEMORY="512M", CPUS=2, NET0="bridge:br0", VNCDISP="auto", ACCEL="tcg",
            UUID=f"00000000-0000-4000-8000-{number:012}")
    # One start fills the cache of QEMU's capabilities: probing them is not kvmctl's own work.
    world.kvmctl(home, "start", "vm0")
    world.kvmctl(home, "stop", "--now", "vm0")
    return {
        "list, 100 VMs": _count(world, home, "list"),
        "list --json, 100 VMs": _count(world, home, "list", "--json"),
        "start --dry-run": _count(world, home, "start", "--dry-run", "vm1"),
    }


def _count(world, home, *arguments):
    """The count by callgrind. Hashes are seeded the same each time, or dictionaries would differ."""
    environment = {**home.environment, "SWIFT_DETERMINISTIC_HASHING": "1"}
    result = subprocess.run(
        # The profile is discarded: a child that has dropped its privileges must be able to write one too.
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", world.binary, *arguments],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", result.stderr)[1])

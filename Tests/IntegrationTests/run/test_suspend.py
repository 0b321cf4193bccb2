"""`suspend`, and the start that goes on."""

import json
import os
import re
import shutil
import time

from rig.terminal import run_inside
from rig.waiting import wait_until

# Counts on the console, as long as the guest lives.
COUNT = "(n=0; while sleep 0.1; do n=$((n+1)); echo count $n; done &)"


def counts(host, name):
    """What the console says since the last start."""
    return [int(number) for number in re.findall(r"count (\d+)\r?\n", host.console_log(name))]


def start_counting(host, *names, **keys):
    for name in names:
        host.write_tiny_vm(name, MEMORY=96, **keys)
    host.kvmctl("start", *names)
    for name in names:
        host.wait_console(name, "tiny: up")
        run_inside(host, name, COUNT)
        wait_until(lambda: len(counts(host, name)) > 2, f"counts of {name}")


def last_count(host, name):
    """The last number before the suspend, which is in the log of the run that ended."""
    return counts(host, name)[-1]


def goes_on(host, name, last):
    """Waits until the guest counts on from there: from 1 it would count after a boot."""
    wait_until(lambda: len(counts(host, name)) > 2, lambda: f"counts of {name}: {host.console_log(name)[-500:]}")
    first = counts(host, name)[0]
    assert last < first <= last + 3, f"{name} counted to {last}, then {first}"


def files(host, name):
    return sorted(path.name for path in (host.vms / name).iterdir() if path.name not in ("vm.params", "disk"))


def test_guests_go_on(host):
    start_counting(host, "a", "b", DISK0="disk", DISK0_SIZE="16M")
    dry = host.kvmctl("suspend", "a", "--dry-run").stdout
    assert dry.startswith(f"a: would be suspended: its memory is written to {host.vms}/a/a.state, at most ")
    assert files(host, "a") == [] and host.state("a") == "running"
    suspended = host.json("suspend", "a", "b")
    last = {name: last_count(host, name) for name in "ab"}
    assert [(one["name"], one["result"], one["dryRun"]) for one in suspended] == [
        ("a", "suspended", False), ("b", "suspended", False)]
    assert suspended[0]["size"] == (host.vms / "a/a.state").stat().st_size > 1 << 20
    assert (host.vms / "a/a.state").stat().st_mode & 0o777 == 0o600
    host.assert_nothing_left()
    assert [host.state(name) for name in "ab"] == ["suspended", "suspended"]
    assert host.show("a")["state"] == "suspended"
    assert host.kvmctl("suspend", "a").stdout == "a: already suspended\n"
    assert host.kvmctl("stop", "a").stdout == "a: not running, but suspended\n"
    assert host.kvmctl("suspend", "--all").stdout == ""
    assert json.loads(host.kvmctl("start", "a", "--dry-run", "--json").stdout)[0]["resumes"] is True
    host.kvmctl("check", "a")
    assert files(host, "a") == ["a.state", "a.suspended"]

    out = host.kvmctl("start", "a", "b").stdout
    assert out.startswith("a: goes on where it was suspended, pid ")
    for name in "ab":
        goes_on(host, name, last[name])
        assert files(host, name) == []
    assert [host.state(name) for name in "ab"] == ["running", "running"]
    # A second time, and then anew.
    host.kvmctl("suspend", "a")
    assert host.state("a") == "suspended"
    host.kvmctl("start", "a", "--discard-suspended")
    assert files(host, "a") == []
    host.wait_console("a", "tiny: up")

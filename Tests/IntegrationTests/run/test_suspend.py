"""`suspend`, and the start that goes on."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from rig.faults import was_killed
from rig.qmp import Monitor
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


def monitor(host, name):
    """Asks QEMU without kvmctl."""
    return Monitor(host.run / "vms" / name / "qmp.sock")


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
    assert dry.startswith(f"a: would be suspended: its memory is written to {host.vms}/a/vm.state, at most ")
    assert files(host, "a") == [] and host.state("a") == "running"
    suspended = host.json("suspend", "a", "b")
    last = {name: last_count(host, name) for name in "ab"}
    assert [(one["name"], one["result"], one["dryRun"]) for one in suspended] == [
        ("a", "suspended", False), ("b", "suspended", False)]
    assert suspended[0]["size"] == (host.vms / "a/vm.state").stat().st_size > 1 << 20
    assert (host.vms / "a/vm.state").stat().st_mode & 0o777 == 0o600
    host.assert_nothing_left()
    assert [host.state(name) for name in "ab"] == ["suspended", "suspended"]
    assert host.show("a")["state"] == "suspended"
    assert host.kvmctl("suspend", "a").stdout == "a: already suspended\n"
    assert host.kvmctl("stop", "a").stdout == "a: not running, but suspended\n"
    assert host.kvmctl("suspend", "--all").stdout == ""
    assert json.loads(host.kvmctl("start", "a", "--dry-run", "--json").stdout)[0]["resumes"] is True
    host.kvmctl("check", "a")
    assert files(host, "a") == ["vm.state", "vm.suspended"]

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


def refusal(host, name, *options, code=75):
    return host.kvmctl("start", name, *options, expect=code).stderr


def test_what_no_longer_fits_is_refused(host):
    disk = host.vms / "vm/disk"
    params = host.write_firmware_vm("vm", DISK0="disk", DISK0_SIZE="16M", CPUS=2)
    text = params.read_text()
    host.kvmctl("start", "vm")
    host.kvmctl("suspend", "vm")
    record = (host.vms / "vm/vm.suspended").read_text()
    memory = (host.vms / "vm/vm.state").read_bytes()

    # The machine.
    params.write_text(text.replace("MEMORY=32", "MEMORY=64").replace("CPUS=2", "CPUS=3") + "NET1=user\n")
    assert "  MEMORY was 32M and is now 64M\n" in refusal(host, "vm")
    assert "  CPUS was 2 and is now 3\n" in refusal(host, "vm")
    assert "  NET1 was not there\n" in refusal(host, "vm")
    assert "--discard-suspended" in refusal(host, "vm")
    failed = host.kvmctl("check", "vm", "--json", expect=75)
    assert "MEMORY was 32M" in json.loads(failed.stdout)[0]["error"]["message"]
    # What the guest does not see may change.
    params.write_text(text + "VNCDISP=none\nDISK0_CACHE=writeback\n".replace("VNCDISP=none\n", ""))
    assert "resumes" in host.kvmctl("start", "vm", "--dry-run", "--json").stdout
    params.write_text(text)

    # A disk of its own.
    stamp = disk.stat()
    disk.write_bytes(disk.read_bytes())
    assert f"  DISK0, {disk}, was written to since\n" in refusal(host, "vm")
    os.truncate(disk, 32 << 20)
    assert f"  DISK0 was {16 << 20} bytes and is now {32 << 20}\n" in refusal(host, "vm")
    os.truncate(disk, 16 << 20)
    os.utime(disk, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    # The state itself.
    state = host.vms / "vm/vm.state"
    written = state.stat()

    def write(content):
        state.write_bytes(content)
        os.utime(state, ns=(written.st_atime_ns, written.st_mtime_ns))

    write(memory[:-1])
    assert f"has {len(memory) - 1} bytes, and suspend wrote {len(memory)}" in refusal(host, "vm", code=65)
    state.write_bytes(memory)
    assert "vm.state: was written to since the VM was suspended" in refusal(host, "vm", code=65)
    write(b"\xff" * len(memory))
    assert "QEMU can't load this saved state" in refusal(host, "vm", code=65)
    assert host.state("vm") == "suspended"
    state.unlink()
    assert "vm.state: is gone, and vm is suspended" in refusal(host, "vm", code=65)
    write(memory)
    (host.vms / "vm/vm.suspended").write_text("{}")
    assert "is not what suspend writes" in refusal(host, "vm", code=65)
    (host.vms / "vm/vm.suspended").write_text(record.replace('"version": 3', '"version": 4'))
    assert "its version is 4" in refusal(host, "vm", code=65)
    (host.vms / "vm/vm.suspended").write_text(record.replace('"qemuVersion": "', '"qemuVersion": "9'))
    assert re.search(r"  QEMU was 9\S+ and is now \S+, which is older\n", refusal(host, "vm"))
    os.chown(host.vms / "vm/vm.suspended", 65534, 65534)
    assert "belongs to nobody" in refusal(host, "vm", code=77)
    os.chown(host.vms / "vm/vm.suspended", 0, 0)
    (host.vms / "vm/vm.suspended").write_text(record)

    # Another VM's.
    other = host.write_firmware_vm("other", DISK0="disk", DISK0_SIZE="16M", CPUS=2)
    for name in "state", "suspended":
        shutil.copy2(host.vms / f"vm/vm.{name}", host.vms / f"other/vm.{name}")
    assert "  it is the state of another VM, whose UUID is " in refusal(host, "other")
    assert "rm would lose what it had in memory" in host.kvmctl("rm", "other", expect=75).stderr and other.exists()
    assert f"removed {host.vms}/other/vm.state\n" in host.kvmctl("rm", "other", "--force").stdout
    assert not other.parent.exists()

    # All is as it was.
    assert host.kvmctl("start", "vm").stdout.startswith("vm: goes on where it was suspended")
    assert host.state("vm") == "running"
    assert files(host, "vm") == []


def test_a_disk_that_stands_on_others(host):
    vm = host.vms / "vm"
    params = host.write_firmware_vm("vm", DISK0="disk", DISK0_FORMAT="qcow2", DISK0_BACKING=f"{vm}/middle:{vm}/base")
    (vm / "base").write_bytes(bytes(16 << 20))
    for name, below, kind in ("middle", "base", "raw"), ("disk", "middle", "qcow2"):
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", vm / below, "-F", kind, vm / name], check=True)
    text = params.read_text()
    host.kvmctl("start", "vm")
    assert "next start will not go on" not in host.kvmctl("suspend", "vm").stderr
    for name, number in ("base", ""), ("middle", " (2)"):
        stamp = (vm / name).stat()
        os.utime(vm / name)
        assert f"  DISK0_BACKING{number}, {vm / name}, was written to since\n" in refusal(host, "vm")
        os.utime(vm / name, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    params.write_text(text.replace(f":{vm}/base", ""))
    assert "middle stands on another image" in host.kvmctl("start", "vm", expect=65).stderr
    params.write_text(text)
    assert "goes on where it was suspended" in host.kvmctl("start", "vm").stdout


def test_an_ordinary_users_vm(rootless_host):
    host = rootless_host
    host.write_firmware_vm("vm", NET0="user", DISK0="disk", DISK0_SIZE="1M")
    host.kvmctl("start", "vm")
    assert host.kvmctl("suspend", "vm", "--dry-run").stdout.startswith("vm: would be suspended")
    assert host.kvmctl("suspend", "vm").stdout.startswith("vm: suspended")
    assert host.state("vm") == "suspended"
    assert host.json("start", "vm")[0]["result"] == "resumed"
    host.kvmctl("stop", "vm", "--now")


def test_the_state_belongs_to_the_file(host):
    uuid = "6b9c2f6e-0001-4000-8000-000000000001"
    vm = host.write_firmware_vm("vm", DISK0="disk", DISK0_SIZE="16M", UUID=uuid)
    host.kvmctl("start", "vm")
    host.kvmctl("suspend", "vm")
    # What another process holds is not what has changed.
    holder = host.write_firmware_vm("holder", DISK0=vm.parent / "disk")
    host.kvmctl("start", "holder")
    refused = host.kvmctl("start", "vm", expect=75).stderr
    assert "holder" in refused and "no longer there" not in refused
    host.kvmctl("stop", "--now", "holder")
    shutil.rmtree(holder.parent)

    # By another name, that of its directory or of a line.
    moved = vm.parent.rename(host.vms / "moved") / "vm.params"
    text = moved.read_text()
    assert host.state("moved") == "suspended"
    moved.write_text(f"NAME=named\n{text}")
    assert host.state("named") == "suspended"
    assert "resumes" in host.kvmctl("start", "named", "--dry-run", "--json").stdout
    # What says that it is suspended is gone: not without a word.
    moved.with_name("vm.suspended").unlink()
    moved.write_text(text)
    assert host.state("moved") == "stopped"
    for command in (["check"], ["start", "--dry-run"]):
        said = host.kvmctl(*command, "moved")
        assert f"{moved.parent}/vm.state is not used" in said.stdout + said.stderr


def test_a_copy_is_no_second_one(host):
    """Both would be the same guest, with the same memory, UUID and MACs."""
    params = host.write_firmware_vm("vm", DISK0="disk", DISK0_SIZE="16M", UUID="6b9c2f6e-0001-4000-8000-000000000002")
    host.kvmctl("start", "vm")
    host.kvmctl("suspend", "vm")
    subprocess.run(["cp", "-a", params.parent, host.vms / "copy"], check=True)
    for _ in "suspended", "running":
        for command in (["start"], ["start", "--dry-run"], ["check"]):
            said = host.kvmctl(*command, "copy", expect=75)
            assert f"it is a copy of {params}" in said.stdout + said.stderr
        assert host.json("start", "vm")[0]["result"] in ("resumed", "alreadyRunning")
    assert files(host, "copy") == ["vm.state", "vm.suspended"]
    host.kvmctl("stop", "--now", "vm")
    # Once the other is gone, it is the one that was suspended, in another place.
    host.kvmctl("rm", "vm", "--disks", "--yes")
    assert host.json("start", "copy")[0]["result"] == "resumed"
    # Where its directory was, a link leads to it now.
    host.kvmctl("suspend", "copy")
    (host.vms / "copy").rename(host.vms / "moved")
    (host.vms / "copy").symlink_to("moved")
    assert host.json("start", f"{host.vms}/moved")[0]["result"] == "resumed"


def test_a_restart_goes_on_with_nothing_and_loses_nothing(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    host.kvmctl("suspend", "vm")
    for words in [], ["--hard"], ["--dry-run"]:
        refused = host.kvmctl("restart", "vm", *words, expect=75).stderr
        assert "it is suspended, to a file, and a restart would lose what it had in memory" in refused
        assert "start it, which goes on" in refused and "--discard-suspended" in refused
    assert files(host, "vm") == ["vm.state", "vm.suspended"] and host.state("vm") == "suspended"
    assert host.kvmctl("restart", "--all").stdout == ""


def test_what_cannot_be_suspended(host):
    host.write_firmware_vm("off")
    host.write_firmware_vm("vm")
    assert "off: it is not running, so there is nothing to suspend" in host.kvmctl("suspend", "off", expect=75).stderr
    host.kvmctl("start", "vm")
    (host.run / "vms/vm/machine.json").rename(host.run / "kept")
    assert "an earlier kvmctl started it" in host.kvmctl("suspend", "vm", expect=75).stderr
    (host.run / "kept").rename(host.run / "vms/vm/machine.json")
    with monitor(host, "vm") as qemu:
        qemu.execute("device_add", driver="virtio-rng-pci", bus="port0", id="more")
    assert "  more was attached\n" in host.kvmctl("suspend", "vm", expect=75).stderr
    assert host.state("vm") == "running"


def test_a_machine_that_stands_still(host):
    """Paused or left behind by a killed suspend: a start lets it run. One that was reset by hand is not saved twice."""
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    with monitor(host, "vm") as qemu:
        qemu.execute("stop")
    host.kvmctl("suspend", "vm")
    assert "goes on" in host.kvmctl("start", "vm").stdout
    assert host.state("vm") == "running"


def test_a_state_that_cannot_be_written(host):
    """The guest runs on, and nothing is left."""
    start_counting(host, "vm")
    small = host.vms / "vm/small"
    small.mkdir()
    tracer = host.popen(
        "strace", "-qq", "-f", "-o", "/dev/null", "-p", str(host.qemu().pid), "-e", "inject=writev:error=ENOSPC:when=20+")
    wait_until(lambda: host.qemu().status["TracerPid"] != "0", "tracer")
    failed = host.kvmctl("suspend", "vm", expect=69).stderr
    tracer.send_signal(signal.SIGTERM)
    tracer.communicate()
    assert "vm.state: can't save the VM's state" in failed and "  the guest runs on\n" in failed
    assert files(host, "vm") == ["small"]
    assert host.state("vm") == "running"
    last = counts(host, "vm")[-1]
    wait_until(lambda: counts(host, "vm")[-1] > last, "counting")
    # It is not broken for that.
    host.kvmctl("suspend", "vm")
    last = last_count(host, "vm")
    host.kvmctl("start", "vm")
    goes_on(host, "vm", last)


@contextlib.contextmanager
def slowly_writing(host):
    """QEMU takes its time for each piece of memory that it writes."""
    tracer = host.popen(
        "strace", "-qq", "-f", "-o", "/dev/null", "-p", str(host.qemu().pid), "-e",
        "inject=writev:delay_enter=200ms:when=20+")
    wait_until(lambda: host.qemu().status["TracerPid"] != "0", "tracer")
    try:
        yield
    finally:
        tracer.send_signal(signal.SIGTERM)
        tracer.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_the_guest_runs_on(host, number):
    start_counting(host, "vm")
    with slowly_writing(host):
        suspend = host.popen(host.binary, "suspend", "vm")
        wait_until(lambda: '"status": "active"' in (host.run / "log/vm/record").read_text(), "migration")
        suspend.send_signal(number)
        _, said = suspend.communicate(timeout=60)
    assert "vm: its suspend was interrupted\n  the guest runs on\n" in said
    assert suspend.returncode == 128 + number
    assert host.state("vm") == "running" and files(host, "vm") == []


def test_resume_after_a_suspend_that_was_killed(host):
    start_counting(host, "vm")
    with slowly_writing(host):
        suspend = host.popen(host.binary, "suspend", "vm")
        wait_until(lambda: '"status": "active"' in (host.run / "log/vm/record").read_text(), "migration")
        suspend.kill()
        suspend.communicate(timeout=60)
        assert host.kvmctl("resume", "vm").stdout == "vm: resumed\n"
        # Nothing is being saved any longer, after which QEMU would halt the machine.
        with monitor(host, "vm") as qemu:
            assert qemu.execute("query-migrate")["status"] == "cancelled"
    assert host.state("vm") == "running"
    last = counts(host, "vm")[-1]
    wait_until(lambda: counts(host, "vm")[-1] > last, "counting")


def test_no_room(host):
    params = host.write_firmware_vm("vm")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4M", "none", params.parent])
    assert mounted.returncode == 0
    try:
        host.write_firmware_vm("vm")
        host.kvmctl("start", "vm")
        failed = host.kvmctl("suspend", "vm", expect=73).stderr
        assert re.search(r"vm.state: may take up to [\d.]+ MiB, and only [\d.]+ MiB is free there", failed)
        assert files(host, "vm") == [] and host.state("vm") == "running"
        host.kvmctl("stop", "--now", "vm")
    finally:
        subprocess.run(["umount", "--lazy", params.parent], check=True)


def test_in_the_foreground(host):
    start_counting(host, "vm")
    host.kvmctl("suspend", "vm")
    last = last_count(host, "vm")
    process = host.popen(host.binary, "start", "--foreground", "vm")
    wait_until(lambda: host.state("vm") == "running", "VM")
    goes_on(host, "vm", last)
    # It used the state up, though nobody was left to remove it.
    assert host.kvmctl("suspend", "vm").stdout.startswith("vm: suspended")
    process.communicate(timeout=30)
    assert files(host, "vm") == ["vm.state", "vm.suspended"]
    last = last_count(host, "vm")
    process = host.popen(host.binary, "start", "--foreground", "vm")
    wait_until(lambda: host.state("vm") == "running", "VM")
    goes_on(host, "vm", last)
    host.kvmctl("stop", "--now", "vm")
    process.communicate(timeout=30)
    assert host.state("vm") == "stopped"
    assert "vm: started" in host.kvmctl("start", "vm").stdout
    assert files(host, "vm") == []


# The work of a suspend is done by a thread of its own; a start would be followed into QEMU.
FOLLOW = {"suspend": ["-f"], "start": []}


def calls_of(host, command):
    """[(name, number)] of the system calls of one run of kvmctl, each thread's counted by itself."""
    trace = host.root / "trace"
    result = host.execute("strace", *FOLLOW[command], "-o", trace, host.binary, command, "vm")
    assert result.returncode == 0, result.stderr
    counts = {}
    for line in trace.read_text(errors="replace").splitlines():
        if match := re.match(r"(?:(\d+) +)?(\w+)\(", line):
            counts[match.groups()] = counts.get(match.groups(), 0) + 1
            yield match[2], counts[match.groups()]


def killed_at(host, call, command):
    name, number = call
    result = host.execute(
        "strace", "-qq", *FOLLOW[command], "-o", "/dev/null", "-e", f"inject={name}:signal=SIGKILL:when={number}",
        host.binary, command, "vm")
    return was_killed(result)


def never_both(host, name):
    """No machine runs while there is a state from which it could go on."""
    if host.qemus() and (host.vms / name / "vm.suspended").exists():
        with monitor(host, name) as qemu:
            assert qemu.execute("query-status")["status"] == "postmigrate"


@pytest.mark.parametrize("samples", [8, pytest.param(60, marks=pytest.mark.deep)])
@pytest.mark.parametrize("command", ["suspend", "start"])
def test_kvmctl_killed_at_any_point(host, command, samples):
    start_counting(host, "vm", DISK0="disk", DISK0_SIZE="16M")
    if command == "start":
        host.kvmctl("suspend", "vm")
    calls = list(calls_of(host, command))
    calls = calls[len(calls) // 3:]
    killed = 0
    for call in calls[::max(1, len(calls) // samples)]:
        # From a machine that runs, or from its state.
        host.kvmctl("start" if command == "suspend" else "suspend", "vm")
        killed += killed_at(host, call, command)
        never_both(host, "vm")
        # While it loads, QEMU may take its time to answer.
        wait_until(lambda: host.state("vm") in ("running", "paused", "suspended", "starting"), call)
        host.kvmctl(command, "vm")
    assert killed > samples // 2
    host.kvmctl("start", "vm")
    # It never booted again: it would not count at all.
    wait_until(lambda: counts(host, "vm"), "counts")
    assert counts(host, "vm")[0] > 3
    host.kvmctl("stop", "--now", "vm")
    host.assert_nothing_left()
    assert files(host, "vm") == []


def test_a_suspended_vm_is_not_changed(host):
    host.write_firmware_vm("vm", DISK0="disk", DISK0_SIZE="1M")
    host.kvmctl("start", "vm")
    host.kvmctl("suspend", "vm")
    before = (host.vms / "vm/vm.params").read_text()
    for words in (["disk", "grow", "vm", "DISK0", "+1M"], ["disk", "attach", "vm", "new", "--size", "1M"],
                  ["cdrom", "insert", "vm", "/dev/null", "--config"], ["set", "vm", "MEMORY=64M"], ["set", "vm", "CPUS=2"]):
        said = host.kvmctl(*words, expect=75).stderr
        assert "it is suspended, and could not go on" in said and "start it first" in said, said
    assert (host.vms / "vm/vm.params").read_text() == before and (host.vms / "vm/disk").stat().st_size == 1 << 20
    # What only kvmctl reads does not keep it from going on.
    host.kvmctl("set", "vm", "TAGS=a", "DESCRIPTION=b")
    assert "goes on" in host.kvmctl("start", "vm").stdout
    history = host.kvmctl("history", "vm").stdout
    assert "suspended by root" in history and "it goes on where it was suspended" in history


def test_a_suspend_says_if_the_next_start_will_not_go_on(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    host.kvmctl("set", "vm", "MEMORY=64M")
    assert "its next start will not go on" in host.kvmctl("suspend", "vm").stderr
    host.kvmctl("start", "vm", expect=75)

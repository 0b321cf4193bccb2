"""The host's power is cut while VMs are created, started and stopped: finished work is whole, and nothing blocks later commands."""

import random
import re
import time

import pytest

from rig.terminal import run_inside
from rig.waiting import wait_until

MIB = 1 << 20
SIZES = [1024 * MIB, 64 * MIB]
CREATE = "kvmctl create /vms/$vm --disk 1G --disk 64M --memory 64 --net nat --vnc none"

# Creates VMs by threes, starts two of them, stops one. A line before and after each step tells how far it got.
WORK = f"""
say() {{ echo "$1 $vm"; }}
round=FIRST
while :; do
    round=$((round + 1))
    for vm in a$round b$round c$round; do say create; {CREATE} >/dev/null && say created; done
    for vm in a$round b$round; do say start; kvmctl start $vm >/dev/null && say started; done
    for vm in a$round; do say stop; kvmctl stop --now $vm >/dev/null && say stopped; done
done"""


def moments(seed, count):
    """During which step the power is cut, and how many seconds after it began. The first two are of different kinds."""
    dice = random.Random(seed)
    steps = ["start", dice.choice(["create", "stop"])] + [dice.choice(["create", "start", "stop"]) for _ in range(count - 2)]
    # The longest that such a step takes on a busy machine.
    longest = {"create": 0.5, "start": 4, "stop": 1}
    return [(step, dice.uniform(0, longest[step])) for step in steps[:count]]


@pytest.fixture
def host(lab_host):
    yield lab_host
    lab_host.run("kvmctl stop --all --now; rm -rf /vms/*", expect=None)


def work_until_cut(host, round, step, delay):
    """Cuts the power `delay` seconds into such a step; returns the host's output up to then."""
    work = host.start_running(WORK.replace("FIRST", str(round)))
    told = []
    for line in work.stdout:
        told.append(line.split())
        if told[-1][:1] == [step]:
            break
    else:
        raise AssertionError(f"{host} got as far as {told} and ended before any {step}")
    time.sleep(delay)
    host.cut_power()
    rest, _ = work.communicate()
    return told + [line.split() for line in rest.splitlines()]


def names_after(told, word):
    return {words[1] for words in told if len(words) == 2 and words[0] == word}


def assert_files_are_whole(host, created):
    """Every VM is complete or absent; the ones that `create` reported as created are complete."""
    found = {}
    for line in host.run("cd /vms && find . -type f -printf '%P %s\\n'").stdout.splitlines():
        path, size = line.rsplit(" ", 1)
        found[path] = int(size)
    complete = {path.split("/")[0] for path in found if path.endswith("/vm.params")}
    assert created <= complete, f"created, and gone after the power cut: {created - complete}"
    for vm in complete:
        sizes = [found.get(f"{vm}/vdisk{index}") for index in range(len(SIZES))]
        assert sizes == SIZES, f"the disks of {vm} have {sizes} bytes"
        text = host.run(f"cat /vms/{vm}/vm.params").stdout
        assert text.endswith("VNCDISP=none\n") and "\0" not in text, f"/vms/{vm}/vm.params is cut short: {text!r}"
    for path, size in found.items():
        if path.endswith(("vdisk0", "vdisk1")):
            assert size == SIZES[int(path[-1])], f"{path} has {size} bytes"
    return complete


def assert_nothing_is_stale(host, complete):
    states = host.states()
    # A VM that ran is rightly reported as crashed, if its record had reached the disk by then.
    assert set(states) == complete and set(states.values()) <= {"stopped", "crashed"}, states
    links = host.run("ip -brief link").stdout
    assert "tap" not in links and "kvmnat" not in links, links
    assert "kvmctl" not in host.run("nft list tables").stdout
    assert host.run("pgrep -x dnsmasq", expect=None).returncode == 1
    doctor = host.kvmctl("doctor", expect=None)
    assert doctor.returncode == 0, f"doctor finds:\n{doctor.stdout}{doctor.stderr}"


def create_again(host, vm):
    """Repeats an interrupted create."""
    result = host.run(f"vm={vm}; {CREATE}", expect=None)
    if result.returncode == 73:
        # The power was cut between naming two files: create says what is in the way.
        assert f"/vms/{vm}/vdisk" in result.stderr and "remove what is there" in result.stderr, result.stderr
        result = host.run(f"vm={vm}; rm -r /vms/$vm && {CREATE}", expect=None)
    assert result.returncode == 0, f"create {vm} again: {result.stderr}"


def start_all(host, complete):
    host.kvmctl("check", "--all", timeout=300)
    host.kvmctl("start", "--all", timeout=900)
    wait_until(lambda: host.states() == dict.fromkeys(complete, "running"), lambda: f"running VMs: {host.states()}",
               timeout=300, interval=1)


def test_power_cuts_leave_vms_whole(host, request):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    round = 0
    for step, delay in moments(seed, request.config.getoption("--power-cuts")):
        print(f"power cut {delay:.2f} s after the beginning of a {step}")
        round += 100
        told = work_until_cut(host, round, step, delay)
        host.start()
        complete = assert_files_are_whole(host, names_after(told, "created"))
        assert_nothing_is_stale(host, complete)
        for vm in names_after(told, "create") - complete:
            create_again(host, vm)
            complete.add(vm)
        start_all(host, complete)
        host.kvmctl("stop", "--all", "--now", timeout=300)
        host.kvmctl("rm", "--yes", "--disks", *complete, timeout=300)
        host.run("sync")


# Counts on the console, as long as the guest lives.
COUNT = "(n=0; while sleep 1; do n=$((n+1)); echo count $n; done &)"


def counts(host, vm):
    """What the guest has counted since the VM's last start."""
    return [int(number) for number in re.findall(r"count (\d+)\r?\n", host.kvmctl("logs", vm).stdout)]


def test_suspended_guest_goes_on_after_a_power_cut(host):
    host.write_tiny_vm("count", MEMORY=96, DISK0="disk", DISK0_SIZE="16M")
    host.kvmctl("start", "count", timeout=300)
    host.wait_console("count", "tiny: up", timeout=400)
    run_inside(host, "count", COUNT, timeout=120)
    wait_until(lambda: len(counts(host, "count")) > 2, "counts", timeout=120, interval=1)
    host.kvmctl("suspend", "count", timeout=300)
    last = counts(host, "count")[-1]
    host.cut_power()

    host.start()
    assert host.states()["count"] == "suspended"
    assert "goes on where it was suspended" in host.kvmctl("start", "count", timeout=300).stdout
    wait_until(lambda: counts(host, "count"), lambda: f"counts: {host.kvmctl('logs', 'count').stdout[-500:]}", timeout=120, interval=1)
    # From 1 it would count after a boot.
    assert last < counts(host, "count")[0] <= last + 3

"""`pause`, `resume`, `reset`, `nmi`, `restart`; a VM that QEMU itself pauses; a guest that panics."""

import hashlib
import json
import re

from rig.qmp import Monitor
from rig.terminal import run_inside
from rig.waiting import wait_until

COUNT = "(i=0; while :; do i=$((i+1)); echo count $i; usleep 50000; done &)"


def counts(host, name="vm"):
    return host.console_log(name).count("count ")


def test_a_paused_guest_stands_still_and_goes_on(host):
    host.write_tiny_vm("vm")
    host.write_firmware_vm("off")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    run_inside(host, "vm", COUNT)
    wait_until(lambda: counts(host) > 3, "a counter")
    assert host.kvmctl("pause", "vm", "--dry-run").stdout == "vm: would be paused\n"
    assert host.state("vm") == "running"
    assert host.kvmctl("pause", "vm").stdout == "vm: paused\n"
    assert host.kvmctl("pause", "vm").stdout == "vm: already paused\n"
    assert host.state("vm") == "paused"
    # The time is the one since its start.
    assert re.search(r"^state +paused, started .* ago$", host.kvmctl("show", "vm").stdout, re.M)
    before = counts(host)
    assert host.kvmctl("start", "vm").stdout.startswith("vm: already running")
    assert counts(host) == before
    [resumed] = host.json("resume", "vm")
    assert (resumed["action"], resumed["before"], resumed["changed"]) == ("resume", "paused", True)
    assert host.kvmctl("resume", "vm").stdout == "vm: already running\n"
    wait_until(lambda: counts(host) > before, "the counter again")
    # A machine that did not run is reset too, and runs then: QEMU by itself would leave it as if it had never run.
    host.kvmctl("pause", "vm")
    assert host.kvmctl("reset", "vm").stdout == "vm: reset\n"
    assert host.state("vm") == "running"
    wait_until(lambda: host.console_log("vm").count("tiny: up") == 2, "the second boot", 60)
    for verb in ("pause", "resume", "reset"):
        assert "is not running" in host.kvmctl(verb, "off", expect=75).stderr
        assert host.kvmctl(verb, "--all", "--dry-run").stdout.startswith("vm: ")


def test_a_guest_sees_an_nmi(host):
    host.write_tiny_vm("vm")
    host.write_firmware_vm("off")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    assert host.kvmctl("nmi", "vm", "--dry-run").stdout == "vm: would be sent a non-maskable interrupt\n"
    host.kvmctl("pause", "vm")
    sent = host.kvmctl("nmi", "vm")
    assert sent.stdout == "vm: sent a non-maskable interrupt\n" and "when it is resumed" in sent.stderr
    assert "NMI received" not in host.console_log("vm")
    host.kvmctl("resume", "vm")
    host.wait_console("vm", "NMI received for unknown reason")
    # Each is told of, the same word twice as one VM.
    host.kvmctl("nmi", "vm", "vm")
    assert "sent a non-maskable interrupt by root\n" in host.kvmctl("history", "vm").stdout
    run_inside(host, "vm", "echo 1 >/proc/sys/kernel/unknown_nmi_panic")
    [sent] = host.json("nmi", "--all")
    assert (sent["action"], sent["before"], sent["changed"]) == ("nmi", "running", True)
    wait_until(lambda: host.state("vm") == "crashed", lambda: f"crash: {host.show('vm')}", 30)
    assert host.show("vm")["endReason"] == "guest-panic"
    assert ", 2 times, last at " in host.kvmctl("history", "vm").stdout
    assert "is not running" in host.kvmctl("nmi", "off", "off", expect=75).stderr


def test_restart_is_a_stop_and_a_start(host):
    host.write_tiny_vm("vm", MEMORY=128)
    path = host.write_firmware_vm("deaf")
    host.write_firmware_vm("off")
    host.kvmctl("start", "vm", "deaf")
    host.wait_console("vm", "tiny: up")
    path.write_text(path.read_text().replace("MEMORY=32", "MEMORY=none"))
    pid = host.json("show", "deaf")[0]["pid"]
    assert "MEMORY" in host.kvmctl("restart", "--hard", "deaf", expect=65).stderr
    assert host.json("show", "deaf")[0]["pid"] == pid
    path.write_text(path.read_text().replace("MEMORY=none", "MEMORY=64"))
    planned = host.kvmctl("restart", "deaf", "--dry-run").stdout
    assert "would be stopped" in planned and "start deaf" in planned
    done = host.kvmctl("restart", "vm", "deaf", "off", "--timeout", "20s", "--json")
    vm, deaf, off = json.loads(done.stdout)
    assert [one["stop"]["result"] for one in (vm, deaf, off)] == ["guest", "quit", "alreadyStopped"]
    assert {one["start"]["result"] for one in (vm, deaf, off)} == {"started"}
    assert host.json("show", "deaf")[0]["memory"] == 64 << 20
    host.kvmctl("stop", "--now", "off")
    assert host.kvmctl("restart", "--hard", "--all").stdout.count("started") == 2
    assert host.state("off") == "stopped"


def test_the_agent_shuts_a_guest_down_that_hears_no_button(host):
    agent = {"INITRD": host.guests / "initrd-agent.gz"}
    for name, words in ("deaf", "tiny.deaf tiny.agent"), ("frozen", "tiny.deaf tiny.agent"):
        host.write_tiny_vm(name, words, DISK0="disk", DISK0_SIZE="16M", **agent)
    host.write_tiny_vm("hung", "tiny.agent=hung", **agent)
    host.kvmctl("start", "--all")
    for name in ("deaf", "frozen", "hung"):
        host.wait_console(name, "tiny: up")
    run_inside(host, "frozen", "mke2fs -F /dev/vda >/dev/null && mount -t ext2 /dev/vda /mnt")
    for name in ("deaf", "frozen"):
        wait_until(lambda name=name: host.kvmctl("thaw", name, expect=None).returncode == 0, "agent")
    assert host.kvmctl("freeze", "frozen").stdout == "frozen: 1 file system frozen\n"
    # The button is enough where the agent hangs.
    stopped = host.kvmctl("stop", "--all", "--timeout", "60s", timeout=90).stdout
    assert stopped.count("stopped; the guest shut down") == 3, stopped


def test_a_full_host_pauses_the_vm_until_there_is_space(host):
    host.use_own_mounts()
    host.write_tiny_vm("vm", DISK0="small/disk", DISK0_SIZE="32M")
    small = host.vms / "vm/small"
    small.mkdir()
    host.execute("mount", "-t", "tmpfs", "-o", "size=6M", "small", small)
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    run_inside(
        host, "vm",
        "mke2fs -F /dev/vda >/dev/null && mount -t ext2 /dev/vda /mnt && "
        "( (dd if=/dev/zero bs=1M count=12 | tr '\\0' y >/mnt/file; sync; echo 3 >/proc/sys/vm/drop_caches; "
        "sha256sum /mnt/file; umount /mnt; echo written-$((1 + 1)) ) & )")
    written = hashlib.sha256(b"y" * (12 << 20)).hexdigest()
    wait_until(lambda: host.state("vm") == "paused", "a pause", 60)
    [vm] = host.json("show", "vm")
    assert (vm["pauseReason"], vm["pauseCause"]) == ("noSpace", "no space left for DISK0")
    assert "no space left for DISK0" in host.kvmctl("list").stderr
    assert "no space left for DISK0" in host.kvmctl("show", "vm").stdout
    found = host.kvmctl("doctor", "vm", "--json", expect=None)
    assert "no space left for DISK0" in found.stdout
    assert "paused again at once: no space left for DISK0" in host.kvmctl("resume", "vm", expect=75).stderr
    host.execute("mount", "-o", "remount,size=64M", small)
    assert host.kvmctl("resume", "vm").stdout == "vm: resumed\n"
    host.wait_console("vm", "written-2")
    assert written in host.console_log("vm")
    host.kvmctl("stop", "vm")
    checked = host.execute("/sbin/e2fsck", "-fn", small / "disk")
    assert checked.returncode == 0, checked.stdout


def test_a_guest_does_not_flood_the_record(host):
    """Of a crash kernel that it has loaded it could tell without end: QEMU takes no such event of it."""
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    with Monitor(host.run / "vms/vm/qmp.sock") as monitor:
        [device] = [one for one in monitor.execute("qom-list", path="/machine/peripheral-anon") if one["type"] == "child<pvpanic>"]
        events = monitor.execute("qom-get", path=f"/machine/peripheral-anon/{device['name']}", property="events")
    assert events == 1


def test_a_guest_that_panics_has_crashed(host):
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    run_inside(host, "vm", "( (sleep 1; echo c >/proc/sysrq-trigger) & )")
    wait_until(lambda: host.state("vm") == "crashed", lambda: f"crash: {host.show('vm')}", 30)
    assert host.json("show", "vm")[0]["endReason"] == "guest-panic"
    assert host.kvmctl("stop", "vm").stdout == "vm: not running\n"
    host.kvmctl("start", "vm")
    assert host.state("vm") == "running"

"""`adopt PID`: a QEMU that kvmctl did not start becomes a VM, without a restart."""

import json
import os
import signal
import socket

import pytest

from rig.faults import strike, system_calls
from rig.process import Process
from rig.qmp import Monitor
from rig.vm import tiny
from rig.waiting import wait_until

QMP = ["-qmp", "unix:qmp.sock,server=on,wait=off"]


@pytest.fixture
def by_hand(host):
    """Starts a QEMU as a person would; returns its pid."""
    def start(*words, monitor=QMP, uid=None, memory=32):
        qemu = host.popen(
            "qemu-system-x86_64", "-accel", "tcg", "-m", memory, "-display", "none", *words, *monitor, uid=uid)
        wait_until(lambda: "/qemu-system" in (Process(qemu.pid).executable or ""), "QEMU")
        if monitor:
            wait_until(lambda: (host.root / "qmp.sock").exists(), "its monitor")
        return qemu.pid
    return start


def keys(text):
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))


def holds_lock(host, pid, name="vm"):
    lock = os.stat(host.run / "vms" / name / "lock").st_ino
    return any(os.stat(f"/proc/{pid}/fd/{number}").st_ino == lock for number in os.listdir(f"/proc/{pid}/fd"))


def test_a_running_machine_is_a_vm_from_then_on(host, by_hand):
    disk = host.root / "disk"
    disk.write_bytes(b"\0" * 1_048_576)
    pid = by_hand("-drive", "file=disk,if=virtio,format=raw", "-nic", "user,model=virtio,mac=52:54:00:00:00:09",
                  "-vnc", "127.0.0.1:70", "-snapshot", "-uuid", "c9a3ff0e-51c5-4a5e-9b44-4f6d5b1f7a10")
    before = os.listdir(host.vms), os.listdir(host.run)
    dry = host.kvmctl("adopt", pid, "vm", "--dry-run")
    said = dry.stdout
    assert "same UUID" not in dry.stderr
    assert (os.listdir(host.vms), [name for name in os.listdir(host.run) if name != "cache"]) == before
    assert f"would write {host.vms}/vm/vm.params, and give its lock to pid {pid}" in said
    [done] = host.json("adopt", pid, "vm")
    assert done["held"] and done["pid"] == pid
    assert [lost["argument"] for lost in done["lost"]] == ["-snapshot"]
    found = keys((host.vms / "vm/vm.params").read_text())
    assert {key: found[key] for key in ("DISK0", "NET0", "NET0_MAC", "MEMORY", "VNCDISP", "UUID", "CPU", "ACCEL")} == {
        "DISK0": str(disk), "NET0": "user", "NET0_MAC": "52:54:00:00:00:09", "MEMORY": "32M", "VNCDISP": "70",
        "UUID": "c9a3ff0e-51c5-4a5e-9b44-4f6d5b1f7a10", "CPU": "qemu64", "ACCEL": "tcg"}
    assert found["MACHINE"].startswith("pc-i440fx-")
    # The lock stays with QEMU when kvmctl's commands, clients of its monitor, are gone.
    for _ in range(2):
        assert host.state("vm") == "running" and holds_lock(host, pid) and host.lock_is_held("vm")
    shown = host.show("vm")
    assert shown["adopted"] and shown["pid"] == pid and host.kvmctl("diff", "vm").stdout
    assert "already running" in host.kvmctl("start", "vm").stdout
    host.kvmctl("pause", "vm")
    assert host.state("vm") == "paused"
    host.kvmctl("resume", "vm")
    assert "up to date" in host.kvmctl("adopt", "vm").stdout
    assert "it was adopted" in host.kvmctl("logs", "vm", expect=75).stderr
    for refused in (["console"], ["freeze"], ["suspend"], ["nic", "attach", "user"]):
        words = [refused[0], *refused[1:2], "vm", *refused[2:]]
        assert "it was adopted" in host.kvmctl(*words, expect=75).stderr
    assert "is the VM vm already" in host.kvmctl("adopt", pid, "other", expect=75).stderr
    assert "adopted by" in host.kvmctl("history", "vm").stdout
    assert "QEMU was told to quit" in host.kvmctl("stop", "vm", "--timeout", "1s").stdout
    assert not Process(pid).executable and host.state("vm") == "stopped"
    # Another one of that UUID is said to be one.
    pid = by_hand("-uuid", found["UUID"])
    twin = f"vm ({host.vms}/vm/vm.params) has the same UUID, {found['UUID']}: give one of them another"
    assert twin in host.kvmctl("adopt", pid, "twin").stderr
    assert twin in host.kvmctl("check", "twin").stdout
    host.kvmctl("stop", "twin", "--now")
    host.kvmctl("rm", "twin")
    # Now it is one of kvmctl's own.
    host.kvmctl("start", "vm")
    assert not host.show("vm")["adopted"] and (host.run / "vms/vm/serial.sock").exists()
    host.kvmctl("stop", "vm", "--now")


def test_it_may_be_the_first_command_since_the_host_was_booted(host, by_hand):
    host.run.rmdir()
    pid = by_hand("-vnc", "127.0.0.1:71,password=on")
    assert host.json("adopt", pid, "vm")[0]["held"]
    assert "the password of its screen is not known" in host.kvmctl("vnc", "vm", expect=69).stderr
    host.kvmctl("stop", "vm", "--now")


def test_what_changed_since_its_start_is_in_no_command_line(host, by_hand):
    for name in "disk", "more":
        (host.root / name).write_bytes(b"\0" * 1_048_576)
    pid = by_hand("-drive", "file=disk,if=virtio,format=raw,id=d0")
    with Monitor(host.root / "qmp.sock") as monitor:
        monitor.execute("blockdev-add", **{
            "driver": "raw", "node-name": "more", "file": {"driver": "file", "filename": str(host.root / "more")}})
        monitor.execute("device_add", driver="virtio-blk-pci", drive="more", id="plugged")
    said = host.kvmctl("adopt", pid, "vm", "--dry-run").stderr
    assert f"it has {host.root}/more too, which its command line does not name: its file lacks it" in said
    # A start from the disk below a snapshot would undo all that was written since.
    with Monitor(host.root / "qmp.sock") as monitor:
        monitor.execute("blockdev-snapshot-sync", device="d0", **{"snapshot-file": str(host.root / "live.qcow2")})
    refused = host.kvmctl("adopt", pid, "vm", expect=75).stderr
    assert f"its QEMU no longer writes to {host.root}/disk" in refused and "live.qcow2" in refused
    assert os.listdir(host.vms) == []
    os.kill(pid, signal.SIGKILL)


def test_what_the_script_of_2010_started(host, by_hand):
    host.ip("link", "add", "br7", "type", "bridge")
    host.ip("tuntap", "add", "tap0", "mode", "tap")
    host.ip("link", "set", "tap0", "master", "br7", "up")
    host.execute("qemu-img", "create", "-f", "qcow2", host.root / "vdisk0", "1M")
    pid = by_hand("-hda", "vdisk0", "-net", "nic,model=virtio,macaddr=52:54:00:00:00:01", "-net",
                  "tap,ifname=tap0,script=no,downscript=no", "-boot", "c")
    host.kvmctl("adopt", pid, "--name", "old")
    found = keys((host.vms / "old/vm.params").read_text())
    # Which format it is, QEMU was asked.
    assert (found["NET0"], found["NET0_MAC"], found["DISK0_FORMAT"]) == (
        "bridge:br7", "52:54:00:00:00:01", "qcow2")
    [nic] = host.show("old")["nics"]
    assert nic["tap"] == "tap0" and nic["mac"] == "52:54:00:00:00:01"
    # Another VM can't have that MAC meanwhile.
    host.write_vm("twin", MEMORY=32, BRIDGE="br7", MAC="52:54:00:00:00:01", VNCDISP="none")
    host.ip("link", "set", "br7", "up")
    assert "old" in host.kvmctl("start", "twin", expect=75).stderr
    os.kill(pid, signal.SIGKILL)
    Process(pid).wait_for_end()
    # Nothing recorded its end: it has not crashed, as far as anybody knows.
    assert host.state("old") == "stopped"


def test_its_guest_is_asked_to_shut_down(host, by_hand):
    found = tiny(host.guests, "console=ttyS0 no_timer_check")
    pid = by_hand("-kernel", found["KERNEL"], "-initrd", found["INITRD"], "-append", found["APPEND"].strip("'"),
                  "-serial", f"file:{host.root}/serial", memory=128)
    host.kvmctl("adopt", pid, "vm")
    wait_until(lambda: "tiny: up" in (host.root / "serial").read_text(errors="replace"), "guest", 90)
    [done] = host.json("stop", "vm")
    assert done["result"] == "guest" and host.state("vm") == "stopped"


@pytest.mark.parametrize("monitor, word", [
    ([], "has no QMP socket"), (["-monitor", "unix:qmp.sock,server=on,wait=off"], "monitor for people (HMP)")])
def test_without_qmp_it_is_only_shown(host, by_hand, monitor, word):
    pid = by_hand("-nic", "none", monitor=monitor)
    done = host.kvmctl("adopt", pid, "vm", expect=69)
    assert word in done.stderr and "MEMORY=32M" in done.stdout and os.listdir(host.vms) == []
    done = host.execute(host.binary, "adopt", str(pid), "vm", "--json")
    [element] = json.loads(done.stdout)
    assert element["error"]["code"] == 69 and element["dryRun"] and not element["held"] and element["lines"]
    assert f"pid {pid} runs on without kvmctl" in host.kvmctl("adopt", pid, "vm", "--file-only").stdout
    assert host.state("vm") == "stopped" and Process(pid).executable
    assert "already the name of a VM" in host.kvmctl("adopt", pid, "vm", "--file-only", expect=73).stderr


def test_what_is_no_vm(host, by_hand):
    assert "no such process" in host.kvmctl("adopt", "4194000", "vm", expect=66).stderr
    sleep = host.popen("sleep", "60")
    wait_until(lambda: "sleep" in (Process(sleep.pid).executable or ""), "sleep")
    assert "is not a QEMU" in host.kvmctl("adopt", sleep.pid, "vm", expect=64).stderr
    pid = by_hand("-S")
    assert "has not run yet" in host.kvmctl("adopt", pid, "vm", expect=75).stderr
    with Monitor(host.root / "qmp.sock") as monitor:
        monitor.execute("cont")
        assert "another client" in host.kvmctl("adopt", pid, "vm", expect=124).stderr
    assert "nothing says what to call it" in host.kvmctl("adopt", pid, expect=64).stderr
    assert os.listdir(host.vms) == []
    host.write_firmware_vm("own")
    host.kvmctl("start", "own")
    assert "is the VM own already" in host.kvmctl("adopt", host.show("own")["pid"], "vm", expect=75).stderr
    host.kvmctl("stop", "own", "--now")


def test_one_process_becomes_one_vm(host, by_hand):
    pid = by_hand("-name", "a web server", "-nic", "none")
    assert "its -name, 'a web server', can't be a VM's name" in host.kvmctl("adopt", pid, expect=64).stderr
    tries = [host.popen(host.binary, "adopt", pid, f"vm{number}") for number in range(6)]
    said = [adopting.communicate(timeout=60)[1] for adopting in tries]
    assert sorted(adopting.returncode for adopting in tries) == [0] + 5 * [75], said
    assert all(f"pid {pid}: is the VM vm" in text for adopting, text in zip(tries, said) if adopting.returncode)
    assert [vm["state"] for vm in host.json("list")] == ["running"] and len(os.listdir(host.vms)) == 1
    host.kvmctl("stop", "--all", "--now")


def test_a_screen_keeps_its_password_or_is_closed(host, by_hand):
    pid = by_hand("-vnc", "0.0.0.0:71,password=on", "-nic", "user")
    adopted = host.kvmctl("adopt", pid, "vm")
    assert "its password: name a file of it in VNCPASSWORD_FILE" in adopted.stdout
    assert "sit in other slots" in adopted.stderr
    vnc = host.show("vm")["vnc"]
    assert (vnc["address"], vnc["hasPassword"]) == ("0.0.0.0", True)
    assert "it was adopted" in host.kvmctl("diff", "vm").stdout
    host.kvmctl("restart", "vm", "--now")
    assert host.show("vm")["vnc"]["address"] == "127.0.0.1"
    host.kvmctl("stop", "vm", "--now")


def test_another_users_process(host, by_hand):
    pid = by_hand(monitor=[], uid=65534)
    assert "could write anything into its command line" in host.kvmctl("adopt", pid, "vm", expect=77).stderr
    assert os.listdir(host.vms) == []


def test_a_socket_in_which_somebody_else_listens(host, by_hand):
    """It was the process's own when it was adopted; whoever may write to its directory can replace it."""
    pid = by_hand("-nic", "none")
    host.kvmctl("adopt", pid, "vm")
    (host.root / "qmp.sock").unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(host.root / "qmp.sock"))
        other.listen(9)
        other.settimeout(0.2)
        assert "the monitor can't be reached" in host.kvmctl("pause", "vm", expect=69).stderr
        assert host.state("vm") == "running"
        while True:
            try:
                client, _ = other.accept()
            except TimeoutError:
                break
            assert client.recv(100) == b""
        host.kvmctl("stop", "vm", "--timeout", "1s")
    assert not Process(pid).executable


def test_a_command_line_that_lies(host, by_hand):
    pid = by_hand(
        "-nic", "none", "-fw_cfg", "name=opt/x,string='; reboot #", "-fw_cfg", "name=opt/y,string=a\nRUNAS=root")
    [done] = host.json("adopt", pid, "vm")
    assert "\nRUNAS" in done["lost"][-1]["argument"] and done["lost"][-1]["reason"] == "no line can hold it"
    text = (host.vms / "vm/vm.params").read_text()
    assert "RUNAS" not in keys(text) and host.kvmctl("check", "vm")
    said = host.execute("env", "-i", "sh", "-c", f"set -a; . {host.vms}/vm/vm.params; env -0").stdout
    assert "QEMUARG1=name=opt/x,string='; reboot #" in said.split("\0")
    host.kvmctl("stop", "vm", "--now")


@pytest.mark.parametrize("samples", [6, pytest.param(40, marks=pytest.mark.deep)])
def test_a_command_that_is_killed(host, by_hand, samples):
    """QEMU runs on; there is a whole file or none, and what kvmctl says of the VM is so."""
    pid = by_hand("-nic", "none")
    calls = system_calls(host, "adopt", str(pid), "vm0", since="locks")
    host.kvmctl("stop", "vm0", "--timeout", "1s")
    for number, call in enumerate(calls[::max(1, len(calls) // samples)]):
        (host.root / "qmp.sock").unlink(missing_ok=True)
        pid = by_hand("-nic", "none")
        name = f"killed{number}"
        strike(host, call, "signal=SIGKILL", "adopt", str(pid), name)
        assert Process(pid).executable
        file = host.vms / name / "vm.params"
        states = {vm["name"]: vm["state"] for vm in host.json("list")}
        assert states.get(name, "stopped") in ("stopped", "running")
        if file.exists():
            assert host.kvmctl("check", name)
        if states.get(name) == "running":
            assert file.exists() and holds_lock(host, pid, name)
            host.kvmctl("stop", name, "--timeout", "1s")
            assert not Process(pid).executable
        else:
            Process(pid).kill()


def test_a_user_adopts_their_own(rootless_host):
    qemu = rootless_host.popen(
        "qemu-system-x86_64", "-accel", "tcg", "-m", "32", "-display", "none", "-nic", "none", "-qmp",
        f"unix:{rootless_host.run}/q.sock,server=on,wait=off")
    roots = rootless_host.popen("qemu-system-x86_64", "-accel", "tcg", "-m", "32", "-display", "none", "-S", uid=0)
    wait_until(lambda: (rootless_host.run / "q.sock").exists() and Process(roots.pid).executable, "QEMU")
    rootless_host.kvmctl("adopt", qemu.pid, "vm")
    assert rootless_host.state("vm") == "running" and holds_lock(rootless_host, qemu.pid)
    assert "another user" in rootless_host.kvmctl("adopt", roots.pid, "other", expect=77).stderr
    rootless_host.kvmctl("stop", "vm", "--timeout", "1s")
    assert not Process(qemu.pid).executable

"""What a guest shows, in one look: `doctor VM`, `show --guest`; and of one that crashed, its last words."""

import json
import os
import signal

from rig.terminal import run_inside
from rig.waiting import wait_until


def examined(host, name, expect=0):
    """What `doctor` says of the VM."""
    return [one for one in json.loads(host.kvmctl("doctor", name, "--json", expect=expect).stdout) if one["subject"] == name]


def write_without_initrd(host, name, words):
    """A VM whose kernel finds no root file system."""
    path = host.write_tiny_vm(name, words)
    path.write_text("".join(line for line in path.read_text().splitlines(True) if "INITRD" not in line))


def test_a_guest_that_is_well(host):
    host.write_tiny_vm("vm", "tiny.agent tiny.login", INITRD=host.guests / "initrd-agent.gz", NET0="user")
    host.kvmctl("start", "vm")
    host.kvmctl("wait", "vm", "--for", "agent")
    [found] = examined(host, "vm")
    assert found["severity"] == "ok" and found["text"].startswith("up: the guest agent answers")
    assert found["symptom"] is None
    guest = host.json("show", "vm", "--guest")[0]["guest"]
    assert (guest["stage"], guest["agent"], guest["symptoms"]) == ("up", "answers", [])
    assert "\nguest        up: the guest agent answers" in host.kvmctl("show", "vm", "--guest").stdout
    assert host.show("vm")["guest"] is None and "guest  " not in host.kvmctl("show", "vm").stdout


def test_a_guest_that_is_stuck(host):
    host.write_firmware_vm("empty")
    host.kvmctl("start", "empty")
    host.kvmctl("wait", "empty", expect=69)
    [found] = examined(host, "empty", expect=69)
    assert found["severity"] == "problem" and found["symptom"] == "noBootableDevice" and found["stage"] == "firmware"
    assert "its firmware found nothing to boot" in found["text"] and "kvmctl start --cdrom" in found["step"]
    shown = host.kvmctl("show", "empty", "--guest").stdout
    assert "symptom" in shown and "its firmware found nothing to boot" in shown and "DISK0" in shown
    host.kvmctl("stop", "--now", "empty")
    # What it came to is in the firmware's own log too, of the VM's last run.
    assert "No bootable device." in host.kvmctl("logs", "--firmware", "empty").stdout
    [found] = examined(host, "empty")
    assert found["severity"] == "warning" and found["symptom"] == "noBootableDevice"
    assert "not running: it was stopped (QEMU was told to quit); last stage: firmware; in its last run its firmware" in found["text"]


def test_the_last_words_of_a_guest_that_panicked(host):
    """The kernel of the rig has no driver of the panic device before its initramfs: it only says so, which is no proof."""
    write_without_initrd(host, "lost", "root=/dev/vda1")
    host.kvmctl("start", "lost")
    host.wait_console("lost", "end Kernel panic")
    stopped = host.kvmctl("stop", "lost", "--timeout", "3s").stdout
    assert "did not shut down in 3s (its kernel panicked: it can't mount the root file system); QEMU was told to quit" in stopped
    assert "POWERDOWN" in (host.run / "log/lost/record").read_text()
    [found] = examined(host, "lost")
    assert found["severity"] == "warning" and found["symptom"] == "panicNoRoot" and "INITRD" in found["step"]
    assert "Unable to mount root fs" in found["line"]


def test_a_guest_that_crashed(host):
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    # What its kernel says of init, whose end it would not survive, with the panic device's driver.
    run_inside(host, "vm", "( (sleep 1; kill -9 -1; echo 'Attempted to kill init!' >/dev/kmsg; echo c >/proc/sysrq-trigger) & )")
    wait_until(lambda: host.state("vm") == "crashed", lambda: f"crash: {host.show('vm')}", 30)
    vm = host.show("vm")
    assert vm["crash"]["symptom"] in ("panic", "panicNoInit") and vm["crash"]["line"] and vm["crash"]["remedy"]
    shown = host.kvmctl("show", "vm").stdout
    assert "cause  " in shown and "its kernel panicked" in shown and "what to do" in shown
    with open(vm["crashRecord"]) as record:
        text = record.read()
    assert "cause  " in text and "its kernel panicked" in text and "what to do" in text
    assert "crashed: its kernel panicked" in host.kvmctl("history", "vm").stdout
    [found] = examined(host, "vm", expect=69)
    assert found["severity"] == "problem" and found["symptom"] == vm["crash"]["symptom"]


def test_a_qemu_that_does_not_answer(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    pid = host.show("vm")["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        [found] = examined(host, "vm")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert found["severity"] == "warning" and found["symptom"] == "unresponsive"
    assert "its QEMU does not answer" in found["text"] and "kvmctl logs --qemu vm" in found["step"]


def test_several_at_once_and_bridges(host):
    host.write_firmware_vm("one")
    host.write_firmware_vm("two")
    host.kvmctl("start", "one", "two")
    host.kvmctl("pause", "one")
    host.kvmctl("wait", "two", expect=69)
    said = host.kvmctl("doctor", "one", "two", expect=69).stdout
    assert "one: it is paused" in said and "`kvmctl resume one`" in said
    assert "two: its firmware found nothing to boot" in said
    # Without names no guest is looked at.
    assert "its firmware" not in host.kvmctl("doctor", expect=None).stdout


def test_one_that_never_ran(host):
    host.write_firmware_vm("vm")
    [found] = examined(host, "vm")
    assert (found["severity"], found["text"]) == ("ok", "not running")
    # That is no news where something keeps it from starting.
    host.write_firmware_vm("vm", DISK0="missing")
    [found] = examined(host, "vm", expect=69)
    assert found["severity"] == "problem" and "does not exist" in found["text"]

"""Every step of `kvmctl stop`."""

import contextlib
import os
import signal
import socket
import subprocess
import time

from rig.qmp import Monitor
from rig.terminal import console
from rig.waiting import wait_until


def qmp(path, command):
    """Has one command carried out by the monitor at `path`; what it returned."""
    with Monitor(path, timeout=10) as connection:
        return connection.execute(command)


def monitor(host):
    return host.run / "vms" / "vm" / "qmp.sock"


def record(host):
    return (host.run / "log" / "vm" / "record").read_text()


def run_state(host):
    return qmp(monitor(host), "query-status")["status"]


def tell_guest(host, *lines):
    """Types lines, each shorter than the terminal is wide, to the shell on the guest's console."""
    with console(host, "vm") as terminal:
        terminal.sendline("")
        terminal.expect("#")
        for line in lines:
            terminal.sendline(line)
            # The echo: the guest has read the line.
            terminal.expect_exact(line)
            terminal.expect("\n")


def start_tiny(host, words=""):
    host.write_tiny_vm("vm", words=words)
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")


def test_acpi(host):
    start_tiny(host)
    host.kvmctl("stop", "vm")
    assert "tiny: power button" in host.console_log("vm")
    assert host.state("vm") == "stopped"
    host.assert_nothing_left()


def test_guest_that_is_still_booting(host):
    """The first press of the button is missed; it is repeated."""
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.kvmctl("stop", "vm", timeout=90)
    assert "tiny: power button" in host.console_log("vm")


def test_guest_that_ignores_acpi(host):
    start_tiny(host, words="tiny.deaf")
    result = host.kvmctl("stop", "vm", "--timeout", "2s")
    assert "quit" in result.stdout + result.stderr
    assert host.state("vm") == "stopped"
    host.assert_nothing_left()


def test_paused_guest(host):
    start_tiny(host)
    qmp(monitor(host), "stop")
    assert host.state("vm") == "paused"
    host.kvmctl("stop", "vm")
    assert "tiny: power button" in host.console_log("vm")


def test_now(host):
    start_tiny(host)
    began = time.monotonic()
    host.kvmctl("stop", "vm", "--now")
    assert time.monotonic() - began < 5
    assert "tiny: power button" not in host.console_log("vm")
    host.assert_nothing_left()


def test_stopping_what_is_stopped(host):
    host.write_firmware_vm("vm")
    assert "vm" in host.kvmctl("stop", "vm").stdout
    assert host.state("vm") == "stopped"


def test_several_go_on_after_a_failure(host):
    for name in ("a", "b"):
        host.write_firmware_vm(name)
    host.kvmctl("start", "a", "b")
    result = host.kvmctl("stop", "--now", "a", "missing", "b", expect=1)
    assert "missing" in result.stderr
    assert host.qemus() == []


def test_qemu_that_does_not_obey_is_killed(bridged_host):
    """Stopped by SIGSTOP, it takes neither the power button nor `quit` nor SIGTERM."""
    host = bridged_host
    host.write_firmware_vm("vm", NET0="bridge:br0")
    host.kvmctl("start", "vm")
    os.kill(host.qemu().pid, signal.SIGSTOP)
    result = host.kvmctl("stop", "vm")
    assert "does not answer" in result.stdout and "killed" in result.stdout
    shown = host.show("vm")
    assert shown["state"] == "stopped" and shown["endReason"] == "kvmctl-sigkill"
    host.assert_nothing_left()


def test_monitor_that_nobody_can_reach(host):
    """Its socket was removed, so it can't be reached; SIGTERM still works, and no data is lost."""
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    monitor(host).unlink()
    result = host.kvmctl("stop", "vm")
    assert "could not be asked" in result.stdout and "told to quit" in result.stdout
    assert host.show("vm")["endReason"] == "host-signal"


def test_monitor_that_refuses_connections_is_no_end_of_the_guest(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    monitor(host).unlink()
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(monitor(host)))  # without listening
        result = host.kvmctl("stop", "vm", timeout=90)
    assert "the guest shut down" not in result.stdout
    assert host.show("vm")["endReason"] == "host-signal"
    host.assert_nothing_left()


def test_now_goes_ahead_of_a_patient_stop(host):
    start_tiny(host, words="tiny.deaf")
    patient = host.popen(host.binary, "stop", "vm", "--timeout", "10m")
    wait_until(lambda: "POWERDOWN" in record(host), "press of the button")
    assert "told to quit" in host.kvmctl("stop", "vm", "--now").stdout
    output, errors = patient.communicate(timeout=60)
    assert patient.returncode == 0, errors
    # The guest did not end it.
    assert "the guest shut down" not in output and "told to quit" in output
    host.assert_nothing_left()


def test_qemu_that_crashes_while_the_guest_is_asked(host):
    start_tiny(host, words="tiny.deaf")
    patient = host.popen(host.binary, "stop", "vm", "--timeout", "10m")
    wait_until(lambda: "POWERDOWN" in record(host), "press of the button")
    host.qemu().kill()
    output, _ = patient.communicate(timeout=60)
    assert "did not record why" in output


@contextlib.contextmanager
def small_file_system(host, size):
    """A directory of limited size."""
    place = host.root / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "small", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def test_guest_stopped_by_a_full_disk(host):
    """QEMU pauses a machine when the host's disk is full; once there is room, it goes on, and sees the button."""
    with small_file_system(host, "4M") as place:
        ballast = place / "ballast"
        ballast.write_bytes(bytes(3 << 20))
        host.write_tiny_vm("vm", DISK0=place / "disk", DISK0_SIZE="64M")
        host.kvmctl("start", "vm")
        host.wait_console("vm", "tiny: up")
        tell_guest(host, "dd if=/dev/urandom of=/dev/vda bs=64k count=46 conv=fsync")
        wait_until(lambda: run_state(host) == "io-error", "halt by a full disk", timeout=90)
        assert host.state("vm") == "paused"

        ballast.unlink()
        result = host.kvmctl("stop", "vm", timeout=90)
        assert "the guest shut down" in result.stdout
        assert "tiny: power button" in host.console_log("vm")


def test_guest_stopped_by_a_disk_that_stays_full(host):
    with small_file_system(host, "1M") as place:
        host.write_tiny_vm("vm", DISK0=place / "disk", DISK0_SIZE="64M")
        host.kvmctl("start", "vm")
        host.wait_console("vm", "tiny: up")
        tell_guest(host, "dd if=/dev/urandom of=/dev/vda bs=64k count=46 conv=fsync")
        wait_until(lambda: run_state(host) == "io-error", "halt by a full disk", timeout=90)
        host.kvmctl("stop", "vm", "--timeout", "3s", timeout=90)
        assert host.state("vm") == "stopped"
        host.assert_nothing_left()


def test_guest_that_has_panicked_is_not_asked(host):
    """The panic device reports it: the guest writes the bit that a kernel panic would write."""
    extra = ["-device", "pvpanic-pci,addr=1e.0", "-action", "panic=pause"]
    host.write_tiny_vm("vm", **{f"QEMUARG{index}": word for index, word in enumerate(extra)})
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    tell_guest(
        host, "p=/sys/bus/pci/devices/0000:00:1e.0", "echo 1 >$p/enable; read a b <$p/resource", "devmem $a 8 1")
    wait_until(lambda: run_state(host) == "guest-panicked", "panic")
    result = host.kvmctl("stop", "vm", "--timeout", "10m")
    assert "guest-panicked" in result.stdout and "told to quit" in result.stdout
    assert "POWERDOWN" not in record(host)


def test_sleeping_guest_is_woken_up_and_shuts_down(host):
    # On q35, with QEMU 7.2, the guest gets no ACPI event after its sleep.
    host.write_tiny_vm("vm", MACHINE="pc")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    tell_guest(host, "echo mem >/sys/power/state")
    wait_until(lambda: run_state(host) == "suspended", "sleep")
    assert host.state("vm") == "sleeping"
    for words in ["nmi", "vm"], ["pause", "vm"], ["suspend", "vm"], ["freeze", "vm"], ["fstrim", "vm"]:
        said = host.kvmctl(*words, expect=75).stderr
        assert "its guest sleeps" in said and "kvmctl resume vm" in said
    assert "its guest sleeps" in host.kvmctl("exec", "vm", "--", "true", expect=125).stderr
    result = host.kvmctl("stop", "vm", timeout=90)
    assert "the guest shut down" in result.stdout

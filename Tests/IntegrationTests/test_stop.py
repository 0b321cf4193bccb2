"""Every rung of `kvmctl stop`."""

import json
import socket
import time


def qmp(path, command):
    """Has one command carried out by the monitor at `path`."""
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.settimeout(10)
        monitor.connect(str(path))
        lines = monitor.makefile("rw")
        lines.readline()  # the greeting
        for name in ("qmp_capabilities", command):
            lines.write(json.dumps({"execute": name}) + "\n")
            lines.flush()
            while "return" not in (answer := json.loads(lines.readline())):
                assert "error" not in answer, answer


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
    """The first press of the button is lost; it is repeated."""
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
    qmp(host.run / "vms" / "vm" / "qmp.sock", "stop")
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

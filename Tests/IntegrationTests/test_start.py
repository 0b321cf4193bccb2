"""Starting: twice, in the foreground, only on paper, and failing."""

import signal
from pathlib import Path

from rig.waiting import wait_until


def test_starting_what_runs(host):
    host.write_firmware_vm("vm")
    assert "vm: started" in host.kvmctl("start", "vm").stdout
    assert "vm: already running" in host.kvmctl("start", "vm").stdout
    assert host.qemu()


def test_foreground_is_qemu_itself(host):
    host.write_tiny_vm("vm")
    start = host.popen(host.binary, "start", "vm", "--foreground")
    host.wait_console("vm", "tiny: up")
    assert host.qemu().pid == start.pid
    assert host.state("vm") == "running"

    start.send_signal(signal.SIGTERM)
    assert start.wait(timeout=30) == 0
    assert host.state("vm") == "stopped"
    host.assert_nothing_left()


def test_foreground_takes_its_tap_along(bridged_host):
    host = bridged_host
    host.write_firmware_vm("vm", NET0="bridge:br0")
    start = host.popen(host.binary, "start", "vm", "--foreground")
    wait_until(lambda: host.state("vm") == "running", "running VM")
    assert len(host.taps()) == 1
    start.kill()
    start.wait(timeout=30)
    assert host.taps() == {}


def everything(host):
    """All files below the host's directory, with size and time, and all links."""
    files = {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in host.root.rglob("*")}
    return files, sorted(host.links())


def test_dry_run_touches_nothing_and_needs_no_root(bridged_host):
    host = bridged_host
    host.root.chmod(0o755)
    host.write_firmware_vm("vm", NET0="bridge:br0", DISK0="new", DISK0_SIZE="1G")
    before = everything(host)
    plan = host.kvmctl("start", "vm", "--dry-run").stdout
    assert "qemu-system-x86_64" in plan and "br0" in plan
    assert host.kvmctl("start", "vm", "--dry-run", uid=65534).stdout
    host.kvmctl("create", host.vms / "other", "--disk", "1G", "--dry-run")
    host.kvmctl("net", "up", "br1", "--dry-run")
    assert everything(host) == before
    assert host.qemus() == []


def test_what_qemu_said_is_shown(host):
    host.write_firmware_vm("vm", QEMUARG0="-device", QEMUARG1="no-such-device")
    result = host.kvmctl("start", "vm", expect=69)
    assert "no-such-device" in result.stderr
    assert host.state("vm") == "stopped"
    host.assert_nothing_left()


def test_second_file_of_the_same_name(host):
    first = host.write_firmware_vm("first", NAME="vm")
    second = host.write_firmware_vm("second", NAME="vm")
    host.kvmctl("start", first)
    result = host.kvmctl("start", second, expect=75)
    assert str(first) in result.stderr and str(second) in result.stderr
    assert host.qemu()


def has_kvm():
    """Whether stock guests have a KVM here: that of a processor, not of paravirtual guests alone."""
    modules = Path("/sys/module")
    return Path("/dev/kvm").exists() and any((modules / name).exists() for name in ("kvm_intel", "kvm_amd"))


def test_accelerator_is_what_the_host_has(host):
    """KVM where it runs guests, and then a guest runs in it; else TCG, saying why, and no KVM for who insists on it."""
    host.write_tiny_vm("auto")
    said = host.kvmctl("start", "auto").stderr
    host.write_tiny_vm("kvm", ACCEL="kvm")
    if has_kvm():
        host.kvmctl("start", "kvm")
        for name in ("auto", "kvm"):
            assert host.show(name)["accelerator"] == "kvm"
            host.wait_console(name, "tiny: up")
    else:
        assert "TCG" in said
        assert host.show("auto")["accelerator"] == "tcg"
        assert "KVM can't be used" in host.kvmctl("start", "kvm", expect=69).stderr

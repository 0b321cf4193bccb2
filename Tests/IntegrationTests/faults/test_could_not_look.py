"""What could not be read is never taken for absent."""

import json
import os
import signal

import pytest

from rig.faults import with_descriptors, with_fault

ERRORS = ["EMFILE", "ENFILE", "ENOMEM", "EIO", "ESTALE", "EACCES"]
# The files that tell whether a VM runs, and whose it is.
FILES = ["process", "manifest.json"]


@pytest.fixture
def running_vm(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    return host


@pytest.mark.parametrize("file", FILES)
def test_a_running_vm_is_never_said_to_be_stopped(running_vm, file):
    host = running_vm
    path = host.run / "vms/vm" / file
    for error in ERRORS:
        code = 77 if error == "EACCES" else 69
        listed = with_fault(host, path, error, "list", "--json")
        [vm] = json.loads(listed.stdout)
        assert (vm["state"], listed.returncode) == ("unknown", code), (error, listed)
        assert "vm" in listed.stderr and vm["unseen"]
        for command in (["stop", "--now", "vm"], ["stop", "--all", "--now"], ["stop", "--dry-run", "vm"], ["rm", "vm"]):
            result = with_fault(host, path, error, *command)
            assert result.returncode == (1 if "--all" in command else code), (error, result)
            assert "not running" not in result.stdout and "vm" in result.stderr
        assert "unknown" in with_fault(host, path, error, "show", "vm").stdout
        for command in ("console", "ip"):
            assert with_fault(host, path, error, command, "vm").returncode == code, (error, command)
    assert host.state("vm") == "running" and (host.vms / "vm/vm.params").exists()


def test_the_lock_is_not_asked_where_the_process_is_known(running_vm):
    host = running_vm
    for error in ERRORS:
        assert "running" in with_fault(host, host.run / "vms/vm/lock", error, "list").stdout
        dry = with_fault(host, host.run / "vms/vm/lock", error, "stop", "--dry-run", "vm")
        assert "would be stopped" in dry.stdout and dry.returncode == 0


@pytest.mark.parametrize("error", ERRORS)
def test_a_record_that_can_not_be_read(running_vm, error):
    """The VM certainly runs; how the last run ended is not known."""
    host = running_vm
    record = host.run / "log/vm/record"
    listed = with_fault(host, record, error, "list", "--json")
    assert json.loads(listed.stdout)[0]["state"] == "running" and listed.returncode != 0 and "record" in listed.stderr
    assert "stopped" in with_fault(host, record, error, "stop", "--now", "vm").stdout
    assert host.qemus() == []
    listed = with_fault(host, record, error, "list", "--json")
    assert json.loads(listed.stdout)[0]["state"] == "unknown" and listed.returncode != 0


def test_a_process_that_can_not_be_looked_at(running_vm):
    """The lock says that the VM runs, but not as which process, so none is killed."""
    host = running_vm
    status = f"/proc/{host.qemu().pid}/stat"
    for error in ("EMFILE", "EIO", "ENOMEM"):
        assert "running" in with_fault(host, status, error, "list").stdout
        stopped = with_fault(host, status, error, "stop", "--now", "vm")
        assert stopped.returncode == 75 and "can't tell from here which process" in stopped.stderr
        assert with_fault(host, status, error, "rm", "vm").returncode == 75
        started = with_fault(host, status, error, "start", "vm")
        assert "already running" in started.stdout, started
    # Neither the process nor the lock can be read.
    both = host.execute(
        "strace", "-f", "-o", "/dev/null", "-P", status, "-P", host.run / "vms/vm/lock", "-e",
        "inject=openat:error=EIO", host.binary, "list")
    assert "unknown" in both.stdout and both.returncode == 69
    assert host.state("vm") == "running"


@pytest.mark.parametrize("calls", ["openat", "getdents64"])
def test_directories_that_can_not_be_listed(running_vm, calls):
    host = running_vm
    for directory, said in ((host.run / "vms", "which VMs are running"), (host.vms, "can't be read")):
        for command in (["list"], ["stop", "--all", "--now", "--dry-run"]):
            result = with_fault(host, directory, "EIO", *command, calls=calls)
            assert result.returncode != 0 and said in result.stderr, (directory, command, result)
    # The VM is still found by its name.
    assert "vm" in with_fault(host, host.run / "vms", "EIO", "list").stdout


def test_a_place_that_can_not_be_looked_at_is_no_missing_vm(host):
    host.write_firmware_vm("vm")
    params = host.vms / "vm/vm.params"
    for error, code in (("EIO", 69), ("EACCES", 77)):
        for command in ("start", "stop", "show", "check", "rm"):
            result = with_fault(host, params, error, command, "vm", calls="access,faccessat,faccessat2,openat,newfstatat")
            assert result.returncode == code, (command, result)


def test_another_machine_is_not_started_where_machine_id_can_not_be_read(host):
    """Without the machine-id the guest would have another UUID, and other addresses."""
    host.write_firmware_vm("vm")
    for command in ("start", "check"):
        result = with_fault(host, "/etc/machine-id", "EIO", command, "vm")
        assert result.returncode == 69 and "/etc/machine-id" in result.stderr
    host.assert_nothing_left()


def test_a_disk_whose_users_can_not_be_seen_stays(host):
    for name in ("vm", "other"):
        host.kvmctl("create", host.vms / name, "--disk", "1M", "--memory", "32", "--net", "none")
    disk = host.vms / "vm/vdisk0"
    for path, calls in ((disk, "fcntl"), ("/proc/swaps", "openat"), ("/proc/swaps", "read")):
        result = with_fault(host, path, "EIO", "rm", "vm", "--disks", calls=calls)
        assert result.returncode == 69 and str(path) in result.stderr, (path, calls, result)
    # A disk declared as raw has no backing file.
    params = host.vms / "other/vm.params"
    params.write_text(params.read_text().replace("DISK0_FORMAT=raw", "DISK0_FORMAT=qcow2"))
    # The other VM may use the disk too, or have a disk based on it.
    for path, calls in ((host.vms / "other/vm.params", "openat"), (host.vms / "other/vdisk0", "openat,read")):
        kept = with_fault(host, path, "EIO", "rm", "vm", "--disks", "--dry-run", calls=calls)
        assert f"{path} can't be read, so another VM might use it" in kept.stdout, (path, kept)
    assert disk.exists()
    # An unreadable disk of the VM itself can be removed.
    assert f"removed {disk}" in with_fault(host, disk, "EIO", "rm", "vm", "--disks", calls="read").stdout


def test_as_many_vms_as_descriptors(host):
    names = [f"v{number}" for number in range(6)]
    for name in names:
        host.write_firmware_vm(name, MEMORY=16)
    host.kvmctl("start", "--all")
    listed = with_descriptors(host, 14, "list", "--json")
    assert {vm["name"]: vm["state"] for vm in json.loads(listed.stdout)} == dict.fromkeys(names, "running")
    assert listed.returncode == 0
    # A VM that hangs does not delay the ones asked after it.
    hung = host.show("v0")["pid"]
    os.kill(hung, signal.SIGSTOP)
    states = {vm["name"]: vm["state"] for vm in json.loads(with_descriptors(host, 20, "list", "--json").stdout)}
    assert states == {**dict.fromkeys(names, "running"), "v0": "unresponsive"}
    os.kill(hung, signal.SIGCONT)
    stopped = with_descriptors(host, 24, "stop", "--all", "--timeout", "1s")
    assert stopped.returncode == 0 and stopped.stdout.count("stopped;") == len(names), stopped
    host.assert_nothing_left()


def test_too_few_descriptors_for_anything(running_vm):
    host = running_vm
    for number in range(3, 9):
        result = with_descriptors(host, number, "stop", "--now", "--dry-run", "vm")
        assert "not running" not in result.stdout and (result.returncode != 0 or "would be stopped" in result.stdout)
    assert host.state("vm") == "running"

"""What a guest that took over QEMU can do with its descriptors: pass them on, release locks, write to them."""

import ctypes
import fcntl
import os
import struct

import pytest

from rig.host import NOBODY
from rig.waiting import wait_until

libc = ctypes.CDLL(None, use_errno=True)
PIDFD_GETFD = 438


def take(process, number):
    """Duplicates a descriptor of a process, as if it had been passed on (pidfd_getfd(2), unix(7))."""
    pidfd = os.pidfd_open(process.pid)
    try:
        taken = libc.syscall(PIDFD_GETFD, pidfd, number, 0)
        assert taken >= 0, os.strerror(ctypes.get_errno())
        return taken
    finally:
        os.close(pidfd)


def take_all_below(process, directory):
    """A process's descriptors of files below a directory, by path."""
    return {path: take(process, number) for number, path in process.descriptors.items() if path.startswith(f"{directory}/")}


def let_go(taken):
    for descriptor in taken.values():
        os.close(descriptor)


def mode(process, number):
    flags = (process.directory / "fdinfo" / str(number)).read_text()
    return int(next(line for line in flags.splitlines() if line.startswith("flags")).split()[1], 8) & os.O_ACCMODE


def test_qemu_can_write_only_what_it_has_to(bridged_host):
    host = bridged_host
    params = host.write_firmware_vm(
        "vm", NET0="isolated:lab", NET1="nat", FORWARD0="tcp:127.0.0.1:2222:22", NET2="macvtap:br0", NET2_RATE="100M",
        DISK0="disk", DISK0_SIZE="1M", VNCDISP="auto", ACCEL="tcg")
    host.kvmctl("start", "vm", "--cdrom", host.guests / "install.iso")
    qemu = host.qemu()
    writable = {path for number, path in qemu.descriptors.items() if path.startswith("/") and mode(qemu, number) != os.O_RDONLY}
    logs = {str(host.run / "log" / "vm" / name) for name in ("record", "qemu.log", "console.log", "firmware.log")}
    disk = str(params.with_name("disk"))
    # The macvtap's device node is where nobody else can see it.
    assert {path for path in writable if not path.startswith(("/dev/", "/memfd:"))} == logs | {disk, "/tap"}
    assert {path for path in writable if path.startswith("/dev/")} <= {"/dev/net/tun", "/dev/vhost-net", "/dev/kvm", "/dev/null"}
    # Files in memory are sealed, however they are opened.
    memory = [number for number, path in qemu.descriptors.items() if path.startswith("/memfd:")]
    assert len(memory) == 2  # what the recording monitor reads, and the password
    for number in memory:
        descriptor = take(qemu, number)
        with pytest.raises(PermissionError):
            os.write(descriptor, b"x")
        os.close(descriptor)


def test_a_lock_that_a_dead_qemu_passed_on_blocks_nobody(host):
    host.write_firmware_vm("vm", ACCEL="tcg")
    host.kvmctl("start", "vm")
    uid = host.qemu().status["Uid"].split()[0]
    taken = take_all_below(host.qemu(), host.run)
    assert any(path.endswith("/lock") for path in taken) and any("/uids/" in path for path in taken)
    host.qemu().kill()
    assert host.state("vm") == "crashed"
    assert "not running" in host.kvmctl("stop", "vm").stdout
    host.kvmctl("start", "vm")
    # A holder of the old uid's lock may still have processes with that uid.
    assert host.qemu().status["Uid"].split()[0] != uid
    # Descriptors that were passed on tell nothing about the new QEMU, nor about its end.
    host.qemu().kill()
    assert host.state("vm") == "crashed"
    host.kvmctl("rm", "vm")
    let_go(taken)


def test_networks_that_a_dead_qemu_passed_on_go_with_it(host):
    before = host.network()
    for net in ("nat", "isolated:lab"):
        host.write_firmware_vm("vm", NET0=net, ACCEL="tcg")
        host.kvmctl("start", "vm")
        taken = take_all_below(host.qemu(), host.run / "resources")
        assert taken
        host.kvmctl("stop", "--now", "vm")
        assert host.network() == before
        let_go(taken)


def test_a_network_that_others_are_on_stays(host):
    for name in ("one", "two"):
        host.write_firmware_vm(name, NET0="isolated:lab", ACCEL="tcg")
    host.kvmctl("start", "one", "two")
    host.kvmctl("stop", "--now", "one")
    assert "kvm-lab" in host.links()
    host.kvmctl("stop", "--now", "two")
    assert "kvm-lab" not in host.links()


def test_a_qemu_that_gives_its_lock_back_still_runs(host):
    """Else it could run on unseen, and another QEMU be started on its disks."""
    host.write_firmware_vm("vm", ACCEL="tcg")
    host.kvmctl("start", "vm")
    qemu = host.qemu()
    [number] = [number for number, path in qemu.descriptors.items() if path.endswith("/vms/vm/lock")]
    descriptor = take(qemu, number)
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_UNLCK, os.SEEK_SET, 0, 0, 0))
    os.close(descriptor)
    assert not host.lock_is_held("vm")
    assert host.state("vm") == "running"
    assert "already running" in host.kvmctl("start", "vm").stdout
    host.kvmctl("rm", "vm", expect=75)
    host.kvmctl("stop", "--now", "vm")
    host.assert_nothing_left()


HOLD = """
import fcntl, struct, sys, time
file = open(sys.argv[1], "rb")
fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 0, 0))
print(flush=True)
time.sleep(600)
"""


def test_a_lock_of_somebody_who_may_look_blocks_nobody(host):
    """The group kvmctl reads the lock file, so its members can put a read lock on it."""
    for place in (host.root, host.run):
        place.chmod(0o755)
    host.write_firmware_vm("vm", ACCEL="tcg")
    host.kvmctl("start", "vm")
    for place in ("vms", "vms/vm"):
        (host.run / place).chmod(0o755)
    lock = host.run / "vms" / "vm" / "lock"
    lock.chmod(0o644)
    stranger = host.popen("/usr/bin/python3", "-c", HOLD, lock, uid=NOBODY)
    stranger.stdout.readline()
    host.kvmctl("stop", "--now", "vm")
    assert host.state("vm") == "stopped"
    assert "not running" in host.kvmctl("stop", "vm").stdout
    assert "vm: started" in host.kvmctl("start", "vm").stdout
    host.kvmctl("stop", "--now", "vm")
    assert host.state("vm") == "stopped"
    stranger.kill()
    stranger.communicate()


def test_a_start_that_is_on_its_way_is_seen(host):
    """Between taking the lock and naming QEMU's process, for every account that may look at VMs."""
    host.write_firmware_vm("vm", ACCEL="tcg")
    host.kvmctl("start", "vm")
    host.kvmctl("stop", "--now", "vm")
    start = host.popen(
        "strace", "-f", "-b", "execve", "-o", "/dev/null", "-e", "trace=memfd_create", "-e",
        "inject=memfd_create:delay_enter=1500ms", host.binary, "start", "vm")
    wait_until(lambda: host.state("vm") == "starting", "start on its way")
    assert start.wait(60) == 0
    start.communicate()
    assert host.state("vm") == "running"

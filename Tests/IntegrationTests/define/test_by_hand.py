"""`explain --shell`: its command is pasted into bash as it stands, and the same machine runs."""

import contextlib
import os
import shutil
import signal
from pathlib import Path

import pexpect
import pytest

from rig.host import NOBODY
from rig.qmp import Monitor
from rig.terminal import paste
from rig.waiting import wait_until


@contextlib.contextmanager
def pasted(host, vm, name, ended_by=None):
    """
    Where the sockets of the VM's QEMU are, run by a bash that the command is pasted into. In the end it is told to quit, or
    all that was pasted gets a signal.
    """
    program, *rest = host.command("bash", "--norc", "-i")
    shell = pexpect.spawn(program, rest, env=host.environment, encoding="utf-8", codec_errors="replace", timeout=60)
    made = Path(f"/tmp/kvmctl-{name}")
    try:
        paste(shell, host.kvmctl("explain", "--shell", vm).stdout + "echo ended-$((1 + 1))\n")
        wait_until((made / "agent.sock").exists, lambda: f"sockets; bash said {shell.read_nonblocking(10000, 1)}")
        yield made
        if ended_by:
            os.killpg(os.tcgetpgrp(shell.child_fd), ended_by)
        else:
            with Monitor(made / "qmp.sock") as monitor:
                monitor.execute("quit")
        shell.expect("ended-2")
        assert not made.exists()
    finally:
        shell.close(force=True)
        shutil.rmtree(made, ignore_errors=True)


def test_the_guest_boots_with_disks_a_tap_and_a_user_network(host):
    host.kvmctl("net", "up", "br0", "--address", "192.0.2.1/24", "--mtu", "1400")
    place = host.vms / "it's \"a b\", $(date);\n\\é=x"
    place.mkdir()
    for file, source in ("kernel, 1", "vmlinuz"), ("init'rd", "initrd.gz"):
        shutil.copy(host.guests / source, place / file)
    host.execute("qemu-img", "create", "-q", "-f", "qcow2", place / "image", "64M")
    host.write_tiny_vm(
        "byhand", "tiny.ip=192.0.2.7/24", directory=place, NAME="byhand", KERNEL="'kernel, 1'", INITRD='"init\'rd"',
        DISK0="'new disk'", DISK0_SIZE="16M", DISK1="image", DISK1_FORMAT="qcow2", NET0="bridge:br0", NET1="user",
        VNCDISP="auto", CPUS=2, CPUSET=0)
    with pasted(host, place, "byhand") as made:
        log = made / "console.log"
        wait_until(lambda: "tiny: up" in log.read_text(errors="replace"), "guest", 90)
        said = log.read_text(errors="replace")
        assert "tiny: vda 32768 sectors" in said and "tiny: vdb 131072 sectors" in said
        assert host.execute("ping", "-c", "1", "-W", "10", "192.0.2.7").returncode == 0
        [tap] = host.taps().values()
        assert (tap["master"], tap["mtu"]) == ("br0", 1400)
        assert os.sched_getaffinity(host.qemu().pid) == {0}
        assert host.qemu().status["Seccomp"] == "2"
        assert made.stat().st_mode & 0o777 == 0o700 and len((made / "vnc.password").read_bytes()) == 8
        # QEMU's own locks keep kvmctl from starting the VM on the same disks.
        assert "is in use" in host.kvmctl("start", place, expect=75).stderr
        # Pasted once more, it gets no further than its directory, and leaves everything as it is.
        again = host.execute("bash", "-c", host.kvmctl("explain", "--shell", place).stdout)
        assert again.returncode != 0 and "File exists" in again.stderr and made.exists()
    assert host.taps() == {} and host.qemus() == []


def test_a_user_runs_it_with_their_own_rights(rootless_host):
    host = rootless_host
    (host.root / "secret").write_text("geheim\n")
    host.write_firmware_vm(
        "byuser", DISK0="disk", DISK0_SIZE="1M", NET0="user", VNCDISP=7, VNCPASSWORD_FILE=host.root / "secret")
    with pasted(host, "byuser", "byuser") as made:
        assert set(host.qemu().status["Uid"].split()) == {str(NOBODY)}
        assert (made / "vnc.password").read_text() == "geheim"
        with Monitor(made / "qmp.sock") as monitor:
            wait_until(lambda: monitor.execute("query-status")["status"] == "running", "cont")
            [disk] = [block for block in monitor.execute("query-block") if block["qdev"] != "cdrom0"]
            assert disk["inserted"]["image"]["filename"] == str(host.vms / "byuser/disk")
    host.assert_nothing_left()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM])
def test_it_leaves_nothing_however_it_ends(host, number):
    name = f"by{number.name.lower()}"
    host.write_firmware_vm(name)
    with pasted(host, name, name, ended_by=number):
        pass
    host.assert_nothing_left()


def test_what_only_kvmctl_makes_is_refused(host):
    host.kvmctl("net", "up", "br0")
    host.write_firmware_vm("vm", NET0="nat", NET1="isolated:lab", NET2="bridge:br0", NET2_RATE="10M")
    refused = host.kvmctl("explain", "--shell", "vm", expect=69)
    assert refused.stdout == ""
    for what in "network nat", "isolated:lab", "NETn_RATE", "`kvmctl start vm`":
        assert what in refused.stderr
    assert "--shell" in host.kvmctl("explain", "--shell", "--json", "vm", expect=64).stderr
    refused = host.kvmctl("explain", "--shell", "--trust-owner", "vm", expect=64)
    assert refused.stdout == "" and "--trust-owner" in refused.stderr

"""Starting: twice, in the foreground, as a dry run, and failing."""

import signal
import socket
from pathlib import Path

import pytest

from rig.fake import fake_monitor, fake_qemu
from rig.waiting import wait_until


def test_starting_what_runs(host):
    host.write_firmware_vm("vm")
    assert "vm: started" in host.kvmctl("start", "vm").stdout
    assert "vm: already running" in host.kvmctl("start", "vm").stdout
    assert host.qemu()


def test_foreground_is_qemu_itself(host):
    host.write_tiny_vm("vm", VNCDISP="auto")
    start = host.popen(host.binary, "start", "vm", "--foreground")
    host.wait_console("vm", "tiny: up")
    assert host.qemu().pid == start.pid
    assert host.show("vm")["vnc"]["port"] == 5900
    assert host.state("vm") == "running"

    start.send_signal(signal.SIGTERM)
    assert start.wait(timeout=30) == 0
    assert host.state("vm") == "stopped"
    host.assert_nothing_left()


def test_foreground_of_what_runs_is_refused_and_leaves_it_alone(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    pid = host.qemu().pid
    errors = host.kvmctl("start", "vm", "--foreground", expect=75).stderr
    assert f"pid {pid}" in errors and "stop it first" in errors
    assert host.qemu().pid == pid


def test_foreground_tells_the_service_manager_when_the_guest_runs(host, tmp_path):
    host.write_firmware_vm("vm")
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(60)
        environment = ["env", f"NOTIFY_SOCKET={path}"]
        start = host.popen(*environment, host.binary, "start", "vm", "--foreground")
        assert manager.recv(100) == b"READY=1"
        assert host.state("vm") == "running"
        # The process that notified the manager stays, with none of the VM's resources, until the manager has received it.
        [teller] = host.kvmctls()
        assert {link.name for link in Path(f"/proc/{teller.pid}/fd").iterdir()} <= {"0", "1", "2", "3", "4"}
        assert manager.recv(100) == b"BARRIER=1"
        wait_until(lambda: not host.kvmctls(), "end of whoever told the manager")
        host.kvmctl("stop", "vm", "--now")
        assert start.wait(60) == 0
        # A failed start is not reported as ready, whether kvmctl or QEMU refuses.
        host.write_firmware_vm("broken", DISK0="missing")
        assert host.execute(*environment, host.binary, "start", "broken", "--foreground").returncode == 66
        host.write_firmware_vm("refused", QEMUARG0="-device", QEMUARG1="no-such-device")
        assert host.execute(*environment, host.binary, "start", "refused", "--foreground").returncode == 1
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(100)
    gone = host.execute("env", f"NOTIFY_SOCKET={path}.gone", host.binary, "start", "vm", "--foreground")
    assert gone.returncode == 66 and "NOTIFY_SOCKET" in gone.stderr
    host.assert_nothing_left()


def test_foreground_says_what_there_is_to_know(host):
    host.write_firmware_vm("vm", DISK0="big", DISK0_SIZE="8T")
    start = host.popen(host.binary, "start", "vm", "--foreground")
    wait_until(lambda: host.state("vm") == "running", "running VM")
    start.terminate()
    assert "may still grow" in start.communicate(timeout=30)[1]
    assert "--foreground" in host.kvmctl("logs", "vm", "--qemu", expect=66).stderr


@pytest.mark.parametrize("extra", ["--json", "--timings", "--timeout=5s"])
def test_foreground_refuses_what_it_can_not_do(host, extra):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm", "--foreground", extra, expect=64)


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


def test_qemu_that_never_gets_ready(host):
    """The message tells that a deadline passed, how far QEMU got, and what to do; not that kvmctl killed it."""
    hanging = fake_qemu(host, "trap '' TERM\necho still thinking >&2\nwhile :; do sleep 1; done\n")
    host.write_firmware_vm("vm", QEMU=hanging, DISK0="new", DISK0_SIZE="1M")
    result = host.kvmctl("start", "vm", "--timeout", "2s", expect=124)
    for part in ("not ready in 2 s", "monitor has not answered", "still thinking", "kvmctl start --timeout"):
        assert part in result.stderr
    assert "137" not in result.stderr and "KILL" not in result.stderr
    assert not (host.vms / "vm" / "new").exists()
    assert not host.lock_is_held("vm"), "a child of the script lives on"


def test_new_disks_stay_once_the_guest_may_have_run(host):
    """`cont` was sent but not answered: disks that the guest may have written to are not removed."""
    silent = fake_monitor(host, """
        for command in commands:
            if command["execute"] == "qmp_capabilities":
                answer(command)
        """)
    host.write_firmware_vm("vm", QEMU=silent, DISK0="new", DISK0_SIZE="1M")
    result = host.kvmctl("start", "vm", "--timeout", "5s", expect=124)
    assert "told to run it" in result.stderr
    assert (host.vms / "vm" / "new").exists()
    host.assert_nothing_left()


def test_qemu_that_is_killed_names_the_signal(host):
    host.write_firmware_vm("vm", QEMU=fake_qemu(host, "kill -SYS $$\n"))
    assert "SIGSYS" in host.kvmctl("start", "vm", expect=69).stderr


def test_qemu_that_ends_without_a_word_tells_its_exit_code(host):
    host.write_firmware_vm("vm", QEMU=fake_qemu(host, "exit 3\n"))
    result = host.kvmctl("start", "vm", expect=69)
    assert "exit code 3" in result.stderr and "printed nothing" in result.stderr


@pytest.mark.parametrize("foreground_first", [True, False])
def test_foreground_and_plain_start_at_once_leave_one_qemu(bridged_host, foreground_first):
    host = bridged_host
    host.write_firmware_vm("vm", NET0="bridge:br0")
    words = [["--foreground"], []] if foreground_first else [[], ["--foreground"]]
    for _ in range(5):
        starts = [host.popen(host.binary, "start", "vm", *extra) for extra in words]
        wait_until(lambda: host.state("vm") == "running", "running VM")
        foreground, plain = starts if foreground_first else reversed(starts)
        output, errors = plain.communicate(timeout=60)
        assert plain.returncode == 0, errors
        # A start still waiting for the lock would rightly start the VM again after the stop below.
        wait_until(
            lambda: foreground.poll() is not None or foreground.pid == host.qemu().pid,
            "outcome of the foreground start",
        )
        assert len(host.qemus()) == 1 and len(host.taps()) == 1
        host.kvmctl("stop", "vm", "--now")
        # A start that came second was refused: it can't last as long as the VM does.
        _, errors = foreground.communicate(timeout=60)
        assert foreground.returncode == 0 or (foreground.returncode == 75 and "is already running" in errors)
        host.assert_nothing_left()


@pytest.mark.parametrize("extra", [[], ["--foreground"]])
def test_qemu_that_can_not_be_executed_leaves_nothing(host, extra):
    """This is found only after the disks were created; in the foreground kvmctl has no privileges left then."""
    qemu = fake_qemu(host, "exit 3\n")
    host.write_firmware_vm("vm", QEMU=qemu, DISK0="new", DISK0_SIZE="1M")
    host.kvmctl("start", "vm", expect=69)  # its capabilities are cached from now on
    qemu.chmod(0o700)  # for root only
    result = host.kvmctl("start", "vm", *extra, expect=77)
    assert "execute" in result.stderr
    assert not (host.vms / "vm" / "new").exists()
    assert not (host.run / "log" / "vm" / "record.1").exists(), "what the last run left is still the last word"
    host.assert_nothing_left()


def has_kvm():
    """Whether KVM runs stock guests here: with hardware virtualization, not only paravirtual guests."""
    modules = Path("/sys/module")
    return Path("/dev/kvm").exists() and any((modules / name).exists() for name in ("kvm_intel", "kvm_amd"))


def test_accelerator_is_what_the_host_has(host):
    """KVM if it works here, and then a guest runs in it; else TCG, with the reason, and ACCEL=kvm is refused."""
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


def test_a_failed_start_leaves_nothing_that_tells_of_a_vm(host):
    host.write_firmware_vm("vm", QEMUARG0="-nonsense")
    host.kvmctl("start", "vm", expect=69)
    left = {path.name for path in (host.run / "vms/vm").iterdir()}
    assert left <= {"lock", "locks", "process"}, left
    assert host.state("vm") == "stopped"

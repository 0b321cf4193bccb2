"""A VM whose run-time files somebody removed while it ran: it still runs, and no command says otherwise."""

import shutil
import subprocess
import time

import pytest

from rig.host import NOBODY


def start(host, name="vm", **keys):
    host.kvmctl("create", host.vms / name, "--disk", "1M", "--memory", "32", "--net", "user")
    for key, value in keys.items():
        with open(host.vms / name / "vm.params", "a") as params:
            params.write(f"{key}={value}\n")
    host.kvmctl("start", name)
    return host.qemu().pid


def assert_known_and_stopped(host, pid, name="vm"):
    """Every command knows that it runs, and `stop` ends it."""
    shown = host.show(name)
    assert (shown["state"], shown["pid"]) == ("running", pid)
    assert host.state(name) == "running"
    host.kvmctl("rm", name, "--disks", expect=75)
    host.kvmctl("check", name)
    stopped = host.kvmctl("stop", name, "--timeout", "1s").stdout
    assert "stopped" in stopped and "QEMU was told to quit" in stopped
    host.assert_nothing_left()
    assert (host.vms / name / "vdisk0").exists()
    host.kvmctl("start", name)
    host.kvmctl("stop", "--now", name)


REMOVED = ["run/vms", "run/vms/vm/lock", "run/vms/vm/process", "run/vms/vm/manifest.json", "run/vms/vm/qmp.sock", "run/*"]


@pytest.mark.parametrize("removed", REMOVED)
def test_whatever_is_removed(host, removed):
    pid = start(host)
    for path in host.root.glob(removed):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    # It is known by the file that names its process.
    if removed in ("run/vms", "run/*", "run/vms/vm/process"):
        shown = host.show("vm")
        assert shown["stray"] and shown["unseen"] is None
        assert "somebody removed its run-time files" in host.kvmctl("start", "vm", expect=75).stderr
        assert "without its run-time files" in host.kvmctl("list").stderr
        assert "its run-time files were removed" in host.kvmctl("doctor", "vm").stdout
    else:
        assert "already running" in host.kvmctl("start", "vm").stdout
    if removed in ("run/vms", "run/*"):
        for command in ("console", "ip", "vnc"):
            assert "somebody removed its run-time files" in host.kvmctl(command, "vm", expect=75).stderr
        assert "would be stopped" in host.kvmctl("stop", "--dry-run", "vm").stdout
    assert_known_and_stopped(host, pid)


def test_a_users_vm_after_logout(rootless_host):
    """XDG_RUNTIME_DIR is gone, and can't be created again."""
    host = rootless_host
    del host.environment["KVMCTL_RUN"]
    home, runtime = host._directory("home"), host._directory("runtime")
    host.environment |= {"HOME": str(home), "XDG_RUNTIME_DIR": str(runtime / "own")}
    (runtime / "own").mkdir()
    shutil.chown(runtime / "own", NOBODY, NOBODY)
    pid = start(host)
    shutil.rmtree(runtime / "own")
    shutil.chown(runtime, 0, 0)
    runtime.chmod(0o755)
    assert host.show("vm")["pid"] == pid and host.state("vm") == "running"
    for command in ("start", "rm"):
        host.kvmctl(command, "vm", expect=75)
    assert "vm: stopped" in host.kvmctl("stop", "--all").stdout
    host.assert_nothing_left()
    assert host.state("vm") == "stopped"


def test_one_that_is_not_under_the_roots(host):
    params = host.write_firmware_vm("vm", directory=host.root / "elsewhere", NAME="vm")
    host.kvmctl("start", params)
    shutil.rmtree(host.run / "vms")
    [listed] = host.json("list")
    assert (listed["name"], listed["state"], listed["params"], listed["stray"]) == ("vm", "running", None, True)
    host.kvmctl("start", params, expect=75)
    assert "vm: stopped" in host.kvmctl("stop", "--all", "--now").stdout
    host.assert_nothing_left()


def test_its_logs_are_somewhere_else_too(host):
    """It can only be found by the disks that it has open."""
    pid = start(host)
    host.run.rename(host.root / "moved")
    host.run.mkdir()
    # The record still has its name, where the VM is managed.
    assert host.state("vm") == "stopped"
    assert str(host.root / "moved/log/vm/record") in host.kvmctl("stop", "vm", expect=75).stderr
    host.kvmctl("rm", "vm", expect=75)
    shutil.rmtree(host.root / "moved")
    assert_known_and_stopped(host, pid)


def test_a_vm_in_the_foreground(host):
    host.write_firmware_vm("vm", NET0="user")
    qemu = host.popen(host.binary, "start", "--foreground", "vm")
    while not (host.run / "vms/vm/lock").exists() or host.state("vm") != "running":
        time.sleep(0.1)
    shutil.rmtree(host.run / "vms")
    assert host.show("vm")["pid"] == qemu.pid
    host.kvmctl("start", "vm", expect=75)
    assert "stopped" in host.kvmctl("stop", "vm").stdout
    assert qemu.wait(30) == 0


def test_what_others_have_open_is_no_vm(host):
    """A process that has its record or its disk open does not count as the VM."""
    start(host)
    host.kvmctl("stop", "--now", "vm")
    record, disk = host.run / "log/vm/record", host.vms / "vm/vdisk0"
    # As if it had been running when the power was cut.
    record.write_text('{"timestamp": {"seconds": 1, "microseconds": 0}, "event": "RESUME"}\n')
    shutil.rmtree(host.run / "vms")
    with open(record) as reading, open(disk, "r+b") as backup:
        sleeper = subprocess.Popen(["sleep", "600"], stdin=backup, stdout=reading)
    try:
        assert host.state("vm") == "crashed"
        assert "not running" in host.kvmctl("stop", "vm").stdout
        host.kvmctl("start", "vm")
        host.kvmctl("stop", "--now", "vm")
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_its_params_file_too(host):
    start(host)
    shutil.rmtree(host.run / "vms")
    (host.vms / "vm/vm.params").unlink()
    for command in ("start", "check", "explain"):
        assert "its params file is not known" in host.kvmctl(command, "vm", expect=75).stderr
    assert "is the name of a running VM" in host.kvmctl("create", "vm", "--net", "none", expect=73).stderr
    host.kvmctl("stop", "--now", "vm")


@pytest.mark.parametrize("other", ["other", "missing/deeper"])
def test_somewhere_else_is_not_removed(rootless_host, other):
    """The guest of a VM that is known under another XDG_RUNTIME_DIR is not powered off."""
    host = rootless_host
    del host.environment["KVMCTL_RUN"]
    host.environment |= {"HOME": str(host._directory("home")), "XDG_RUNTIME_DIR": str(host._directory("runtime"))}
    host._directory("other")
    pid = start(host)
    there = host.environment["XDG_RUNTIME_DIR"]
    host.environment["XDG_RUNTIME_DIR"] = str(host.root / other)
    listed = host.kvmctl("list", "--json", expect=75)
    assert '"state": "unknown"' in listed.stdout and f"{there}/kvmctl/vms/vm" in listed.stderr
    for command in (["stop", "vm"], ["stop", "--now", "vm"], ["start", "vm"], ["rm", "vm"], ["console", "vm"]):
        said = host.kvmctl(*command, expect=None)
        assert said.returncode in (75, 69) and "vm: stopped" not in said.stdout, said
    assert f"it is running, pid {pid}, with its run-time files in {there}" in host.kvmctl("stop", "vm", expect=75).stderr
    host.environment["XDG_RUNTIME_DIR"] = there
    assert host.show("vm")["pid"] == pid
    host.kvmctl("stop", "--now", "vm")

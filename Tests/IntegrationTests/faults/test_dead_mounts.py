"""A file system that never responds delays only what is on it, and is named."""

import pytest

from rig.fuse import dead, fuse
from rig.waiting import wait_until

# Longer than any command may wait for such a file system. A command that hangs fails its test by this.
LIMIT = 30


def kvmctl(host, *arguments, expect=0):
    return host.kvmctl(*arguments, expect=expect, timeout=LIMIT)


@pytest.fixture
def two_vms(host):
    """One that runs and one that does not."""
    for name in ("a", "b"):
        host.write_firmware_vm(name)
    host.kvmctl("start", "a")
    return host


def test_below_a_root(two_vms):
    host = two_vms
    far = host.vms / "far"
    # A process that waits for this file system can't even be killed.
    with dead(host, far, how="handshake"):
        listed = kvmctl(host, "list", expect=124)
        assert "a " in listed.stdout and "b " in listed.stdout
        assert f"no answer from {far} (fuse, nobody)" in listed.stderr
        for command in (["show", "a"], ["stop", "--dry-run", "a"], ["start", "a"], ["start", "b"]):
            kvmctl(host, *command)
        # It can't be ruled out that they share a disk.
        assert str(far) in kvmctl(host, "check", "b").stdout
        assert str(far) in kvmctl(host, "doctor").stdout
        kvmctl(host, "create", host.vms / "new", "--disk", "1M", "--net", "none")
        assert str(far) in kvmctl(host, "rm", "new", "--disks", expect=75).stderr
        assert (host.vms / "new/vdisk0").exists(), "somebody there may use it"
        assert (host.vms / "new/vm.params").exists(), "nothing else knows of the disk"
        kvmctl(host, "rm", "new")
        stopped = kvmctl(host, "stop", "--all", "--now", expect=1)
        assert stopped.stdout.count("stopped;") == 2 and str(far) in stopped.stderr
        assert host.qemus() == []
    # The process left waiting ends when the file system goes.
    wait_until(lambda: host.kvmctls() == [], "end of what was left behind")


def test_a_root_itself(two_vms):
    host = two_vms
    far = host.root / "far"
    host.environment["KVMCTL_VMS"] = f"{far}:{host.vms}"
    with dead(host, far):
        assert str(far) in kvmctl(host, "list", expect=124).stderr
        kvmctl(host, "start", "b")
        assert "running for" in kvmctl(host, "show", "b").stdout
        # Not "there is none": the VM may be there.
        missing = kvmctl(host, "start", "c", expect=124)
        assert f"no answer from {far}" in missing.stderr
        kvmctl(host, "stop", "--now", "b")
        stopped = kvmctl(host, "stop", "--all", "--now", expect=1)
        assert "a: stopped" in stopped.stdout and host.qemus() == []


def test_a_running_vm_whose_own_file_is_there(host):
    far = host.vms / "far"
    host.write_firmware_vm("far")
    host.write_firmware_vm("near", DISK0="disk", DISK0_SIZE="1M")
    host.kvmctl("start", "--all")
    with dead(host, far):
        listed = kvmctl(host, "list", expect=124)
        assert "far " in listed.stdout and listed.stdout.count("running") == 2
        assert "running for" in kvmctl(host, "show", "far").stdout
        for name in ("far", far, far / "vm.params"):
            kvmctl(host, "stop", "--dry-run", name)
        # Another VM starts all the same.
        kvmctl(host, "stop", "--now", "near")
        kvmctl(host, "start", "near")
        stopped = kvmctl(host, "stop", "--all", "--now", expect=1)
        assert "far: stopped" in stopped.stdout and "near: stopped" in stopped.stdout
        assert host.qemus() == []
        # Now it can't be told what the path is.
        assert f"no answer from {far}" in kvmctl(host, "start", far, expect=124).stderr


def test_what_links_lead_to(two_vms):
    host = two_vms
    far = host.root / "far"
    (host.vms / "directory").symlink_to(far / "vm")
    (host.vms / "file").mkdir()
    (host.vms / "file/vm.params").symlink_to(far / "vm.params")
    (host.vms / "direct.params").symlink_to("../far/vm.params")
    with dead(host, far):
        listed = kvmctl(host, "list", expect=124)
        assert f"no answer from {far}" in listed.stderr and "b " in listed.stdout
        kvmctl(host, "start", "b")
        assert kvmctl(host, "stop", "--all", "--now", expect=1).stdout.count("stopped;") == 2


@pytest.mark.parametrize("key", ["DISK0", "CDROM0", "KERNEL", "QEMU", "VNCPASSWORD_FILE"])
def test_what_a_vm_names_there(two_vms, key):
    host = two_vms
    far = host.root / "far"
    host.write_firmware_vm("far", **{key: far / "x", **({"VNCDISP": 1} if key.startswith("VNC") else {})})
    with dead(host, far):
        assert str(far) in kvmctl(host, "start", "far", expect=124).stderr
        # It affects no other VM.
        assert "far " in kvmctl(host, "list").stdout
        kvmctl(host, "check", "b")
        if key == "DISK0":
            assert f"no answer from {far}" in kvmctl(host, "doctor", "far", expect=69).stdout
            for command in (["check", "far"], ["rm", "far", "--disks"]):
                assert str(far) in kvmctl(host, *command, expect=124).stderr
            assert kvmctl(host, "stop", "--all", "--now").stdout.count("stopped;") == 1


def test_a_home_that_does_not_answer(rootless_host):
    """Root's VMs don't depend on it; messages about the user's own VMs name the file that they wait for."""
    host = rootless_host
    host.write_firmware_vm("vm", NET0="user")
    del host.environment["KVMCTL_RUN"]
    home, runtime = host.root / "home", host._directory("runtime")
    host.environment |= {"HOME": str(home), "XDG_RUNTIME_DIR": str(runtime)}
    with dead(host, home):
        for command in (["list"], ["start", "vm"], ["stop", "vm"], ["logs", "vm"]):
            assert str(home) in kvmctl(host, *command, expect=124).stderr, command


def test_what_answers_is_read_all_the_same(two_vms):
    """The VMs on a file system that responds are found like all others."""
    host = two_vms
    source, far = host.root / "source", host.vms / "far"
    source.mkdir()
    host.write_firmware_vm("far", directory=source)
    for number in range(300):
        (source / f"other{number}").write_text("")
    host.environment["KVMCTL_VMS"] = f"{host.vms}:{far}"
    (source / "deeper").mkdir()
    host.write_firmware_vm("deeper", directory=source / "deeper")
    with fuse(host, source, far):
        kvmctl(host, "start", "far", "deeper")
        listed = {vm["name"]: (vm["state"], vm["fault"]) for vm in host.json("list")}
        assert listed == {name: ("stopped" if name == "b" else "running", None) for name in ("a", "b", "deeper", "far")}
        assert kvmctl(host, "check", "far").stdout.startswith("far: ok")
        assert kvmctl(host, "stop", "--all", "--now").stdout.count("stopped;") == 3
        kvmctl(host, "start", "nope", expect=66)
    wait_until(lambda: host.kvmctls() == [], "end of those who looked")


def test_nobody_waits_for_more_than_one_answer(two_vms):
    """However many VMs are on an unresponsive file system, it is accessed only once."""
    host = two_vms
    far = host.root / "far"
    for number in range(100):
        (host.vms / f"link{number}").symlink_to(far / str(number))
    with dead(host, far):
        trace = host.root / "trace"
        result = host.execute("strace", "-f", "-e", "trace=none", "-o", trace, host.binary, "list", timeout=LIMIT)
        assert result.returncode == 124 and "and 99 more" in result.stderr
        assert trace.read_text().count("killed by SIGKILL") == 1

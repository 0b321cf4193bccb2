"""Which VM a word names, when its file says something else by now."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture
def renamed(host):
    """A running VM whose file was given another NAME since."""
    host.write_firmware_vm("old")
    host.kvmctl("start", "old")
    (host.vms / "old" / "vm.params").open("a").write("NAME=new\n")
    yield host
    host.kvmctl("stop", "--all", "--now")


def test_a_running_vm_keeps_its_name(renamed):
    host = renamed
    pid = host.show("old")["pid"]
    listed = host.kvmctl("list")
    assert [(vm["name"], vm["state"], vm["pid"]) for vm in host.json("list")] == [("old", "running", pid)]
    assert "old: its file now says NAME=new, which counts from its next start" in listed.stderr
    assert "next name    new, from its next start\n" in host.kvmctl("show", "old").stdout
    # The new name and the file lead to the VM that runs: never to a second QEMU of the same file.
    for word in ("new", host.vms / "old", host.vms / "old" / "vm.params", "old"):
        assert f"old: already running, pid {pid}" in host.kvmctl("start", word).stdout
        assert "it is running" in host.kvmctl("rm", word, expect=75).stderr
        assert host.show(word)["pid"] == pid
    assert [vm["name"] for vm in host.json("show", "--all")] == ["old"]


def test_the_new_name_counts_from_the_next_start(renamed):
    host = renamed
    assert "old: stopped" in host.kvmctl("stop", "new", "--now").stdout
    assert "new: started" in host.kvmctl("start", "new").stdout
    assert [(vm["name"], vm["state"]) for vm in host.json("list")] == [("new", "running")]
    host.kvmctl("stop", "new", "--now")


def test_two_running_vms_that_swapped_names(host):
    for name in ("a", "b"):
        host.write_firmware_vm(name)
        host.kvmctl("start", name)
    for name, other in (("a", "b"), ("b", "a")):
        (host.vms / name / "vm.params").open("a").write(f"NAME={other}\n")
    listed = {vm["name"]: (vm["state"], vm["params"]) for vm in host.json("list")}
    assert listed == {name: ("running", f"{host.vms}/{name}/vm.params") for name in ("a", "b")}
    host.kvmctl("stop", "--all", "--now")


@pytest.mark.parametrize("options", [("taken",), ("other", "--name", "taken")])
def test_a_name_that_is_taken_is_not_given_again(host, options):
    host.kvmctl("create", "taken")
    assert "is already the name of a VM" in host.kvmctl("create", *options, expect=73).stderr
    assert [path.name for path in host.vms.iterdir()] == ["taken"]


def test_a_directory_of_vms_that_is_missing(host):
    host.vms.rmdir()
    said = host.kvmctl("create", "vm", expect=66).stderr
    assert f"{host.vms}, does not exist" in said and f"mkdir -p {host.vms}" in said


def test_a_user_s_link_does_not_choose_root_s_vm(host):
    """Root acts on no VM that a user's link leads to: its owner could turn it while root is at work."""
    host.root.chmod(0o755)
    host.write_firmware_vm("db", DISK0="vdisk0", DISK0_SIZE="1M")
    host.kvmctl("start", "db")
    theirs = host.root / "theirs"
    (theirs / "dir").mkdir(parents=True)
    (theirs / "dir" / "vm.params").symlink_to(host.vms / "db" / "vm.params")
    (theirs / "link").symlink_to(host.vms / "db")
    for path in (theirs, theirs / "dir", theirs / "dir" / "vm.params", theirs / "link"):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    for path in (theirs / "dir", theirs / "link"):
        for words in (("stop", "--now"), ("rm", "--disks"), ("start",), ("start", "--trust-owner")):
            assert str(theirs) in host.kvmctl(*words, path, expect=77).stderr
    assert host.show("db")["state"] == "running"
    host.kvmctl("stop", "db", "--now")
    # By a name, too: a user's directory may be among root's.
    (theirs / "dir").rename(host.vms / "dir")
    for word in ("dir", host.vms / "dir", theirs / "link"):
        host.kvmctl("rm", "--disks", word, expect=77)
    assert (host.vms / "db" / "vdisk0").exists()


def test_a_file_that_is_removed_is_not_started(host):
    for _ in range(10):
        host.write_firmware_vm("vm")
        with ThreadPoolExecutor() as pool:
            removed = pool.submit(host.kvmctl, "rm", "vm", expect=None)
            started = pool.submit(host.kvmctl, "start", "vm", expect=None)
            codes = removed.result().returncode, started.result().returncode
        assert codes in {(0, 66), (0, 75), (75, 0)}, (codes, removed.result().stderr, started.result().stderr)
        if codes[1] == 0:
            host.kvmctl("stop", "vm", "--now")


def test_a_description_has_a_limit(host):
    host.write_firmware_vm("vm", DESCRIPTION="'" + "x" * 1001 + "'")
    assert "at most 1000" in host.kvmctl("check", "vm", expect=65).stderr


@pytest.mark.parametrize("lose", [lambda file: file.unlink(), lambda file: file.write_text("MEMORY=much\n")])
def test_a_running_vm_needs_its_file_no_longer(host, lose):
    params = host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    pid = host.show("vm")["pid"]
    lose(params)
    for word in ("vm", params):
        started = host.kvmctl("start", word)
        assert f"vm: already running, pid {pid}" in started.stdout and "can't be used any longer" in started.stderr
    host.kvmctl("start", "vm", "--foreground", expect=65 if params.exists() else 66)
    assert f"vm: already running, pid {pid}" in host.execute(host.old_command, params).stdout
    host.kvmctl("stop", "vm", "--now")
    assert host.kvmctl("start", "vm", expect=None).returncode in (65, 66)

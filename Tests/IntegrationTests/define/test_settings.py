"""kvmctl.conf: the system's, the user's, and what goes before them; whose file counts."""

import os
import shutil
from pathlib import Path

import pytest

from rig.documented import assert_documented
from rig.host import NOBODY

SYSTEM = Path("etc/kvmctl.conf")


@pytest.fixture
def settled(host):
    """A host with an /etc of its own, whose VMs are found by settings alone."""
    host.use_own_mounts()
    etc = host.root / "etc"
    etc.mkdir()
    os.chmod(host.root, 0o755)
    for name in ("passwd", "group", "nsswitch.conf", "ld.so.cache"):
        shutil.copy(f"/etc/{name}", etc)
    mounted = host.execute("mount", "--bind", etc, "/etc")
    assert mounted.returncode == 0, mounted.stderr
    del host.environment["KVMCTL_VMS"]
    return host


def write_system(host, *lines):
    path = host.root / SYSTEM
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def write_own(host, *lines, home=None):
    path = (home or host.root) / ".config/kvmctl.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def in_force(host):
    """{key: what settings says of it}."""
    found = host.json("settings")
    assert_documented(found)
    return {setting["key"]: setting for setting in found}


def test_which_goes_before(settled):
    host = settled
    write_system(host, f"VMS={host.vms}  # here", "CREATE_MEMORY=2G", "LIST_COLUMNS=name,file")
    own = write_own(host, "# mine", "CREATE_MEMORY='3G'", "CREATE_DISK=1M")
    found = in_force(host)
    assert (found["VMS"]["value"], found["VMS"]["file"], found["VMS"]["line"]) == (
        str(host.vms), "/etc/kvmctl.conf", 1)
    assert (found["CREATE_MEMORY"]["value"], found["CREATE_MEMORY"]["file"]) == ("3G", str(own))
    assert (found["CREATE_CPUS"]["value"], found["CREATE_CPUS"]["file"]) == ("1", None)
    # create, start and list agree on the root, whichever says it.
    made = host.kvmctl("create", "web", "--net", "none", "--cpus", "2").stdout
    assert f"created {host.vms}/web/vm.params\n" in made and f"created {host.vms}/web/vdisk0\n" in made
    text = (host.vms / "web/vm.params").read_text()
    assert "\nMEMORY=3G\n" in text and "\nCPUS=2\n" in text
    host.kvmctl("start", "web", "--dry-run")
    assert host.kvmctl("list").stdout.split() == ["NAME", "FILE", "web", f"{host.vms}/web/vm.params"]
    assert host.kvmctl("list", "-o", "name,state").stdout.split() == ["NAME", "STATE", "web", "stopped"]
    planned = host.kvmctl("create", "db", "--dry-run", "--disk", "none", "--memory", "64M", "--net", "none").stdout
    assert "MEMORY=64M" in planned and "DISK0" not in planned
    planned = host.kvmctl(
        "create", "db", "--dry-run", "--format", "qcow2", "--set", "DISK0_BUS=sata", "--net", "none").stdout
    assert "DISK0_FORMAT=qcow2" in planned and "DISK0_BUS=sata" in planned
    host.environment["XDG_CONFIG_HOME"] = str(host.root / "bin")
    assert in_force(host)["CREATE_MEMORY"]["value"] == "2G"
    host.environment["KVMCTL_VMS"] = str(host.run)
    assert in_force(host)["VMS"]["variable"] == "KVMCTL_VMS"
    assert host.kvmctl("list").stdout.split() == ["NAME", "FILE"]


def test_paths_that_are_not_absolute(host):
    for variable in "KVMCTL_VMS", "KVMCTL_IMAGES":
        before = host.environment[variable]
        host.environment[variable] = f"{before}:somewhere"
        assert f"{variable}: 'somewhere' is not an absolute path" in host.kvmctl("image", "list", expect=64).stderr
        host.environment[variable] = before


def test_a_broken_file_is_never_half_used(settled):
    host = settled
    write_system(host, f"VMS={host.vms}", "CREATE_MEMRY=2G", "QUIET=ja", "LIST_COLUMNS=nam", "VMS=/elsewhere")
    for command in (["list"], ["settings"], ["create", "web"], ["start", "web"], ["list", "--json"]):
        said = host.kvmctl(*command, expect=65)
        assert said.stdout.strip() in ("", "[]"), command
        assert "/etc/kvmctl.conf: 4 errors" in said.stderr
        assert ("  /etc/kvmctl.conf:2:1: error: unknown key 'CREATE_MEMRY'\n      CREATE_MEMRY=2G\n      ^~~~~~~~~~~~\n"
                "      Did you mean CREATE_MEMORY?\n") in said.stderr
    assert not (host.vms / "web").exists()
    for command in (["--help"], ["version"], ["keys"], ["list", "--help"], ["--generate-completion-script", "bash"]):
        assert host.kvmctl(*command).stdout
    os.unlink(host.root / SYSTEM)
    os.symlink("nowhere", host.root / SYSTEM)
    host.kvmctl("list", expect=66)
    os.unlink(host.root / SYSTEM)
    os.mkfifo(host.root / SYSTEM)
    assert "/etc/kvmctl.conf: is not a file" in host.kvmctl("list", expect=65).stderr


def test_whose_file_root_follows(settled):
    host = settled
    system = write_system(host, f"VMS={host.vms}")
    for spoil, repair in (
            (lambda: os.chown(system, NOBODY, 0), lambda: os.chown(system, 0, 0)),
            (lambda: os.chmod(system, 0o664), lambda: os.chmod(system, 0o644)),
            (lambda: os.chmod(system, 0o646), lambda: os.chmod(system, 0o644))):
        spoil()
        for uid in (0, NOBODY):
            assert "kvmctl: /etc/kvmctl.conf: " in host.kvmctl("list", expect=77, uid=uid).stderr
        repair()
        host.kvmctl("list")
    # As if sudo had kept HOME: neither that user's file, nor a fault in it, matters to root.
    home = host.root / "ann"
    home.mkdir()
    foreign = write_own(host, "nonsense", home=home)
    os.chown(home, NOBODY, NOBODY)
    shutil.copy(foreign, home / "kvmctl.conf")
    for variable in ("HOME", "XDG_CONFIG_HOME"):
        kept = dict(host.environment)
        host.environment[variable] = str(home)
        host.kvmctl("list")
        host.environment = kept
    # In root's own home, root's file alone is used.
    own = write_own(host, "CREATE_CPUS=2")
    os.chown(own, NOBODY, NOBODY)
    assert f"kvmctl: {own}: belongs to nobody" in host.kvmctl("list", expect=77).stderr
    os.chown(own, 0, 0)
    os.chown(own.parent, NOBODY, NOBODY)
    assert f"kvmctl: {own}: depends on {own.parent}, which belongs to nobody" in host.kvmctl("list", expect=77).stderr


def test_a_users_own(settled):
    host = settled
    write_system(host, "CREATE_MEMORY=2G")
    home = host.root / "ann"
    (home / "lab").mkdir(parents=True)
    write_own(host, f"VMS={home}/lab", "CREATE_NET=user", home=home)
    for path in (home, home / "lab", home / ".config"):
        os.chown(path, NOBODY, NOBODY)
    host.environment["HOME"] = str(home)
    host.environment["KVMCTL_RUN"] = str(home / "run")
    (home / "run").mkdir()
    os.chown(home / "run", NOBODY, NOBODY)
    assert host.kvmctl("create", "web", uid=NOBODY).stdout == f"created {home}/lab/web/vm.params\n"
    text = (home / "lab/web/vm.params").read_text()
    assert "\nMEMORY=2G\n" in text and "\nNET0=user\n" in text
    assert host.kvmctl("list", "-q", uid=NOBODY).stdout == "web\n"
    host.kvmctl("start", "web", "--dry-run", uid=NOBODY)


def test_roots_that_do_not_exist(settled):
    host = settled
    missing = host.root / "missing"
    write_system(host, f"VMS={host.vms}:{missing}")
    host.write_firmware_vm("vm")
    said = host.kvmctl("list", "--names")
    assert said.stdout == "vm\n"
    assert said.stderr == f"kvmctl: {missing} does not exist, but /etc/kvmctl.conf:1 says that VMs are there\n"
    assert host.kvmctl("list", "-q").stderr == ""
    write_own(host, "QUIET=yes")
    assert host.kvmctl("list").stderr == ""
    # Errors and the usage are no notices.
    assert "bogus" in host.kvmctl("list", "--bogus", expect=64).stderr
    assert host.kvmctl("start", "none", expect=66).stderr
    write_own(host, "QUIET=no")
    host.environment["KVMCTL_VMS"] = str(missing)
    assert "KVMCTL_VMS says" in host.kvmctl("list").stderr


def test_a_broken_file_keeps_no_guest_from_being_shut_down(settled):
    host = settled
    host.write_firmware_vm("vm")
    write_system(host, f"VMS={host.vms}")
    host.kvmctl("start", "vm")
    write_system(host, f"VMS={host.vms}", "CREATE_MEMRY=2G")
    stopped = host.kvmctl("stop", "--all", "--now")
    assert stopped.stdout == "vm: stopped; QEMU was told to quit\n" and "unknown key 'CREATE_MEMRY'" in stopped.stderr
    host.kvmctl("trim-logs")
    host.kvmctl("list", expect=65)
    # Nor from being examined.
    found = host.kvmctl("doctor", expect=69).stdout
    assert "commands that need settings refuse it" in found and "/etc/kvmctl.conf" in found

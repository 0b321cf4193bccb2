"""Disks that disks of other VMs are overlays of: no command takes them away, and what else can be done with a template in use."""

import json
import subprocess

import pytest


def template(host, name="t", **keys):
    """A template with a small raw disk."""
    path = host.write_vm(name, **{"MEMORY": 64, "NET0": "none", "VNCDISP": "none", "DISK0": "vdisk0",
                                  "DISK0_FORMAT": "raw", "TEMPLATE": "yes"} | keys)
    with open(path.parent / "vdisk0", "wb") as disk:
        disk.truncate(1 << 20)
    return path


def lab(host, count=2):
    host.kvmctl("create", "v%d", "--from", "t", "--count", str(count))


def without(path, *starts):
    lines = [line for line in path.read_text().splitlines() if not line.startswith(starts)]
    path.write_text("".join(f"{line}\n" for line in lines))


def as_it_was(host, path, *words):
    """Refuses a command that would take the disk away, with the names of the VMs."""
    before = path.read_text()
    said = host.kvmctl(*words, expect=75).stderr
    assert "v1, v2" in said and path.read_text() == before and (path.parent / "vdisk0").exists(), (words, said)
    return said


@pytest.mark.parametrize("flag", ["TEMPLATE=yes", "TEMPLATE=no"])
def test_a_disk_that_vms_stand_on_is_not_taken_away(host, flag):
    path = template(host)
    lab(host)
    # What stands on the disk counts, and not what the file says.
    path.write_text(path.read_text().replace("TEMPLATE=yes", flag))
    assert "overlays of its DISK0" in as_it_was(host, path, "disk", "detach", "t", "DISK0")
    as_it_was(host, path, "disk", "detach", "t", "DISK0", "--config")
    as_it_was(host, path, "disk", "detach", "t", "DISK0", "--dry-run")
    as_it_was(host, path, "set", "t", "--unset", "DISK0", "--unset", "DISK0_FORMAT")
    as_it_was(host, path, "set", "t", "DISK0=other", "DISK0_SIZE=1M")
    as_it_was(host, path, "rm", "t")
    as_it_was(host, path, "rm", "t", "--disks")
    editor = host.root / "editor"
    editor.write_text("#!/bin/sh\nsed -i /DISK0/d \"$1\"\n")
    editor.chmod(0o755)
    host.environment["VISUAL"] = str(editor)
    as_it_was(host, path, "edit", "t")
    host.kvmctl("disk", "grow", "t", "DISK0", "2M", expect=75)
    assert (path.parent / "vdisk0").stat().st_size == 1 << 20
    # Another number, or another path of the same file, takes nothing away.
    if flag == "TEMPLATE=yes":
        (path.parent / "name").symlink_to("vdisk0")
        host.kvmctl("set", "t", "DISK0=name")
        host.kvmctl("set", "t", "DISK0=vdisk0")
        (path.parent / "name").unlink()
    host.kvmctl("rm", "v1", "v2", "--disks", "--yes")
    host.kvmctl("rm", "t", "--disks")
    assert not path.parent.exists()


def test_a_disk_comes_back_to_a_template(host):
    path = template(host)
    lab(host)
    before = path.read_text()
    without(path, "DISK0")
    host.kvmctl("set", "t", "DISK0=vdisk0", "DISK0_FORMAT=raw")
    assert sorted(path.read_text().splitlines()) == sorted(before.splitlines())
    without(path, "DISK0")
    host.kvmctl("disk", "attach", "t", path.parent / "vdisk0", "--format", "raw")
    assert "DISK0=vdisk0" in path.read_text()
    # It is never written to, and so need not be writable.
    (path.parent / "vdisk0").chmod(0o444)
    host.kvmctl("check", "t")
    # Another VM would write to it.
    host.write_vm("other", MEMORY=64, NET0="none", VNCDISP="none")
    assert "is the backing file of" in host.kvmctl("set", "other", f"DISK0={path.parent}/vdisk0", expect=75).stderr
    assert "is the backing file of" in host.kvmctl("disk", "attach", "other", path.parent / "vdisk0", expect=75).stderr
    host.kvmctl("disk", "attach", "other", path.parent / "vdisk0", "--readonly")
    assert "is the backing file of" in host.kvmctl("set", "other", "--unset", "DISK0_READONLY", expect=75).stderr


def test_a_template_in_use_stays_one(host):
    path = template(host)
    lab(host)
    for words in ["--unset", "TEMPLATE"], ["TEMPLATE=no"]:
        assert "has to stay a template" in as_it_was(host, path, "set", "t", *words)
    host.kvmctl("set", "t", "DESCRIPTION=golden")
    host.kvmctl("rm", "v1", "v2", "--disks", "--yes")
    host.kvmctl("set", "t", "TEMPLATE=no")
    host.kvmctl("start", "t")
    host.kvmctl("stop", "--now", "t")


def test_a_file_that_can_not_be_read_may_stand_on_a_template(host):
    path = template(host)
    host.write_vm("odd", MEMORY="junk")
    for words in ["disk", "detach", "t", "DISK0"], ["set", "t", "TEMPLATE=no"]:
        assert "so a VM might stand on DISK0" in host.kvmctl(*words, expect=75).stderr
    without(path, "TEMPLATE")
    host.kvmctl("disk", "detach", "t", "DISK0")


def test_a_template_in_use_is_all_right(host):
    template(host)
    lab(host)
    host.kvmctl("start", "v1")
    said = host.kvmctl("check", "t").stdout
    assert "t: ok" in said and "it is a template" in said
    host.kvmctl("check", "--all")
    assert "t: a template: VMs are made of it, and it is not started" in host.kvmctl("doctor", "t", expect=None).stdout
    found = json.loads(host.kvmctl("doctor", "t", "--json", expect=None).stdout)
    assert not [finding for finding in found if finding["subject"] == "t" and finding["severity"] != "ok"]
    # By hand it would write to what the VMs stand on.
    host.kvmctl("explain", "t")
    assert "is a template" in host.kvmctl("explain", "t", "--shell", expect=75).stderr
    host.kvmctl("stop", "--now", "v1")


def test_all_vms_are_started_but_the_templates(host):
    template(host)
    lab(host)
    done = host.kvmctl("start", "--all")
    assert "t: is a template, and is not started" in done.stderr and "v1: started" in done.stdout
    assert [host.state(name) for name in ("t", "v1", "v2")] == ["stopped", "running", "running"]
    started = json.loads(host.kvmctl("start", "--all", "--json").stdout)
    assert sorted(vm["name"] for vm in started) == ["v1", "v2"]
    host.kvmctl("start", "--all", "--dry-run")
    host.kvmctl("restart", "--all", "--now")
    assert "t" in host.kvmctl("start", "t", expect=75).stderr
    assert "template" not in host.kvmctl("stop", "--all", "--now").stderr


def test_what_a_template_gives_is_said(host):
    template(host, TEMPLATE="no")
    said = host.kvmctl("create", "copy", "--from", "t").stderr
    assert "new and empty" in said and "kvmctl set t TEMPLATE=yes" in said
    host.kvmctl("set", "t", "TEMPLATE=yes")
    assert "new and empty" not in host.kvmctl("create", "overlay", "--from", "t").stderr
    host.kvmctl("rm", "overlay", "--disks")
    host.kvmctl("disk", "detach", "t", "DISK0")
    assert "has no disks" in host.kvmctl("create", "none", "--from", "t").stderr


def test_an_overlay_made_by_hand(host):
    """Of a VM that is not a template."""
    path = template(host, TEMPLATE="no")
    overlay = host.write_vm("top", MEMORY=64, NET0="none", VNCDISP="none", DISK0="vdisk0", DISK0_FORMAT="qcow2",
                            DISK0_BACKING=path.parent / "vdisk0").parent / "vdisk0"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", path.parent / "vdisk0", "-F", "raw", overlay], check=True)
    assert "overlays of its DISK0: top" in host.kvmctl("disk", "detach", "t", "DISK0", expect=75).stderr
    assert "overlays of its disks: top" in host.kvmctl("rm", "t", "--disks", expect=75).stderr
    # What a VM only reads, elsewhere, is not its own.
    host.write_vm("reader", MEMORY=64, NET0="none", VNCDISP="none", DISK0=path.parent / "vdisk0", DISK0_READONLY="yes")
    host.kvmctl("disk", "detach", "reader", "DISK0")
    host.kvmctl("rm", "reader", "--disks")

"""A file of defaults that several VMs include."""

import os

import pytest

from rig.host import NOBODY


@pytest.fixture
def shared(host):
    """Two VMs that share some defaults."""
    (host.vms / "defaults.conf").write_text("MEMORY=48\nNET0=none\nVNCDISP=none\nTAGS=lab\n")
    for name in ("a", "b"):
        host.write_vm(name, "INCLUDE=../defaults.conf", "CPUS=2")
    return host


def test_vms_share_defaults(shared):
    host = shared
    host.write_vm("b", "INCLUDE=../defaults.conf", "MEMORY=32", "TAGS=web")
    assert {vm["name"]: (vm["memory"] >> 20, vm["tags"]) for vm in host.json("list")} == {
        "a": (48, ["lab"]), "b": (32, ["web"])}
    # What the file itself does not say can't be removed from it.
    out = host.kvmctl("set", "a", "--unset", "TAGS").stdout
    assert out.startswith("a: TAGS=lab stays: it is from ") and "defaults.conf:4; TAGS=VALUE in" in out
    out = host.kvmctl("set", "b", "--unset", "TAGS", "--dry-run").stdout
    assert out.startswith("b: would set TAGS=lab, from ") and out.endswith("defaults.conf:4 (was web)\n")
    host.kvmctl("start", "a", "b")
    words = host.kvmctl("explain", "a").stdout
    assert f"line 1 of {host.vms}/defaults.conf, MEMORY" in words.replace("a/../", "") and "line 2, CPUS" in words
    host.kvmctl("stop", "--now", "a", "b")
    host.kvmctl("rm", "a")
    assert (host.vms / "defaults.conf").exists()


def test_an_error_names_the_file_that_it_is_in(shared):
    host = shared
    (host.vms / "defaults.conf").write_text("MEMROY=48\n")
    said = host.kvmctl("check", "a", expect=65).stderr
    assert "defaults.conf:1:1: error: unknown key 'MEMROY'" in said and "Did you mean MEMORY=48?" in said
    (host.vms / "defaults.conf").unlink()
    said = host.kvmctl("start", "a", expect=66).stderr
    assert "a/vm.params:1: INCLUDE:" in said and "defaults.conf does not exist" in said
    host.write_firmware_vm("b", INCLUDE="../defaults.conf")
    (host.vms / "defaults.conf").write_text("CPUS=1\n")
    host.kvmctl("start", "b")
    (host.vms / "defaults.conf").unlink()
    assert "vm.params:4: INCLUDE:" in host.kvmctl("diff", "b", expect=66).stderr
    host.write_vm("a", "INCLUDE=vm.params")
    assert "include one another" in host.kvmctl("start", "a", expect=65).stderr


def test_a_new_vm_includes_what_is_beside_its_directory(shared):
    host = shared
    host.kvmctl("create", "new", "--set", "INCLUDE=../defaults.conf", "--net", "none")
    assert "INCLUDE=../defaults.conf\n" in (host.vms / "new/vm.params").read_text()
    # The copy does not depend on the directory of its model.
    host.kvmctl("create", "copy", "--from", "new")
    host.kvmctl("rm", "new")
    assert host.kvmctl("check", "copy").stdout.startswith("copy: ok")
    # A file that another includes by a way through this directory.
    host.write_vm("user", "INCLUDE=../copy/own.conf", "NET0=none")
    (host.vms / "copy/own.conf").write_text("CPUS=1\n")
    assert "copy/own.conf" in host.kvmctl("rename", "copy", "other", expect=75).stderr


def test_root_trusts_no_one_elses_defaults(shared):
    host = shared
    os.chown(host.vms / "defaults.conf", NOBODY, NOBODY)
    said = host.kvmctl("start", "a", expect=77).stderr
    assert "a/vm.params:1: INCLUDE:" in said and "defaults.conf" in said
    os.chown(host.vms / "defaults.conf", 0, 0)
    (host.vms / "defaults.conf").chmod(0o666)
    assert "defaults.conf" in host.kvmctl("start", "a", expect=77).stderr
    (host.vms / "defaults.conf").chmod(0o644)
    host.kvmctl("start", "a")


def test_protection_may_be_shared(shared):
    host = shared
    defaults = host.vms / "defaults.conf"
    defaults.write_text(defaults.read_text() + "PROTECT=yes\n")
    host.kvmctl("start", "a")
    assert "defaults.conf:5: PROTECT" in host.kvmctl("stop", "--now", "a", expect=77).stderr.replace("a/../", "")
    host.write_vm("a", "INCLUDE=../defaults.conf", "PROTECT=no")
    host.kvmctl("stop", "--now", "a")

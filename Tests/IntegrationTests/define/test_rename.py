"""`rename`: one VM, under the old name or the new, with the same identity."""

import os

import pytest

from rig.faults import strike, system_calls


def shown(host, name):
    host.kvmctl("start", name)
    found = host.show(name)
    host.kvmctl("stop", name, "--now")
    return found["uuid"], [nic["mac"] for nic in found["nics"]]


def names(host):
    return [vm["name"] for vm in host.json("list")]


def test_a_directory_moves_with_its_vm(host):
    path = host.write_vm("web", MEMORY=32, NET0="user", VNCDISP="none", DISK0=host.vms / "web/disk", DISK0_SIZE="1M")
    before = shown(host, "web")
    host.kvmctl("start", "web")
    assert "it is running" in host.kvmctl("rename", "web", "db", expect=75).stderr
    host.kvmctl("stop", "web", "--now")
    text = path.read_text()
    host.kvmctl("rename", "web", "db", "--dry-run")
    assert path.read_text() == text and names(host) == ["web"]
    [done] = host.json("rename", "web", "db")
    assert (done["name"], done["before"], done["params"]) == ("db", "web", str(host.vms / "db/vm.params"))
    assert os.listdir(host.vms) == ["db"] and sorted(os.listdir(host.vms / "db")) == ["disk", "vm.params"]
    assert os.listdir(host.run / "log") == ["db"] and names(host) == ["db"]
    assert not (host.run / "vms/web").exists()
    assert shown(host, "db") == before


def test_who_starts_after_it_is_said(host):
    host.write_firmware_vm("db")
    host.write_firmware_vm("web", START_AFTER="db")
    host.write_firmware_vm("app", START_AFTER="web")
    said = host.kvmctl("rename", "db", "sql").stderr
    line = (host.vms / "web/vm.params").read_text().splitlines().index("START_AFTER=db") + 1
    place = f"{host.vms}/web/vm.params:{line}: START_AFTER"
    assert said == f"kvmctl: sql: START_AFTER still names db: {place}\n"
    assert f"{place}: there is no VM db" in host.kvmctl("check", "web").stdout
    assert "there is no VM" not in host.kvmctl("check", "app").stdout
    host.write_firmware_vm("sql", START_AFTER="app")
    host.write_firmware_vm("web", START_AFTER="sql")
    for name in "sql", "web", "app":
        assert "START_AFTER: it leads back to this VM" in host.kvmctl("check", name).stdout
    host.write_firmware_vm("other", START_AFTER="app")
    assert "leads back" not in host.kvmctl("check", "other").stdout


def test_other_places(host):
    """A file that has the VM's name, and one that does not say it."""
    (host.vms / "a.params").write_text("MEMORY=32\nNET0=user\nVNCDISP=none\nNAME=a\n")
    before = shown(host, "a")
    host.kvmctl("rename", "a", "b")
    assert os.listdir(host.vms) == ["b.params"] and shown(host, "b") == before
    assert "NAME=b\n" in (host.vms / "b.params").read_text()
    elsewhere = host.root / "elsewhere"
    path = host.write_vm("x", directory=elsewhere, MEMORY=32, NET0="user", VNCDISP="none")
    before = shown(host, path)
    host.kvmctl("rename", path, "y")
    assert "NAME=y\n" in path.read_text() and shown(host, path) == before


def test_what_is_taken(host):
    host.write_firmware_vm("a")
    host.write_firmware_vm("b")
    assert "already the name of a VM" in host.kvmctl("rename", "a", "b", expect=73).stderr
    (host.vms / "c").mkdir()
    assert "exists already" in host.kvmctl("rename", "a", "c", expect=73).stderr
    host.kvmctl("rename", "a", "a", expect=64)
    host.kvmctl("rename", "a", "-x", expect=64)
    host.kvmctl("rename", "nope", "d", expect=66)
    host.write_firmware_vm("b", DISK0=host.vms / "a/disk", DISK0_SIZE="1M")
    assert "a/disk" in host.kvmctl("rename", "a", "d", expect=75).stderr
    assert names(host) == ["a", "b"]


def test_its_history_goes_with_it_or_nothing_does(host):
    host.write_firmware_vm("web", UUID="c9a3ff0e-51c5-4a5e-9b44-4f6d5b1f7a10")
    host.kvmctl("start", "web")
    host.kvmctl("stop", "web", "--now")
    calls = system_calls(host, "rename", "web", "db", since="files")
    host.kvmctl("rename", "db", "web")
    renames = [call for call in calls if call[0] == "renameat2"]
    assert len(renames) == 2
    # A command that was killed between the two is completed by the same command.
    strike(host, renames[1], "signal=SIGKILL", "rename", "web", "db")
    assert names(host) == ["web"]
    host.kvmctl("rename", "web", "db")
    assert "started" in host.kvmctl("history", "db").stdout and os.listdir(host.run / "log") == ["db"]
    host.kvmctl("rename", "db", "web")
    for call in renames:
        failed = strike(host, call, "error=EIO", "rename", "web", "db")
        assert failed.returncode == 69 and "can't be renamed" in failed.stderr
        assert names(host) == ["web"] and "started" in host.kvmctl("history", "web").stdout
    # What fails later does not make it the old one.
    last = [call for call in calls if call[0] == "fsync"][-1]
    renamed = strike(host, last, "error=EIO", "rename", "web", "db")
    assert renamed.returncode == 0 and "the new name may not survive a power cut" in renamed.stderr
    assert names(host) == ["db"]


@pytest.mark.parametrize("samples", [8, pytest.param(60, marks=pytest.mark.deep)])
def test_killed_half_way_it_is_one_vm_that_starts(host, samples):
    def write():
        host.execute("rm", "-rf", host.vms, host.run)
        for directory in (host.vms, host.run):
            directory.mkdir()
        host.write_vm(
            "web", "NAME=web", MEMORY=32, NET0="user", VNCDISP="none", DISK0=host.vms / "web/disk", DISK0_SIZE="1M",
            UUID="c9a3ff0e-51c5-4a5e-9b44-4f6d5b1f7a10")
        (host.run / "log/web").mkdir(parents=True)

    write()
    calls = system_calls(host, "rename", "web", "db", since="files")
    for call in calls[::max(1, len(calls) // samples)]:
        write()
        strike(host, call, "signal=SIGKILL", "rename", "web", "db")
        [name] = names(host)
        assert name in ("web", "db")
        uuid, _ = shown(host, name)
        assert uuid == "c9a3ff0e-51c5-4a5e-9b44-4f6d5b1f7a10"


def test_what_goes_by_the_name_is_not_left_behind(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    host.kvmctl("suspend", "vm")
    assert "is suspended" in host.kvmctl("rename", "vm", "new", expect=75).stderr
    assert host.state("vm") == "suspended"
    assert host.json("start", "vm")[0]["result"] == "resumed"
    host.kvmctl("stop", "--now", "vm")
    host.kvmctl("rename", "vm", "new")

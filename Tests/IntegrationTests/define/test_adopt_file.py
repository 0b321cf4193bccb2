"""`adopt FILE`: a file of 2010 says what its VM is, and the VM stays the same."""

import os

import pytest

OLD = "# the web server\nMAC=52:54:00:00:00:01\nDISK0={disk}   # root\nMEMORY=32\nVNCDISP=40\n"


def old_file(host, name="web"):
    disk = host.root / "disk"
    disk.write_bytes(b"\0" * 1_048_576)
    path = host.write_vm(name)
    path.write_text(OLD.format(disk=disk))
    return path


def identity(host, name):
    shown = host.show(name)
    return shown["uuid"], [nic["mac"] for nic in shown["nics"]]


def test_a_file_of_2010_gets_its_board(host):
    path = old_file(host)
    before = path.read_text()
    said = host.kvmctl("adopt", "web", "--dry-run").stdout
    assert path.read_text() == before and said.count("would add") == 3
    assert "the board that the script of 2010 ran it on" in said
    [done] = host.json("adopt", path)
    added = {line["key"]: line["value"] for line in done["lines"]}
    assert list(added) == ["NAME", "UUID", "MACHINE"] and added["MACHINE"].startswith("pc-i440fx-")
    lines = path.read_text().splitlines()
    assert [line for line in lines if line in before.splitlines()] == before.splitlines()
    assert set(lines) - set(before.splitlines()) == {f"{key}={value}" for key, value in added.items()}
    text = path.read_text()
    assert "is up to date" in host.kvmctl("adopt", "--all").stdout and path.read_text() == text


def test_a_vm_keeps_what_was_derived(host):
    """While it runs, and where its file goes then."""
    path = host.write_vm("vm", MEMORY=32, NET0="user", NET1="user", VNCDISP="none")
    host.kvmctl("start", "vm")
    before = identity(host, "vm")
    [done] = host.json("adopt", "vm")
    assert [line["key"] for line in done["lines"]] == ["NAME", "UUID", "MACHINE", "NET0_MAC", "NET1_MAC"]
    # It is what runs, but for the board, of which kvmctl does not know in which version it runs.
    assert [line["key"] for line in done["lines"] if line["pending"]] == ["MACHINE"]
    [listed] = host.json("list")
    assert listed["pending"] == ["MACHINE"]
    host.kvmctl("stop", "vm", "--now")
    path.rename(host.vms / "vm" / "other.params")
    os.rename(host.vms / "vm", host.vms / "moved")
    host.kvmctl("start", host.vms / "moved" / "other.params")
    assert identity(host, "vm") == before
    host.kvmctl("stop", "vm", "--now")


def test_a_running_vm_of_2010_gets_its_board_later(host):
    host.ip("link", "add", "br0", "type", "bridge")
    host.ip("link", "set", "br0", "up")
    old_file(host)
    host.kvmctl("start", "web")
    before = identity(host, "web")
    assert "from its next start" in host.kvmctl("adopt", "web").stdout
    assert "MACHINE" in host.kvmctl("diff", "web").stdout and identity(host, "web") == before
    host.kvmctl("restart", "--hard", "web")
    assert identity(host, "web") == before and host.kvmctl("diff", "web").stdout.count("MACHINE") == 0
    host.kvmctl("stop", "web", "--now")


@pytest.mark.parametrize("line", ["MEMORY=1x", "CPUS=2\nCPUS=3", "NOPE=1"])
def test_a_broken_file_stays_as_it_is(host, line):
    path = host.write_vm("vm")
    path.write_text(f"MAC=52:54:00:00:00:01\n{line}\n")
    before = path.read_bytes()
    assert host.kvmctl("adopt", "vm", expect=65).stderr
    assert path.read_bytes() == before


def test_whose_file_it_may_be(host):
    """As with `set`: root adopts nothing that another user could change."""
    path = old_file(host)
    os.chown(path, 65534, 65534)
    before = path.read_bytes()
    assert host.kvmctl("adopt", path, expect=77).stderr and path.read_bytes() == before
    os.chown(path, 0, 0)
    os.link(path, host.root / "twin")
    assert "hard links" in host.kvmctl("adopt", path, expect=75).stderr and path.read_bytes() == before

"""`cdrom insert` and `cdrom eject`."""

import pytest

from rig.terminal import run_inside
from rig.waiting import wait_until


def lines(host, name="vm"):
    return (host.vms / name / "vm.params").read_text().splitlines()


@pytest.fixture
def isos(host):
    """Two small ISOs, told apart by a file on them."""
    for name in ("first", "second"):
        (host.root / name).mkdir()
        (host.root / name / name).write_text(name)
        host.execute("xorriso", "-as", "mkisofs", "-quiet", "-o", host.root / f"{name}.iso", host.root / name)
    return host.root / "first.iso", host.root / "second.iso"


def inside(host, command):
    return run_inside(host, "vm", command)[1]


def test_a_guest_reads_locks_and_loses_its_cd(host, isos):
    first, second = isos
    host.write_tiny_vm("vm", "tiny.cd", MACHINE="pc", CDROM0="")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    assert inside(host, "mount -t iso9660 /dev/sr0 /mnt") != 0
    said = host.kvmctl("cdrom", "insert", "vm", first).stdout
    assert said == f"vm: CDROM0 inserted: {first}; now, and from the next start\n"
    wait_until(lambda: inside(host, "mount -t iso9660 -o ro /dev/sr0 /mnt && test -f /mnt/first") == 0, "first CD")
    assert str(first) in host.show("vm")["media"]

    # Mounted, it is locked; this guest does not open it, whoever asks.
    before = lines(host)
    for verb in ["eject", "vm"], ["insert", "vm", second]:
        locked = host.kvmctl("cdrom", *verb, "--wait", "1s", expect=124)
        assert "its guest has locked the tray of CDROM0, and did not open it in 1 s" in locked.stderr
    assert lines(host) == before and inside(host, "ls /mnt/first") == 0
    assert inside(host, "umount /mnt") == 0
    host.kvmctl("cdrom", "insert", "vm", second)
    wait_until(lambda: inside(host, "mount -t iso9660 -o ro /dev/sr0 /mnt && test -f /mnt/second") == 0, "second CD")
    assert str(first) not in host.show("vm")["media"]
    host.kvmctl("cdrom", "eject", "vm", "--force")
    assert inside(host, "umount /mnt; mount -t iso9660 /dev/sr0 /mnt") != 0
    assert host.show("vm")["media"] == []
    assert "already ejected" in host.kvmctl("cdrom", "eject", "vm").stdout
    host.kvmctl("stop", "--now", "vm")
    # The drive stays.
    host.kvmctl("start", "vm")
    host.kvmctl("cdrom", "insert", "vm", first, "--live")


def test_a_guest_that_closes_the_tray(host, isos):
    """As any does that looks for a medium."""
    host.write_tiny_vm("vm", "tiny.cd", MACHINE="pc", CDROM0="")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    inside(host, "(while true; do true </dev/sr0; done 2>/dev/null & )")
    for _ in range(5):
        host.kvmctl("cdrom", "insert", "vm", isos[0], "--force")
        assert host.show("vm")["media"] == [str(isos[0])]
        host.kvmctl("cdrom", "eject", "vm", "--force")
        assert host.show("vm")["media"] == []


def test_the_file_and_the_machine(host, isos):
    first, second = isos
    host.write_firmware_vm("vm")
    host.write_firmware_vm("two", CDROM0=first, CDROM2="")
    assert "it has no CD drive" in host.kvmctl("cdrom", "eject", "vm", expect=66).stderr
    host.kvmctl("start", "vm", "two")
    before = lines(host)
    none = host.kvmctl("cdrom", "insert", "vm", first, expect=69)
    assert "it has no CD drive, and none can be plugged while it runs" in none.stderr and lines(host) == before
    later = host.kvmctl("cdrom", "insert", "vm", first, "--config").stdout
    assert later == f"vm: CDROM0 inserted: {first}; from the next start; the machine is as it was\n"
    assert lines(host) == [*before, f"CDROM0={first}"]

    before = lines(host, "two")
    assert "name one with --drive: CDROM0, CDROM2" in host.kvmctl("cdrom", "eject", "two", expect=64).stderr
    missing = host.kvmctl("cdrom", "insert", "two", host.root / "none.iso", "--drive", "CDROM2", expect=66)
    assert "none.iso does not exist" in missing.stderr and lines(host, "two") == before
    host.kvmctl("cdrom", "insert", "two", second, "--drive", "CDROM2", "--live")
    assert host.show("two")["media"] == [str(first), str(second)] and lines(host, "two") == before
    [change] = host.json("cdrom", "eject", "two", "--drive", "cdrom0")
    assert (change["machine"], change["file"]) == ("changed", [{"key": "CDROM0", "value": ""}])
    assert host.show("two")["media"] == [str(second)]


def test_the_cd_of_one_start(host, isos):
    first, second = isos
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm", "--cdrom", first)
    before = lines(host)
    said = host.kvmctl("cdrom", "insert", "vm", second).stdout
    assert said == f"vm: the drive of --cdrom inserted: {second}; now; its file is as it was\n"
    host.kvmctl("cdrom", "eject", "vm")
    assert lines(host) == before and host.show("vm")["media"] == []


def test_a_vm_that_runs_takes_no_cd_of_a_start(host, isos):
    params = host.write_firmware_vm("vm", CDROM0="")
    host.kvmctl("start", "vm")
    command = f"kvmctl cdrom insert vm {isos[0]}"
    for words in ["vm"], ["vm", "--dry-run"]:
        said = host.kvmctl("start", *words, "--cdrom", isos[0], expect=75)
        assert "vm: is already running, and takes --cdrom only when it starts" in said.stderr and said.stdout == ""
        assert f"`{command}`" in said.stderr
    # Even if nothing else is known of it.
    text = params.read_text()
    params.write_text("what?\n")
    assert "takes --cdrom only when it starts" in host.kvmctl("start", "vm", "--cdrom", isos[0], expect=75).stderr
    params.write_text(text)
    old = host.execute(host.old_command, params, isos[0])
    assert old.returncode == 75 and "takes the ISO only when it starts" in old.stderr
    host.kvmctl(*command.split()[1:])
    assert "already running" in host.kvmctl("start", "vm").stdout


def test_a_vm_whose_cd_was_changed_is_suspended_and_goes_on(host, isos):
    first, second = isos
    host.write_tiny_vm("vm", "tiny.cd", MACHINE="pc", MEMORY=96, CDROM0="")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    assert inside(host, "touch /was-here") == 0

    def goes_on():
        host.kvmctl("suspend", "vm")
        assert "goes on" in host.kvmctl("start", "vm").stdout
        assert inside(host, "test -f /was-here") == 0

    host.kvmctl("cdrom", "insert", "vm", first)
    goes_on()
    wait_until(lambda: inside(host, "mount -t iso9660 -o ro /dev/sr0 /mnt && test -f /mnt/first") == 0, "first CD")
    # Mounted too, and locked as it was.
    goes_on()
    assert inside(host, "test -f /mnt/first") == 0
    assert "has locked the tray" in host.kvmctl("cdrom", "eject", "vm", "--wait", "1s", expect=124).stderr
    assert inside(host, "umount /mnt") == 0
    host.kvmctl("cdrom", "eject", "vm")
    goes_on()
    assert inside(host, "mount -t iso9660 /dev/sr0 /mnt") != 0

    # One that the file does not have: suspend says so, and with it in the file the guest goes on.
    host.kvmctl("cdrom", "insert", "vm", second, "--live")
    assert [disk["key"] for disk in host.show("vm")["disks"]] == ["CDROM0"]
    assert "its next start will not go on" in host.kvmctl("suspend", "vm").stderr
    assert f"CDROM0 had {second}, and is now empty" in host.kvmctl("start", "vm", expect=75).stderr
    host.kvmctl("set", "vm", f"CDROM0={second}")
    assert "goes on" in host.kvmctl("start", "vm").stdout
    wait_until(lambda: inside(host, "mount -t iso9660 -o ro /dev/sr0 /mnt && test -f /mnt/second") == 0, "second CD")
    host.kvmctl("stop", "--now", "vm")
    host.assert_nothing_left()


def test_the_drive_of_a_start_is_suspended_with_what_is_in_it(host, isos):
    first, second = isos
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm", "--cdrom", first)
    host.kvmctl("cdrom", "insert", "vm", second, "--live")
    assert [disk["key"] for disk in host.show("vm")["disks"]] == [None]
    host.kvmctl("suspend", "vm")
    assert "goes on" in host.kvmctl("start", "vm").stdout
    assert host.show("vm")["media"] == [str(second)]
    host.kvmctl("cdrom", "eject", "vm")
    said = host.kvmctl("suspend", "vm", expect=75).stderr
    assert "is empty, and no start can make one without a CD" in said and "cdrom insert --live" in said
    host.kvmctl("cdrom", "insert", "vm", first, "--live")
    host.kvmctl("suspend", "vm")
    assert "goes on" in host.kvmctl("start", "vm").stdout

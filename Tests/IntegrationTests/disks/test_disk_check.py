"""`disk check`."""

import fcntl
import json
import os
import re
import struct
import subprocess
from pathlib import Path

import pytest

from rig.loops import attaching
from rig.waiting import wait_until


@pytest.fixture
def loops():
    with attaching() as attach:
        yield attach


def run(*words):
    return subprocess.run([str(word) for word in words], check=True, text=True, stdout=subprocess.PIPE).stdout


def image(path, size="8M", *options):
    """A qcow2 image that has data."""
    path.parent.mkdir(exist_ok=True)
    run("qemu-img", "create", "-q", "-f", "qcow2", *options, path, size)
    run("qemu-io", "-f", "qcow2", "-c", "write -P 7 0 1M", path)
    return path


def table(path):
    """Where the first table of clusters is."""
    with open(path, "rb") as file:
        file.seek(40)
        first = struct.unpack(">Q", file.read(8))[0]
        file.seek(first)
        return struct.unpack(">Q", file.read(8))[0] & 0x00FFFFFFFFFFFE00


def lose(path):
    """A cluster that nothing refers to any longer."""
    with open(path, "r+b") as file:
        file.seek(table(path))
        file.write(bytes(8))


def damage(path):
    """Two places of the disk share a cluster."""
    with open(path, "r+b") as file:
        file.seek(table(path))
        entry = file.read(8)
        file.write(entry)


@pytest.fixture
def web(host):
    """A VM `web` with a qcow2 disk, a raw one, and one that is not there yet."""
    disk = image(host.vms / "web" / "vdisk0")
    (host.vms / "web" / "data").write_bytes(bytes(1 << 20))
    host.write_firmware_vm("web", DISK0="vdisk0", DISK0_FORMAT="qcow2", DISK1="data", DISK1_FORMAT="raw")
    return disk


def test_a_sound_disk(host, web):
    told = host.kvmctl("disk", "check", "web").stdout
    assert told == "web: DISK0: no errors\nweb: DISK1: raw, which has no structure that could be checked\n"
    found = host.json("disk", "check", "web")
    assert [(one["device"], one["checked"], one["damaged"]) for one in found] == [
        ("DISK0", True, False), ("DISK1", False, None)]
    assert host.kvmctl("disk", "check", web).stdout == f"{web}: no errors\n"
    host.kvmctl("disk", "check", "web", "DISK7", expect=66)
    host.kvmctl("disk", "check", host.root / "none", expect=66)


def test_clusters_that_nothing_uses(host, web):
    lose(web)
    done = host.kvmctl("disk", "check", "web", "DISK0")
    assert "1 cluster takes space that nothing uses" in done.stdout and "--repair frees them" in done.stderr
    before = web.read_bytes()
    planned = host.kvmctl("disk", "check", "web", "DISK0", "--repair", "--dry-run")
    assert "nothing was repaired" in planned.stderr and web.read_bytes() == before
    assert "1 unused cluster was freed" in host.kvmctl("disk", "check", "web", "DISK0", "--repair").stdout
    assert host.kvmctl("disk", "check", "web", "DISK0").stdout == "web: DISK0: no errors\n"


def test_a_damaged_disk(host, web):
    damage(web)
    done = host.kvmctl("disk", "check", "web", expect=65)
    assert "web: DISK0: 1 error" in done.stdout and "web: DISK1: raw" in done.stdout
    assert "is damaged" in done.stderr and "ERROR cluster" in done.stderr and "--repair may help" in done.stderr
    [found] = json.loads(host.kvmctl("disk", "check", web, "--json", expect=65).stdout)
    assert found["name"] is None and found["damaged"] and found["errors"] == 1 and found["error"]["code"] == 65
    host.kvmctl("disk", "check", web, "--repair")
    assert host.kvmctl("disk", "check", web).stdout == f"{web}: no errors\n"
    os.truncate(web, 100)
    host.kvmctl("disk", "check", web, expect=65)


def test_a_disk_that_a_vm_has_open(host, web):
    host.kvmctl("start", "web")
    for words in [["web", "DISK0"], [web], [web, "--repair"], [web, "--repair", "--dry-run"]]:
        said = host.kvmctl("disk", "check", *words, expect=75).stderr
        assert "is in use by the VM web, which is running" in said
    # A raw one is no different, for it there is nothing to do.
    host.kvmctl("disk", "check", "web", "DISK1")
    host.kvmctl("stop", "--now", "web")
    host.kvmctl("disk", "check", web, "--repair")


def test_a_suspended_vm_goes_on_with_its_disk_as_it_is(host, web):
    lose(web)
    host.kvmctl("start", "web")
    host.kvmctl("suspend", "web")
    host.kvmctl("disk", "check", "web", "DISK0")
    for words in [["web", "DISK0"], [web]]:
        assert "which is suspended" in host.kvmctl("disk", "check", *words, "--repair", expect=75).stderr
    host.kvmctl("start", "web")


def test_a_suspended_vm_is_seen_behind_a_loop_device(host, web):
    lose(web)
    host.kvmctl("start", "web")
    host.kvmctl("suspend", "web")
    before = table(web)
    with attaching() as attach:
        device = attach(web)
        said = host.kvmctl("disk", "check", device, "--repair", expect=75).stderr
        assert "which is suspended" in said and table(web) == before
        host.kvmctl("disk", "check", device)
    host.kvmctl("start", "web")


def test_a_process_that_takes_no_locks(host, web):
    lose(web)
    before = table(web)
    with open(web, "r+b"):
        for words in ["--repair"], ["--repair", "--dry-run"]:
            said = host.kvmctl("disk", "check", web, *words, expect=75).stderr
            assert f"is in use by process {os.getpid()} (" in said and table(web) == before
        host.kvmctl("disk", "check", web)
    with open(web, "rb") as reading:
        fcntl.flock(reading, fcntl.LOCK_EX)
        assert f"process {os.getpid()} (" in host.kvmctl("disk", "check", web, "--repair", expect=75).stderr
        fcntl.flock(reading, fcntl.LOCK_UN)
        # One that only reads is no obstacle.
        host.kvmctl("disk", "check", web, "--repair")


def test_a_qemu_without_locks(host, web):
    lose(web)
    node = f"qcow2,node-name=x,file.driver=file,file.filename={web},file.locking=off"
    qemu = host.popen("qemu-system-x86_64", "-M", "none", "-S", "-display", "none", "-blockdev", node)
    try:
        wait_until(lambda: is_open(qemu.pid, web), "the image in QEMU", 30)
        said = host.kvmctl("disk", "check", web, "--repair", expect=75).stderr
        assert f"is in use by process {qemu.pid} (qemu-system-x86" in said
    finally:
        qemu.kill()
        qemu.wait()
    host.kvmctl("disk", "check", web, "--repair")


def is_open(pid, path):
    return any(os.path.realpath(link) == str(path) for link in Path(f"/proc/{pid}/fd").iterdir())


def test_an_image_that_asks_for_much_memory(host):
    """Its length alone decides how much a check takes; of the host's memory it gets a part."""
    path = host.root / "huge.qcow2"
    run("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=512", path, "64M")
    os.truncate(path, 4 << 40)
    assert "qemu-img check gave up" in host.kvmctl("disk", "check", path, expect=65).stderr


def test_a_check_ends_with_kvmctl(host):
    path = host.root / "long.qcow2"
    run("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=512", path, "64M")
    os.truncate(path, 200 << 30)

    def checking():
        found = subprocess.run(["pgrep", "-P", str(process.pid)], text=True, stdout=subprocess.PIPE).stdout.split()
        return [int(pid) for pid in found if "qemu-img" in Path(f"/proc/{pid}/comm").read_text()]

    process = host.popen(host.binary, "disk", "check", path)
    wait_until(checking, "the check", 30)
    [pid] = checking()
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert re.search(r"Max address space +\d", limits) and re.search(r"Max cpu time +\d", limits), limits
    process.kill()
    process.wait()
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the end of the check", 30)


def test_what_others_stand_on(host, web):
    """It is checked beside its readers, and not repaired."""
    top = host.vms / "top" / "disk"
    image(top, "8M", "-b", web, "-F", "qcow2")
    host.write_firmware_vm("top", DISK0="disk", DISK0_FORMAT="qcow2", DISK0_BACKING=web)
    host.kvmctl("start", "top")
    host.kvmctl("disk", "check", web)
    assert host.kvmctl("disk", "check", web, "--repair", expect=75)
    host.kvmctl("stop", "--now", "top")
    said = host.kvmctl("disk", "check", web, "--repair", expect=75).stderr
    assert f"is the backing file of {top}, a disk of the VM top" in said
    host.kvmctl("disk", "check", "top", "--repair")


def test_what_this_host_uses(host, web, loops):
    device = loops(web)
    for command in [["check", web, "--repair"], ["grow", "web", "DISK0", "+1M"], ["grow", "web", "DISK0", "+1M", "--dry-run"]]:
        assert f"it is attached as {device}" in host.kvmctl("disk", *command, expect=75).stderr
    [found] = host.json("disk", "info", web)
    assert found["host"] == f"it is attached as {device}"
    data = host.vms / "web" / "data"
    second = loops(data)
    assert f"it is attached as {second}" in host.kvmctl("disk", "grow", "web", "DISK1", "+1M", expect=75).stderr
    assert data.stat().st_size == 1 << 20
    # The file is refused to other VMs too, and the device, which has it alone, is not.
    host.write_firmware_vm("other")
    host.kvmctl("disk", "attach", "other", second)
    host.kvmctl("disk", "attach", "other", data, expect=75)


def test_no_other_file_is_opened(host):
    """Whatever an image's header names."""
    pipe = host.root / "pipe"
    os.mkfifo(pipe)
    over = host.root / "over"
    run("qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", pipe, "-F", "raw", over, "1M")
    assert host.kvmctl("disk", "check", over).stdout == f"{over}: no errors\n"
    data = host.root / "data"
    split = host.root / "split"
    run("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={data},data_file_raw=on", split, "1M")
    data.unlink()
    os.mkfifo(data)
    said = host.kvmctl("disk", "check", split, expect=69).stderr
    assert "has its data in another file" in said
    # What a guest wrote to its raw disk is not taken for the structure of that disk.
    disk = host.vms / "vm" / "disk"
    image(disk)
    damage(disk)
    host.write_firmware_vm("vm", DISK0="disk", DISK0_FORMAT="raw")
    for words in [["vm", "DISK0"], [disk]]:
        assert "raw, which has no structure" in host.kvmctl("disk", "check", *words, "--repair").stdout
    host.write_firmware_vm("vm", DISK0="disk")
    assert "its format has to be set" in host.kvmctl("disk", "check", "vm", expect=65).stderr


def test_files_of_other_accounts(host):
    """Root does not work on what somebody else could replace."""
    disk = image(host.root / "theirs" / "disk")
    os.chown(disk.parent, 1234, 1234)
    os.chown(disk, 1234, 1234)
    host.kvmctl("disk", "check", disk, expect=77)
    host.kvmctl("disk", "info", disk)


def test_what_an_overlay_stands_on_is_not_checked(host):
    base, middle, top = (host.root / name for name in ("base", "middle", "top"))
    image(base)
    for above, below in (middle, base), (top, middle):
        run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", below, above)
    done = host.kvmctl("disk", "check", top)
    assert done.stdout == f"{top}: no errors\n"
    for below in base, middle:
        assert f"stands on {below}, which was not checked: `kvmctl disk check {below}`" in done.stderr
    base.rename(host.root / "away")
    assert f"stands on {base}, which does not exist" in host.kvmctl("disk", "check", top, expect=66).stderr
    [found] = json.loads(host.kvmctl("disk", "check", top, "--json", expect=66).stdout)
    assert found["name"] is None and not found["damaged"] and found["error"]["code"] == 66


def test_a_loop(host):
    one, two = host.root / "one", host.root / "two"
    image(one)
    run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", one, two)
    run("qemu-img", "rebase", "-u", "-F", "qcow2", "-b", two, one)
    assert f"stands on itself: {one} comes above" in host.kvmctl("disk", "check", one, expect=65).stderr
    assert f"{one}, qcow2, 8 MiB (a loop" in host.kvmctl("disk", "info", one).stdout
    assert "stands on itself" in host.json("disk", "info", one)[0]["fault"]

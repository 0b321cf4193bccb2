"""Copies of VMs with what is on their disks."""

import json
import os
import signal
import subprocess

import pytest

from rig.faults import strike, system_calls, was_killed
from rig.host import KERNEL_WORDS
from rig.terminal import run_inside, spawn, wait_for_exit
from rig.waiting import wait_until

MARK = b"this is the first"


def values(host, name):
    text = (host.vms / name / "vm.params").read_text()
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))


def files(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def vm(host, name="a", size=1 << 20, mark=MARK, **keys):
    """A VM that gets no further than its firmware, with a raw disk that has a mark in its middle."""
    path = host.write_firmware_vm(name, DISK0="vdisk0", **keys)
    with open(path.parent / "vdisk0", "wb") as disk:
        disk.truncate(size)
        disk.seek(size // 2)
        disk.write(mark)
    return path


def filled(host, name="a", megabytes=40):
    """The same with so much data that it is copied in several pieces."""
    path = vm(host, name)
    with open(path.parent / "vdisk0", "wb") as disk:
        disk.write(os.urandom(1 << 20) * megabytes)
        disk.truncate((megabytes + 20) << 20)
    return path


class Halted:
    """A clone that stands still when its first piece has been copied."""

    def __init__(self, host, *words, when=1):
        trace = host.root / f"halted-{when}"
        self.process = host.popen(
            "strace", "-f", "-qq", "-o", trace, "-e", f"inject=copy_file_range:signal=SIGSTOP:when={when}", "-e", "trace=copy_file_range",
            host.binary, "clone", *words)
        wait_until(lambda: trace.exists() and "stopped by SIGSTOP" in trace.read_text(), "halted clone")
        self.clone = host.kvmctls()[0]

    def go_on(self):
        os.kill(self.clone.pid, signal.SIGCONT)
        said, failed = self.process.communicate(timeout=60)
        return self.process.returncode, said, failed


def test_a_guest_boots_from_its_clone(host):
    host.write_vm(
        "a", "# made by hand", "NAME=a", "MEMORY=128 # enough", "UUID=8d0a5f0e-1f5a-4d3c-9a55-5f6a1cf0a001",
        "MAC=52:54:00:00:00:01", "NET0=user", "VNCDISP=7", f"DISK0={host.vms}/a/vdisk0", "PROTECT=yes", "AUTOSTART=yes",
        "TAGS=lab,old", "DESCRIPTION='the first'", "FORWARD0=tcp:127.0.0.1:2222:22", "CLOUDINIT_USERDATA=user-data",
        f"KERNEL={host.guests}/vmlinuz", f"INITRD={host.guests}/initrd.gz", f"APPEND='{KERNEL_WORDS}'")
    (host.vms / "a/user-data").write_text("#cloud-config\n")
    disk = host.vms / "a/vdisk0"
    disk.write_bytes(MARK.ljust(1 << 20, b"\0"))
    before = disk.read_bytes(), (host.vms / "a/vm.params").read_text()
    done = host.kvmctl("clone", "a", "b")
    assert done.stdout.splitlines() == [f"created {host.vms}/b/{name}" for name in ("vm.params", "vdisk0", "user-data")]
    for told in "FORWARD0", "not copied: PROTECT, AUTOSTART", "VNCDISP=auto":
        assert told in done.stderr, done.stderr
    lines = (host.vms / "b/vm.params").read_text().splitlines()
    assert lines[:3] == ["# made by hand", "NAME=b", "MEMORY=128 # enough"]
    made = values(host, "b")
    assert made["UUID"] != "8d0a5f0e-1f5a-4d3c-9a55-5f6a1cf0a001" and made["MAC"].startswith("52:54:00")
    assert made["MAC"] != "52:54:00:00:00:01" and made["VNCDISP"] == "auto" and made["DISK0"] == "vdisk0"
    assert made["TAGS"] == "lab,old" and made["DESCRIPTION"] == "'the first'" and made["CLOUDINIT_USERDATA"] == "user-data"
    assert not {"PROTECT", "AUTOSTART", "FORWARD0"} & set(made)
    assert (host.vms / "b/vdisk0").stat().st_mode & 0o777 == 0o600
    # Both at once, each with its own.
    host.kvmctl("set", "a", "--unset", "FORWARD0")
    host.kvmctl("start", "a", "b")
    host.wait_console("b", "tiny: up")
    assert run_inside(host, "b", f"grep -ac '{MARK.decode()}' /dev/vda")[0].strip() == "1"
    run_inside(host, "b", "dd if=/dev/zero of=/dev/vda bs=64k count=1 conv=fsync 2>/dev/null")
    host.kvmctl("stop", "--now", "--force", "a", "b")
    assert disk.read_bytes() == before[0]
    assert (host.vms / "b/vdisk0").read_bytes() == bytes(1 << 20)


def test_holes_stay_holes(host):
    path = vm(host, size=8 << 30)
    with open(path.parent / "vdisk0", "r+b") as disk:
        for place in 0, 3 << 30, 8 * (1 << 30) - (50 << 20):
            disk.seek(place)
            disk.write(os.urandom(33 << 20))
    host.kvmctl("clone", "a", "b")
    one, other = ((host.vms / name / "vdisk0") for name in "ab")
    assert other.stat().st_size == 8 << 30
    assert other.stat().st_blocks <= one.stat().st_blocks + 64
    # It looks only where one of them has data.
    subprocess.run(["qemu-img", "compare", "-q", "-f", "raw", "-F", "raw", one, other], check=True)


def test_an_overlay_stays_one(host):
    base, path = host.root / "base.raw", vm(host, DISK0_FORMAT="qcow2", DISK0_BACKING=host.root / "base.raw")
    base.write_bytes(MARK.ljust(1 << 20, b"\0"))
    disk = path.parent / "vdisk0"
    disk.unlink()
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", disk], check=True)
    subprocess.run(["qemu-io", "-c", "write -P 0x42 64k 64k", disk], check=True, stdout=subprocess.DEVNULL)
    host.kvmctl("clone", "a", "b", "--set", "DISK0_SIZE=4M")
    assert values(host, "b")["DISK0_BACKING"] == str(base)
    new = host.vms / "b/vdisk0"
    told = json.loads(subprocess.run(["qemu-img", "info", "--output=json", new], check=True, stdout=subprocess.PIPE).stdout)
    assert (told["format"], told["virtual-size"], told["backing-filename"]) == ("qcow2", 4 << 20, str(base))
    subprocess.run(["qemu-img", "resize", "-q", disk, "4M"], check=True)
    subprocess.run(["qemu-img", "compare", "-q", disk, new], check=True)
    # Nothing takes away what both stand on.
    host.kvmctl("rm", "a", "--disks")
    assert base.exists()
    host.kvmctl("start", "b")
    host.kvmctl("stop", "--now", "b")


def test_a_raw_disk_that_begins_as_another_image(host):
    """Its guest may have written that: only what its VM's file says counts."""
    path = vm(host)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path.parent / "vdisk0", "1G"], check=True)
    os.truncate(path.parent / "vdisk0", 1 << 20)
    assert "begins as a qcow2 image does" in host.kvmctl("clone", "a", "b", expect=65).stderr
    host.kvmctl("set", "a", "DISK0_FORMAT=raw")
    host.kvmctl("clone", "a", "b")
    assert values(host, "b")["DISK0_FORMAT"] == "raw"
    assert (host.vms / "b/vdisk0").read_bytes() == (host.vms / "a/vdisk0").read_bytes()


def test_what_two_vms_can_and_cannot_share(host):
    elsewhere = host.root / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "data").write_bytes(b"data".ljust(1 << 20, b"\0"))
    (elsewhere / "tools").write_bytes(bytes(1 << 20))
    path = vm(host, DISK1=elsewhere / "data", DISK2="tools.img", DISK2_READONLY="yes", DISK3="later", DISK3_SIZE="1M",
              CDROM0="../../elsewhere/tools")
    (path.parent / "tools.img").write_bytes(bytes(1 << 20))
    said = host.kvmctl("clone", "a", "b").stderr
    assert "DISK3 of" in said and "not there yet" in said
    made = values(host, "b")
    assert [made[f"DISK{n}"] for n in range(4)] == ["vdisk0", "vdisk1", f"{host.vms}/a/tools.img", "vdisk3"]
    assert made["CDROM0"] == str(elsewhere / "tools") and made["DISK2_READONLY"] == "yes"
    assert (host.vms / "b/vdisk1").read_bytes() == (elsewhere / "data").read_bytes()
    assert (elsewhere / "data").exists() and not (host.vms / "b/tools.img").exists()
    host.kvmctl("start", "a", "b")
    host.kvmctl("stop", "--now", "a", "b")
    # What the copy stands on stays.
    assert "tools.img" in host.kvmctl("rm", "a", "--disks").stdout
    assert (host.vms / "a/tools.img").exists()


def test_a_block_device_is_not_copied(host):
    host.use_own_mounts()
    made = host.root / "image"
    made.write_bytes(bytes(1 << 20))
    device = subprocess.run(
        ["losetup", "--find", "--show", made], check=True, capture_output=True, text=True).stdout.strip()
    try:
        vm(host, DISK1=device)
        said = host.kvmctl("clone", "a", "b", expect=75).stderr
        assert f"{device} is a block device" in said and "--set DISK1=" in said
        host.kvmctl("clone", "a", "b", "--set", "DISK1=")
        assert "DISK1" not in values(host, "b")
        # A disk that the host itself writes to.
        vm(host, "c", DISK1=made)
        assert f"{made}: is in use by this host" in host.kvmctl("clone", "c", "d", expect=75).stderr
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


def test_a_machine_that_runs_is_refused(host):
    vm(host)
    vm(host, "twin")
    (host.vms / "twin/vm.params").write_text(f"NAME=twin\nDISK0={host.vms}/a/vdisk0\nNET0=none\nVNCDISP=none\n")
    host.kvmctl("start", "a")
    for _ in range(2):
        for words in [], ["--dry-run"], ["--linked"]:
            said = host.kvmctl("clone", "a", "b", *words, expect=75).stderr
            assert "it is running" in said and "suspend" in said, said
        host.kvmctl("pause", "a")
    # Another VM has the same disk.
    assert f"{host.vms}/a/vdisk0: is in use" in host.kvmctl("clone", "twin", "b", expect=75).stderr
    assert not (host.vms / "b").exists()
    host.kvmctl("stop", "--now", "a")
    assert "b/vdisk0" in host.kvmctl("clone", "twin", "b").stdout


def test_a_suspended_vm(host):
    vm(host)
    host.kvmctl("start", "a")
    host.kvmctl("suspend", "a")
    assert "boots as after a power cut" in host.kvmctl("clone", "a", "b").stderr
    assert files(host.vms / "b") == ["vdisk0", "vm.params"]
    assert host.state("a") == "suspended" and host.state("b") == "stopped"
    host.kvmctl("start", "a", "b")


def test_nothing_writes_to_a_disk_while_it_is_copied(host):
    filled(host)
    content = (host.vms / "a/vdisk0").read_bytes()
    halted = Halted(host, "a", "b")
    said = host.kvmctl("start", "a", expect=75).stderr
    assert f"{host.vms}/a/vdisk0 is in use by another process" in said, said
    for words in ["rm", "a", "--disks"], ["disk", "grow", "a", "DISK0", "1G"]:
        assert "in use" in host.kvmctl(*words, expect=75).stderr, words
    assert subprocess.run(["qemu-io", "-f", "raw", "-c", "write 0 64k", host.vms / "a/vdisk0"],
                          capture_output=True).returncode != 0
    # Copies of one VM don't keep each other waiting.
    host.kvmctl("clone", "a", "c")
    assert not (host.vms / "b/vm.params").exists()
    code, _, failed = halted.go_on()
    assert code == 0, failed
    assert all((host.vms / name / "vdisk0").read_bytes() == content for name in "abc")
    host.kvmctl("start", "a")


def test_a_disk_that_is_written_to_all_the_same(host):
    """By a program that heeds no locks."""
    filled(host)
    halted = Halted(host, "a", "b")
    with open(host.vms / "a/vdisk0", "r+b") as disk:
        disk.seek(30 << 20)
        disk.write(b"x")
    code, _, failed = halted.go_on()
    assert code == 75 and "was written to while it was copied" in failed
    assert not (host.vms / "b").exists()


@pytest.mark.parametrize("disk, when", [("vdisk1", 1), ("vdisk0", 4)])
def test_the_disks_are_of_one_moment(host, disk, when):
    """One is written to while the other is copied, by a program that puts the time of its file back."""
    path = filled(host)
    with open(path, "a") as params:
        params.write("DISK1=vdisk1\n")
    (path.parent / "vdisk1").write_bytes(bytes(range(256)) * 4096)
    halted = Halted(host, "a", "b", when=when)
    written = path.parent / disk
    before = written.stat()
    with open(written, "r+b") as file:
        file.write(b"x")
    os.utime(written, ns=(before.st_atime_ns, before.st_mtime_ns))
    code, _, failed = halted.go_on()
    assert code == 75 and f"{written}: was written to while it was copied" in failed
    assert not (host.vms / "b").exists()
    host.kvmctl("clone", "a", "b")


def test_a_password_file_goes_with_its_vm(host):
    """What clone has made, rm removes, so that the same clone can be made again."""
    path = vm(host, VNCDISP="7", VNCPASSWORD_FILE="pw")
    (path.parent / "pw").write_text("secret\n")
    (path.parent / "pw").chmod(0o600)
    for words in ["--disks"], []:
        made = host.kvmctl("clone", "a", "b")
        assert f"created {host.vms}/b/vnc.password" in made.stdout and "does not exist" not in made.stderr, made
        gone = host.kvmctl("rm", "b", *words).stdout
        assert "vnc.password" in gone and (host.vms / "b").exists() == (not words), gone
    assert (path.parent / "pw").exists() and (host.vms / "b/vnc.password").exists()


def test_a_clone_that_is_killed(host):
    filled(host)
    host.kvmctl("clone", "a", "b")
    host.kvmctl("rm", "b", "--disks")
    calls = system_calls(host, "clone", "a", "b")
    host.kvmctl("rm", "b", "--disks")
    copies = [call for call in calls if call[0] == "copy_file_range"]
    links = [call for call in calls if call[0] == "linkat"]
    assert len(copies) >= 3 and len(links) == 2
    for call in copies[0], copies[2], *links:
        assert was_killed(strike(host, call, "signal=SIGKILL", "clone", "a", "b")), call
        assert [vm["name"] for vm in host.json("list")] == ["a"], call
        host.kvmctl("clone", "a", "b")
        assert (host.vms / "b/vdisk0").read_bytes() == (host.vms / "a/vdisk0").read_bytes()
        assert files(host.vms / "b") == ["vdisk0", "vm.params"]
        host.kvmctl("rm", "b", "--disks")


def test_a_clone_that_is_interrupted(host):
    filled(host)
    halted = Halted(host, "a", "b-%d", "--count", "2")
    os.kill(halted.clone.pid, signal.SIGTERM)
    code, said, failed = halted.go_on()
    assert code in (128 + signal.SIGTERM, -signal.SIGTERM) and "None of the 2 VMs was created." in failed, failed
    assert files(host.vms) == ["a", "a/vdisk0", "a/vm.params"] and said == ""


def test_the_copy_fits_or_is_not_begun(host):
    host.use_own_mounts()
    filled(host)
    small = host.root / "small"
    small.mkdir()
    assert host.execute("mount", "-t", "tmpfs", "-o", "size=50m", "small", small).returncode == 0
    # From one kind of file system to another, where the kernel may not be able to copy by itself.
    host.kvmctl("clone", "a", small / "one")
    assert host.execute("cmp", host.vms / "a/vdisk0", small / "one/vdisk0").returncode == 0
    for words in [], ["--dry-run"]:
        said = host.kvmctl("clone", "a", small / "two", *words, expect=73).stderr
        assert "take 40 MiB, and only" in said and "is free on its file system" in said, said
    assert host.execute("ls", small).stdout.split() == ["one"]
    # One that is filled meanwhile.
    calls = system_calls(host, "clone", "a", "b")
    host.kvmctl("rm", "b", "--disks")
    last = [call for call in calls if call[0] == "copy_file_range"][-1]
    said = strike(host, last, "error=ENOSPC", "clone", "a", "b")
    assert said.returncode == 73 and "no space left" in said.stderr.lower(), said
    assert files(host.vms) == ["a", "a/vdisk0", "a/vm.params"]


def test_without_help_of_the_kernel(host):
    filled(host)
    for error in "EXDEV", "EOPNOTSUPP", "ENOSYS":
        done = host.execute("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject=copy_file_range:error={error}",
                            host.binary, "clone", "a", error)
        assert done.returncode == 0, done.stderr
        assert (host.vms / error / "vdisk0").read_bytes() == (host.vms / "a/vdisk0").read_bytes()
        assert (host.vms / error / "vdisk0").stat().st_blocks <= (host.vms / "a/vdisk0").stat().st_blocks + 64


def test_names_and_places(host):
    vm(host)
    vm(host, "taken")
    assert "already the name of a VM" in host.kvmctl("clone", "a", "taken", expect=73).stderr
    assert "already the name of a VM" in host.kvmctl("clone", "a", "a", expect=73).stderr
    host.kvmctl("clone", "none", "b", expect=66)
    (host.vms / "b").mkdir()
    (host.vms / "b/vdisk0").write_bytes(b"somebody's")
    assert "exists already" in host.kvmctl("clone", "a", "b", expect=73).stderr
    assert (host.vms / "b/vdisk0").read_bytes() == b"somebody's"
    # A path, and the file of a VM.
    host.kvmctl("clone", host.vms / "a/vm.params", f"{host.root}/c", "--memory", "64M", "--set", "DESCRIPTION=third")
    text = (host.root / "c/vm.params").read_text()
    assert "MEMORY=64M\n" in text and "DESCRIPTION=third\n" in text
    made = host.json("clone", "a", "x-%02d", "--count", "3")
    assert [one["name"] for one in made] == ["x-01", "x-02", "x-03"] and made[0]["schema"] == "kvmctl.create/1"
    assert len({values(host, one["name"])["UUID"] for one in made}) == 3
    assert made[0]["disks"][0]["image"] == f"{host.vms}/a/vdisk0" and not made[0]["disks"][0]["overlay"]
    for words in ["x-%d"], ["y", "--count", "2"], ["y-%d", "--count", "2", "--mac", "52:54:00:00:00:07"], [""]:
        host.kvmctl("clone", "a", *words, expect=64)
    host.kvmctl("clone", "a", "y", "--start")
    assert host.state("y") == "running"


def test_linked(host):
    vm(host)
    said = host.kvmctl("clone", "a", "b", "--linked", expect=75).stderr
    assert "is no template" in said and "kvmctl set a TEMPLATE=yes" in said
    host.kvmctl("set", "a", "TEMPLATE=yes", "PROTECT=yes")
    host.kvmctl("clone", "a", "b", "--linked")
    made = values(host, "b")
    assert made["DISK0_BACKING"] == f"{host.vms}/a/vdisk0" and not {"TEMPLATE", "PROTECT"} & set(made)
    host.kvmctl("start", "b")
    host.kvmctl("stop", "--now", "b")
    # A copy of a template, and one of the overlay.
    host.kvmctl("clone", "a", "c")
    assert "DISK0_BACKING" not in values(host, "c") and "TEMPLATE" not in values(host, "c")
    host.kvmctl("clone", "b", "d")
    assert values(host, "d")["DISK0_BACKING"] == f"{host.vms}/a/vdisk0"


@pytest.mark.parametrize("words", [["clone", "a", "b"], ["create", "b", "--from", "a", "--copy"]])
def test_progress_on_a_terminal(host, words):
    filled(host)
    host.kvmctl("set", "a", "TEMPLATE=yes")
    terminal = spawn(host, *words)
    terminal.expect(r"16 MiB of 40 MiB .*/a/vdisk0")
    wait_for_exit(terminal)


def test_a_user_copies_what_they_may_read(rootless_host):
    host = rootless_host
    vm(host)
    disk = host.vms / "a/vdisk0"
    os.chown(disk, host.uid, host.uid)
    host.kvmctl("clone", "a", "b")
    assert (host.vms / "b/vdisk0").stat().st_uid == host.uid
    os.chown(disk, 0, 0)
    os.chmod(disk, 0o600)
    host.kvmctl("clone", "a", "c", expect=77)
    assert not (host.vms / "c").exists()


def test_what_is_in_the_way_is_not_used_as_the_copy(host):
    vm(host)
    (host.vms / "b").mkdir()
    (host.vms / "b/vdisk0").write_bytes(b"precious")
    said = host.kvmctl("clone", "a", "b", expect=73).stderr
    assert "exists already" in said and "--set" not in said and "name another directory" in said
    assert files(host.vms / "b") == ["vdisk0"]


def test_a_link_that_leads_nowhere_is_not_followed(host):
    vm(host)
    (host.vms / "b").symlink_to(host.root / "nowhere")
    assert "symbolic link that leads nowhere" in host.kvmctl("clone", "a", "b", expect=73).stderr
    assert not (host.root / "nowhere").exists()


def test_an_overlay_of_what_is_lost(host):
    subprocess.run(["qemu-img", "create", "-q", "-f", "raw", host.root / "base", "1M"], check=True)
    path = host.write_firmware_vm("a", DISK0="vdisk0", DISK0_FORMAT="qcow2", DISK0_BACKING=host.root / "base").parent
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", host.root / "base", path / "vdisk0"], check=True)
    (host.root / "base").unlink()
    said = host.kvmctl("clone", "a", "b", expect=66).stderr
    assert "does not exist, and DISK0 of a is an overlay of it" in said and not (host.vms / "b").exists()


def test_a_damaged_disk_can_not_be_downloaded_again(host):
    path = host.write_firmware_vm("a", DISK0="vdisk0", DISK0_FORMAT="qcow2").parent / "vdisk0"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "8M"], check=True)
    os.truncate(path, 1024)
    said = host.kvmctl("clone", "a", "b", expect=65).stderr
    assert f"kvmctl disk check {path}" in said and "download" not in said


def test_a_path_of_another_directory(host):
    vm(host)
    (host.root / "copy").write_bytes(bytes(1 << 20))
    said = host.execute("sh", "-c", f"cd {host.root} && exec {host.binary} clone a b --set DISK0=./copy")
    assert said.returncode == 64 and f"--set DISK0={host.root}/copy" in said.stderr
    assert not (host.vms / "b").exists()
    host.kvmctl("clone", "a", "b", "--set", f"DISK0={host.root}/copy")


def test_several_name_no_other_command(host):
    vm(host)
    vm(host, "b1")
    vm(host, "b2")
    said = host.kvmctl("clone", "a", "b%d", "--count", "2", expect=73).stderr
    assert "kvmctl: 2 of 2 VMs can't be created" in said


def test_a_full_file_system_is_that_of_the_copy(host):
    filled(host, megabytes=1)
    done = host.execute(
        "strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=copy_file_range", "-e",
        "inject=copy_file_range:error=ENOSPC", host.binary, "clone", "a", "b")
    assert done.returncode == 73 and f"{host.vms}/b/vdisk0: can't be written: No space left" in done.stderr
    assert not (host.vms / "b").exists()

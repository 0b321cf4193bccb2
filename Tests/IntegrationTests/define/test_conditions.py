"""One list of conditions: `check` and `start` refuse each of them in the same words, and `start` leaves nothing behind."""

import os
import shutil
import struct
import subprocess
from contextlib import contextmanager

import pytest

from rig.process import Process
from rig.waiting import wait_until


def write(path, *pieces, size=0, mode=0o644):
    """Writes a file of (offset, bytes) that has at least this size."""
    with open(path, "wb") as file:
        for offset, piece in pieces:
            file.seek(offset)
            file.write(piece)
        file.truncate(max(size, file.seek(0, os.SEEK_END)))
    path.chmod(mode)
    return path


def disk(directory, name="d.img", size=8 << 20):
    return write(directory / name, size=size)


def linked(directory):
    """One disk under three names."""
    disk(directory)
    (directory / "soft.img").symlink_to("d.img")
    (directory / "hard.img").hardlink_to(directory / "d.img")
    (directory / "here").symlink_to(".")


def qcow2(directory, name="q.qcow2", **changes):
    """An 8 MiB image (QEMU, docs/interop/qcow2) that QEMU would open but for these {field: value}."""
    fields = {
        "magic": 0x514649fb, "version": 3, "backing_offset": 0, "backing_length": 0, "cluster_bits": 16, "size": 8 << 20,
        "crypt": 0, "l1_size": 1, "l1_offset": 0x30000, "table_offset": 0x10000, "table_clusters": 1, "snapshots": 0,
        "snapshots_offset": 0, "incompatible": 0, "compatible": 0, "autoclear": 0, "order": 4, "header_length": 104,
    }
    header = struct.pack(">IIQIIQIIQQIIQQQQII", *{**fields, **changes}.values())
    counts = struct.pack(">HHHH", 1, 1, 1, 1)
    return write(
        directory / name, (0, header), (0x10000, struct.pack(">Q", 0x20000)), (0x20000, counts), size=0x40000)


def elf(directory, name, note=None, multiboot=False):
    """A kernel of one instruction (`jmp .`) as ELF: of 64 bits with a note, or of 32 bits with a multiboot header."""
    bits = 32 if multiboot else 64
    ident = b"\x7fELF" + bytes([bits // 32, 1, 1]) + bytes(9)
    if bits == 64:
        header = ident + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x100000, 64, 0, 0, 64, 56, 2, 0, 0, 0)
        load = struct.pack("<IIQQQQQQ", 1, 5, 4096, 0x100000, 0x100000, 2, 2, 4096)
        notes = struct.pack("<IIQQQQQQ", 4, 4, 2048, 0, 0, 20, 20, 4)
    else:
        header = ident + struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, 0x100000, 52, 0, 0, 52, 32, 2, 0, 0, 0)
        load = struct.pack("<IIIIIIII", 1, 4096, 0x100000, 0x100000, 2, 2, 5, 4096)
        notes = struct.pack("<IIIIIIII", 4, 2048, 0, 0, 20, 20, 4, 4)
    pieces = [(0, header + load + notes), (2048, struct.pack("<III4sI", 4, 4, note or 0, b"Xen", 0x100000)), (4096, b"\xeb\xfe")]
    if multiboot:
        pieces.append((1024, struct.pack("<III", 0x1BADB002, 0, -0x1BADB002 & 0xFFFFFFFF)))
    return write(directory / name, *pieces)


def iso(directory, name, *options):
    (directory / "content").mkdir(exist_ok=True)
    write(directory / "content/file", size=300_000)
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-o", directory / name, *options, directory / "content"],
                   check=True, capture_output=True)
    return directory / name


def boot_image(directory):
    write(directory / "content/boot.img", (510, b"\x55\xaa"), size=2048)


def cut(directory, name, source, missing=2048):
    data = source.read_bytes()
    return write(directory / name, (0, data[:len(data) - missing]))


def discs(host, directory):
    (directory / "content").mkdir()
    boot_image(directory)
    iso(directory, "plain.iso")
    iso(directory, "bios.iso", "-b", "boot.img", "-no-emul-boot")
    iso(directory, "uefi.iso", "-e", "boot.img", "-no-emul-boot")
    cut(directory, "cut.iso", directory / "plain.iso")
    cut(directory, "half.iso", host.guests / "install.iso", missing=16 << 20)
    write(directory / "page.iso", (0, b"<html>not found</html>\n"), size=100_000)


def kernels(host, directory):
    (directory / "vmlinuz").symlink_to(host.guests / "vmlinuz")
    (directory / "initrd").symlink_to(host.guests / "initrd.gz")
    write(directory / "text", (0, b"hello\n"))
    write(directory / "empty")
    write(directory / "large", size=64 << 20)
    write(directory / "cut", (0, (host.guests / "vmlinuz").read_bytes()[:4096]))
    elf(directory, "program", note=1)


def qcow2s(_host, directory):
    qcow2(directory, "v9", version=9)
    qcow2(directory, "features", incompatible=1 << 40)
    qcow2(directory, "corrupt", incompatible=2)
    qcow2(directory, "encrypted", crypt=1)
    qcow2(directory, "clusters", cluster_bits=48)
    qcow2(directory, "snapshots", snapshots=0xFFFFFFFF)
    write(directory / "short", (0, qcow2(directory).read_bytes()[:72]))


def disks(_host, directory):
    linked(directory)
    write(directory / "odd", size=1536)
    disk(directory, "immutable")
    disk(directory, "append")


KERNEL = {"KERNEL": "vmlinuz", "INITRD": "initrd", "MEMORY": 128}
BAD = {
    "processor": (None, [
        ({"CPU": "host"}, 69, "CPU: the model host is this machine's own processor"),
        ({"CPU": "skylake"}, 69, "no CPU model skylake\n  did you mean Skylake-Client"),
        ({"CPU": "hasswell"}, 69, "did you mean Haswell?"),
        ({"CPU": "help"}, 69, "no CPU model help"),
        ({"CPU": "486"}, 69, "486 has no APIC"),
        ({"CPU": "max,-apic"}, 69, "max,-apic has no APIC"),
        ({"CPU": "max,+nonsense"}, 69, "has no CPU flag nonsense"),
        ({"CPU": "max,nonsense=on", "MACHINE": "pc"}, 69, "has no CPU flag nonsense"),
        ({"CPU": "max,avx=maybe"}, 69, "can't make this processor"),
        ({"CPU": "max,phys-bits=200"}, 69, "phys-bits should be between 32 and 52"),
        ({"CPU": "Haswell,enforce"}, 69, "doesn't support requested features"),
        ({"MACHINE": "pc-q35-99.9"}, 69, "no machine type pc-q35-99.9"),
    ]),
    "kernel": (kernels, [
        ({"KERNEL": "text"}, 65, "text is not a kernel that QEMU loads"),
        ({"KERNEL": "empty"}, 65, "KERNEL: /", ),
        ({"KERNEL": "cut"}, 65, "cut is cut short"),
        ({"KERNEL": "initrd"}, 65, "initrd is not a kernel: it looks like an initial RAM disk"),
        ({"KERNEL": "initrd", "INITRD": "vmlinuz"}, 65, "the two look swapped"),
        ({"KERNEL": "program"}, 65, "program is an ELF file without the PVH entry point"),
        ({"KERNEL": "/proc/version"}, 65, "/proc/version is a file of proc"),
        ({**KERNEL, "INITRD": "vmlinuz"}, 65, "vmlinuz is a kernel, not an initial RAM disk"),
        ({**KERNEL, "INITRD": "large", "MEMORY": 64}, 65, "large is 67108864 bytes"),
        ({**KERNEL, "MEMORY": 8}, 65, "which does not fit into MEMORY=8M"),
        ({**KERNEL, "APPEND": "'quiet vga=best'"}, 65, "QEMU does not understand vga=best"),
    ]),
    "disc": (discs, [
        ({"CDROM0": "cut.iso"}, 65, "cut.iso is cut short: it is"),
        ({"CDROM0": "half.iso", "BOOT": "cdrom"}, 65, "half.iso is cut short: it is"),
        ({"CDROM0": "/sys/kernel/notes"}, 65, "/sys/kernel/notes is a file of sysfs"),
    ]),
    "qcow2": (qcow2s, [
        ({"DISK0": name, "DISK0_FORMAT": "qcow2"}, 65, words) for name, words in {
            "v9": "version 9", "features": "features of qcow2 that QEMU does not know", "corrupt": "marked as corrupt",
            "encrypted": "encrypted", "clusters": "clusters of 2^48 bytes", "snapshots": "too many snapshots",
            "short": "cut short",
        }.items()
    ]),
    "disk": (disks, [
        ({"DISK0": "d.img", "DISK1": "soft.img"}, 65, "soft.img is the same file as DISK0 (/"),
        ({"DISK0": "soft.img", "DISK1": "hard.img"}, 65, "hard.img is the same file as DISK0 (/"),
        ({"DISK0": "d.img", "DISK0_READONLY": "yes", "DISK1": "hard.img"}, 65, "hard.img is the same file as DISK0"),
        ({"DISK0": "d.img", "CDROM0": "d.img"}, 65, "CDROM0: /"),
        ({"DISK0": "d.img", "CDROM0": "hard.img"}, 65, "hard.img is the same file as DISK0"),
        ({"DISK0": "d.img", "KERNEL": "hard.img"}, 65, "is not a kernel"),
        ({"DISK0": "n.img", "DISK0_SIZE": "1M", "DISK1": "here/n.img", "DISK1_SIZE": "1M"}, 65, "n.img is the same file as DISK0"),
        ({"DISK0": "odd", "DISK0_CACHE": "none"}, 69, "needs a size that is a multiple of 4096"),
        ({"DISK0": "/sys/kernel/mm/ksm/run"}, 65, "/sys/kernel/mm/ksm/run is a file of sysfs"),
        ({"DISK0": "/proc/meminfo", "DISK0_READONLY": "yes"}, 65, "/proc/meminfo is a file of proc"),
        ({"DISK0": "/proc/new", "DISK0_SIZE": "1M"}, 65, "/proc/new would be a file of proc"),
        ({"DISK0": "/dev/zero"}, 65, "/dev/zero is neither a file nor a block device"),
    ]),
    "port": (None, [
        ({"NET0": "user", "FORWARD0": "tcp::80:80"}, 77, "QEMU can't listen on port 80"),
        ({"NET0": "user", "FORWARD0": "tcp::5907:80", "VNCDISP": 7}, 65, "port 5907 is used by the VM's own VNC"),
        ({"NET0": "nat", "FORWARD0": "tcp::5907:80", "VNCDISP": 7}, 65, "port 5907 is used by the VM's own VNC"),
        ({"NET0": "nat", "FORWARD0": "udp::53:53"}, 65, "udp port 53 is that of the network's own DNS server"),
        ({"NET0": "nat", "FORWARD0": "udp:127.0.0.1:67:67"}, 65, "that of the network's own DHCP server"),
        ({"VNCDISP": "auto", "VNCBIND": "192.0.2.1"}, 69, "VNCBIND: can't listen on 192.0.2.1"),
        ({"VNCDISP": 7, "VNCBIND": "fe80::1"}, 69, "can't listen on [fe80::1]"),
    ]),
}


@pytest.mark.parametrize("kind", BAD)
def test_check_and_start_refuse_the_same(host, kind):
    make, cases = BAD[kind]
    directory = host.vms / "vm"
    directory.mkdir()
    if make:
        make(host, directory)
    for keys, code, words in cases:
        refuse_alike(host, keys, code, words)


def refuse_alike(host, keys, code, words):
    host.write_firmware_vm("vm", **{"ACCEL": "tcg", **keys})
    before = everything(host)
    checked = host.kvmctl("check", "vm", expect=code).stderr
    started = host.kvmctl("start", "vm", "--timeout", "20s", expect=code).stderr
    assert words in checked, (keys, checked)
    assert started == checked, (keys, started, checked)
    assert checked == host.kvmctl("start", "vm", "--dry-run", expect=code).stderr
    assert checked == host.kvmctl("explain", "vm", expect=code).stderr
    host.assert_nothing_left()
    assert everything(host) == before


def everything(host):
    """The files of the VMs, and their run-time files. Not their logs and cached probe results, which are kept."""
    places = [host.vms, *(path for path in host.run.glob("*") if path.name not in ("log", "cache"))]
    return sorted(file for place in places for file in place.rglob("*"))


def test_the_doctor_knows_them_too(host):
    kernels(host, host.write_firmware_vm("vm", ACCEL="tcg", CPU="486", KERNEL="text").parent)
    said = host.kvmctl("doctor", "vm", expect=69).stdout
    assert "486 has no APIC" in said and "text is not a kernel that QEMU loads" in said


def test_what_looks_odd_and_is_right_starts(host):
    directory = host.vms / "vm"
    directory.mkdir()
    discs(host, directory)
    linked(directory)
    write(directory / "odd", size=1536)
    qcow2(directory)
    elf(directory, "pvh", note=18)
    elf(directory, "multiboot", multiboot=True)
    for keys, note in [
            ({"CPU": "486", "MACHINE": "pc"}, None),
            ({"CPU": "qemu64,+avx512f"}, "TCG has no avx512f here"),
            ({"CPU": "Haswell"}, "TCG has no pcid"),
            ({"MACHINE": "pc-i440fx-1.4"}, "MACHINE=pc-i440fx-1.4 is deprecated"),
            ({"KERNEL": "pvh"}, None), ({"KERNEL": "multiboot", "INITRD": host.guests / "vmlinuz", "MEMORY": 64}, None),
            ({"DISK0": "odd"}, None), ({"DISK0": "q.qcow2", "DISK0_FORMAT": "qcow2"}, None),
            ({"DISK0": "d.img", "DISK0_SIZE": "1G"}, "exists and has 8 MiB: DISK0_SIZE=1G applies only when"),
            ({"DISK0": "d.img", "DISK0_READONLY": "yes", "DISK1": "hard.img", "DISK1_READONLY": "yes"}, None),
            ({"CDROM0": "bios.iso", "BOOT": "cdrom"}, None),
            ({"CDROM0": "plain.iso", "BOOT": "cdrom"}, "plain.iso has no boot record"),
            ({"CDROM0": "uefi.iso", "BOOT": "cdrom"}, "uefi.iso boots on UEFI only"),
            ({"CDROM0": "page.iso"}, "page.iso is not an image of a CD"), ({"CDROM0": "plain.iso", "DISK0": "d.img"}, None),
            ({"VNCDISP": 5900}, "display 5900 is TCP port 11800"),
            ({"NET0": "user", "FORWARD0": "tcp::5900:80", "VNCDISP": "auto"}, None),
    ]:
        host.write_firmware_vm("vm", UUID="8c2b9fd0-4f0b-4f57-9f7a-8f6f6f6b1d11", ACCEL="tcg", **keys)
        notes = [line for line in host.kvmctl("check", "vm").stdout.splitlines()[1:] if "NET0_MAC" not in line]
        said = host.kvmctl("start", "vm").stderr
        assert (note in notes[0] and note in said) if note else notes == [], (keys, notes, said)
        host.kvmctl("stop", "--now", "vm")


def test_a_disc_of_one_start(host):
    directory = host.write_firmware_vm("vm", ACCEL="tcg", DISK0="d.img").parent
    disk(directory)
    discs(host, directory)
    for words, code, text in [
            ("cut.iso", 65, "--cdrom: "), ("d.img", 65, "d.img is the same file as DISK0"),
    ]:
        assert text in host.kvmctl("start", "vm", "--cdrom", directory / words, expect=code).stderr
    assert "plain.iso has no boot record" in host.kvmctl("start", "vm", "--cdrom", directory / "plain.iso").stderr
    host.kvmctl("stop", "--now", "vm")
    host.assert_nothing_left()


def test_a_new_disk_that_is_too_large(host):
    path = host.write_firmware_vm("vm", ACCEL="tcg", DISK0="new", DISK0_SIZE="64M")
    for command in ("check", "start"):
        result = host.execute("sh", "-c", f'ulimit -f 1024 && exec "$0" {command} vm', host.binary)
        assert result.returncode == 73 and "new can't be created with 64 MiB: File too large" in result.stderr, result
    assert [entry.name for entry in path.parent.iterdir()] == ["vm.params"]


@contextmanager
def loop_device(*options):
    made = subprocess.run(["losetup", "--find", "--show", *options], check=True, capture_output=True, text=True)
    device = made.stdout.strip()
    try:
        yield device
    finally:
        # What blockdev --setro set outlasts the file behind the device.
        if "--read-only" not in options:
            subprocess.run(["blockdev", "--setrw", device], check=True)
        subprocess.run(["losetup", "--detach", device], check=True)


@contextmanager
def attribute(flag, path):
    subprocess.run(["chattr", f"+{flag}", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["chattr", f"-{flag}", path], check=True)


@contextmanager
def read_only_mount(path):
    path.mkdir()
    disk(path)
    subprocess.run(["mount", "--bind", path, path], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", path], check=True)
        yield path / "d.img"
    finally:
        subprocess.run(["umount", path], check=True)


def test_what_can_not_be_written_to(host):
    image = disk(host.root)
    with loop_device("--read-only", image) as device:
        refuse_alike(host, {"DISK0": device}, 77, f"{device} is a read-only device\n  add DISK0_READONLY=yes")
        host.write_firmware_vm("vm", ACCEL="tcg", DISK0=device, DISK0_READONLY="yes")
        host.kvmctl("start", "vm")
        host.kvmctl("stop", "--now", "vm")
    with loop_device(image) as device:
        # A device can have any number of device files.
        node = host.root / "node"
        os.mknod(node, 0o600 | 0o060000, os.stat(device).st_rdev)
        refuse_alike(host, {"DISK0": device, "DISK1": node}, 65, f"{node} is the same file as DISK0 ({device})")
        subprocess.run(["blockdev", "--setro", device], check=True)
        refuse_alike(host, {"DISK0": device}, 77, f"{device} is a read-only device")
    for flag in "ia":
        with attribute(flag, disk(host.root, f"flag{flag}")) as path:
            refuse_alike(host, {"DISK0": path}, 77, f"{path} (of root, mode 644) can't be written to")
    with read_only_mount(host.root / "mount") as path:
        refuse_alike(host, {"DISK0": path}, 77, "mount the file system read-write, or add DISK0_READONLY=yes")


# xor ax,ax; mov ds,ax; next: mov si,packet; mov dl,0x80; mov ax,0x4300; int 0x13 (write 64 sectors);
# add dword [packet+8],64; jmp next; packet: 16 bytes, 64 sectors, from 0:0x7c00 (that is not all zeros), to sector 64
ENDLESS_WRITER = bytes.fromhex(
    "31c08ed8" "be167c" "b280" "b80043" "cd13" "6683061e7c40" "ebee" "10004000007c0000" "4000000000000000")


def test_a_full_file_system_pauses_the_guest_as_it_is_said(host):
    place = host.root / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=755", "tmpfs", place], check=True)
    try:
        host.write_firmware_vm("vm", ACCEL="tcg", DISK0=place / "d.img", DISK0_SIZE="64M")
        warning = "is free: when it is full, QEMU pauses each guest that writes there"
        assert warning in host.kvmctl("check", "vm").stdout
        assert not (place / "d.img").exists()
        write(place / "d.img", (0, ENDLESS_WRITER), (510, b"\x55\xaa"), size=64 << 20, mode=0o600)
        host.kvmctl("start", "vm")
        wait_until(lambda: host.state("vm") == "paused", "the guest to be paused")
        assert '"nospace": true' in (host.run / "log/vm/record").read_text()
        host.kvmctl("stop", "--now", "vm")
    finally:
        subprocess.run(["umount", place], check=True)


@contextmanager
def dhcp_server(host, *options):
    """A dnsmasq that is not kvmctl's."""
    server = host.popen(
        "dnsmasq", "--keep-in-foreground", "--conf-file=", "--port=0", "--dhcp-range=192.0.2.10,192.0.2.20",
        "--pid-file=", f"--dhcp-leasefile={host.root}/leases", "--user=root", *options)
    try:
        wait_until(lambda: ":67 " in host.execute("ss", "-lun").stdout, "DHCP server")
        yield
    finally:
        Process(server.pid).kill()
        server.wait()


def test_another_dhcp_server(bridged_host):
    host = bridged_host
    with dhcp_server(host):
        refuse_alike(host, {"NET0": "nat"}, 75, "another DHCP server has port 67")
    # A dnsmasq bound to its own bridge leaves room for another.
    with dhcp_server(host, "--bind-interfaces", "--interface=br0", "--except-interface=lo"):
        host.write_firmware_vm("vm", ACCEL="tcg", NET0="nat")
        assert "vm: ok" in host.kvmctl("check", "vm").stdout
        host.kvmctl("start", "vm")
        # kvmctl's own is no obstacle to the next VM.
        host.write_firmware_vm("other", ACCEL="tcg", NET0="nat")
        assert "other: ok" in host.kvmctl("check", "other").stdout
        host.kvmctl("stop", "--now", "vm")


def test_a_qemu_that_its_user_may_not_execute(host):
    wrapper = write(host.root / "qemu", (0, b'#!/bin/sh\nexec qemu-system-x86_64 "$@"\n'), mode=0o755)
    host.write_firmware_vm("vm", ACCEL="tcg", QEMU=wrapper)
    host.kvmctl("start", "vm")
    host.kvmctl("stop", "--now", "vm")
    # Its capabilities are cached now. That does not mean that it can be executed.
    wrapper.chmod(0o700)
    refuse_alike(host, {"QEMU": wrapper}, 77, f"{wrapper}: can't execute it: Permission denied")
    # Nor if nothing is cached.
    wrapper.touch()
    refuse_alike(host, {"QEMU": wrapper}, 77, f"{wrapper}: can't execute it: Permission denied")


def test_a_run_directory_that_can_not_be_made(rootless_host):
    host = rootless_host
    host.write_firmware_vm("vm", ACCEL="tcg")
    host.environment["KVMCTL_RUN"] = "/nonex"
    checked = host.kvmctl("check", "vm", expect=77).stderr
    assert "/nonex/vms/vm: can't be created: Permission denied\n  set KVMCTL_RUN" in checked
    assert checked in host.kvmctl("start", "vm", expect=77).stderr


def test_what_vms_that_do_not_run_have_too(bridged_host):
    host = bridged_host
    shared = disk(host.vms, "shared.img")
    (host.vms / "twin.img").hardlink_to(shared)
    keys = {
        "ACCEL": "tcg", "NET0": "bridge:br0", "NET0_TAP": "mine", "MAC": "52:54:00:00:00:01", "VNCDISP": 7, "NET1": "user",
        "FORWARD0": "tcp::2222:22", "MEMORY": "1T",
    }
    host.write_firmware_vm("b", DISK0=host.vms / "twin.img", **keys)
    host.write_firmware_vm("a", DISK0=shared, **{**keys, "MEMORY": 32})
    notes = host.kvmctl("check", "a").stdout
    for what in ("the MAC 52:54:00:00:00:01 on bridge:br0", "the interface mine", "VNC's port 5907 on 127.0.0.1",
                 "tcp port 2222", shared):
        assert f"note: {what} is also used by the VM b ({host.vms}/b/vm.params): only one of them" in notes, notes
    assert "note: all VMs together have 1 TiB of memory" in notes
    # A running VM gets no such notice.
    host.write_firmware_vm("b", DISK0=host.vms / "twin.img", **{**keys, "MEMORY": 32})
    host.kvmctl("start", "b")
    said = host.kvmctl("check", "a", expect=75).stderr
    assert host.kvmctl("start", "a", expect=75).stderr.count("is in use by the running VM b") == said.count(
        "is in use by the running VM b") == 3


def test_many_that_want_the_same_are_not_listed(host):
    for number in range(20):
        host.write_firmware_vm(f"vm{number}", ACCEL="tcg", VNCDISP=0)
    notes = [line for line in host.kvmctl("check", "--all").stdout.splitlines() if "VNC's port 5900" in line]
    assert len(notes) == 20 and all("and many more" in note for note in notes)


def test_the_question_about_a_processor_is_kept(host):
    host.write_firmware_vm("vm", ACCEL="tcg", CPU="Haswell")
    host.kvmctl("start", "vm")
    host.kvmctl("stop", "--now", "vm")
    host.kvmctl("check", "vm")
    trace = host.root / "trace"
    result = host.execute("strace", "-f", "-e", "trace=execve", "-o", trace, host.binary, "check", "vm")
    assert result.returncode == 0
    assert [line for line in trace.read_text().splitlines() if "qemu-system" in line] == []


def test_two_vms_with_one_uuid(host):
    """As after `cp -a`."""
    host.kvmctl("create", host.vms / "one", "--memory", "32", "--net", "none")
    shutil.copytree(host.vms / "one", host.vms / "two")
    assert "UUID" in host.kvmctl("check", "two").stdout and "the VM one" in host.kvmctl("check", "two").stdout
    host.kvmctl("start", "one")
    assert "the running VM one" in host.kvmctl("check", "two").stdout
    host.kvmctl("stop", "--now", "one")


def test_a_run_directory_that_became_read_only(host):
    """An earlier start left the VM's directory there."""
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    host.kvmctl("stop", "--now", "vm")
    for command in ("check", "start"):
        result = host.execute(
            "unshare", "--mount", "sh", "-c",
            f"mount --bind {host.run} {host.run} && mount -o remount,bind,ro {host.run} && {host.binary} {command} vm")
        assert result.returncode in (69, 73, 77) and str(host.run) in result.stderr, result

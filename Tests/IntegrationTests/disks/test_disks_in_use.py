"""A disk in use is refused, whoever uses it, and by every command in the same words."""

import os
import shlex
import subprocess

import pytest

from rig.host import NOBODY
from rig.loops import attaching


def run(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def image(path, size=8 << 20):
    path.parent.mkdir(exist_ok=True)
    with open(path, "wb") as file:
        file.truncate(size)
    return path


@pytest.fixture
def loops():
    with attaching() as attach:
        yield attach


def mounted(host, device, directory, script, options="rw"):
    """Runs a script while a device is mounted, in a mount namespace of its own."""
    run("mkfs.ext4", "-q", "-F", device)
    directory.mkdir(exist_ok=True)
    mount = shlex.join(["mount", "-o", options, device, str(directory)])
    return host.execute("unshare", "--mount", "sh", "-c", f"{mount} || exit 99\n{script}")


def assert_refused(host, words, outside=""):
    """check, start, the dry run and doctor say the same about the VM `vm`."""
    script = f"""
        for command in "check vm" "start vm" "start --dry-run vm" "doctor vm"; do
            echo "== $command"; {host.binary} $command 2>&1; echo "code $?"
        done"""
    result = outside(script) if outside else host.execute("sh", "-c", script)
    assert result.returncode == 0, result.stderr
    answers = result.stdout.split("== ")[1:]
    assert len(answers) == 4
    for answer in answers:
        assert words in answer and f"code {69 if answer.startswith('doctor') else 75}" in answer, answer
    assert host.qemus() == []


def test_a_device_that_is_mounted(host, loops):
    device = loops(image(host.vms / "disk"))
    host.write_firmware_vm("vm", DISK0=device)
    place = host.root / "mount point"
    assert_refused(host, f"it is mounted at {place}", lambda script: mounted(host, device, place, script))


def test_a_mounted_partition_of_the_disk_and_a_partition_of_a_mounted_disk(host, loops):
    device = loops(image(host.vms / "disk"))
    partition = loops.partition(device)
    place = host.root / "mnt"
    host.write_firmware_vm("vm", DISK0=device)
    name = os.path.basename(partition)
    assert_refused(
        host, f"its partition {name} is mounted", lambda script: mounted(host, partition, place, script))
    host.write_firmware_vm("vm", DISK0=partition)
    assert_refused(
        host, f"the whole disk {os.path.basename(device)} is mounted",
        lambda script: mounted(host, device, place, script))


def test_a_file_that_is_attached_or_mounted(host, loops):
    disk = image(host.vms / "vm" / "disk")
    device = loops(disk)
    host.write_firmware_vm("vm", DISK0="disk")
    assert_refused(host, f"it is attached as {device}")
    assert_refused(
        host, "it is mounted at", lambda script: mounted(host, device, host.root / "mnt", script))
    # Also under another name of the file.
    os.link(disk, host.vms / "vm" / "other")
    host.write_firmware_vm("vm", DISK0="other")
    assert_refused(host, f"it is attached as {device}")
    # And a second loop device of the same file as a mounted one.
    second = loops(disk)
    host.write_firmware_vm("vm", DISK0=second)
    assert_refused(host, f"the file behind it is attached as {device}")


def test_a_mount_that_is_not_seen(host, loops):
    """In another mount namespace: only the kernel knows of it."""
    device = loops(image(host.vms / "disk"))
    host.write_firmware_vm("vm", DISK0=device)
    run("mkfs.ext4", "-q", "-F", device)
    holder = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", f"mount {device} /mnt && echo && exec sleep 60"], stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        assert_refused(host, "the kernel has claimed it")
    finally:
        holder.kill()
        holder.wait()


def test_swap_space(host):
    disk = host.vms / "vm" / "disk"
    disk.parent.mkdir()
    disk.write_bytes(b"\1" * (8 << 20))
    disk.chmod(0o600)
    run("mkswap", "-q", disk)
    run("swapon", disk)
    try:
        host.write_firmware_vm("vm", DISK0="disk")
        assert_refused(host, "it is swap space")
    finally:
        run("swapoff", disk)


def test_reading_beside_readers(host, loops):
    """A CD or a read-only disk may also be mounted read-only."""
    device = loops(image(host.vms / "disk"), "--read-only")
    place = host.root / "mnt"
    for keys in [{"CDROM0": device}, {"DISK0": device, "DISK0_READONLY": "yes"}]:
        host.write_firmware_vm("vm", **keys)
        run("mkfs.ext4", "-q", "-F", host.vms / "disk")
        result = host.execute("unshare", "--mount", "sh", "-c", f"""
            mkdir -p {place}; mount -o ro,noload {device} {place} && {host.binary} start vm && {host.binary} stop --now vm""")
        assert result.returncode == 0, result.stderr


def test_the_host_keeps_off_what_a_vm_writes_to(host, loops):
    device = loops(image(host.vms / "disk"))
    run("mkfs.ext4", "-q", "-F", device)
    host.write_firmware_vm("vm", DISK0=device)
    host.kvmctl("start", "vm")
    mount = ["unshare", "--mount", "mount", device, "/mnt"]
    assert subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0
    host.kvmctl("check", "vm")
    host.kvmctl("stop", "--now", "vm")
    assert subprocess.run(mount).returncode == 0


def chain(*paths):
    """qcow2 images, each with the one before as its backing file."""
    below = None
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        base = ["-b", os.path.relpath(below, path.parent), "-F", "qcow2"] if below else []
        run("qemu-img", "create", "-q", "-f", "qcow2", *base, path, "1M")
        below = path


def test_the_base_of_another_vms_disk(host):
    base, middle, top = (host.vms / name / "disk" for name in ("vm", "middle", "top"))
    chain(base, middle, top)
    for name in ["vm", "top"]:
        host.write_firmware_vm(name, DISK0="disk", DISK0_FORMAT="qcow2")
    assert_refused(host, f"is the backing file of {top}, a disk of the VM top")
    # Reading does no harm.
    host.write_firmware_vm("vm", DISK0="disk", DISK0_FORMAT="qcow2", DISK0_READONLY="yes")
    host.kvmctl("check", "vm")
    said = host.kvmctl("rm", "--disks", "vm", expect=75).stderr
    assert base.exists() and (base.parent / "vm.params").exists() and "disks of VMs are overlays of its disks: top" in said
    # A disk declared as raw has no backing file, whatever its content says.
    host.write_firmware_vm("vm", DISK0="disk", DISK0_FORMAT="qcow2")
    host.write_firmware_vm("top", DISK0="disk", DISK0_FORMAT="raw")
    host.kvmctl("check", "vm")


@pytest.mark.parametrize("name", [
    "{base}", "file:{base}", "json:{{\"driver\":\"qcow2\",\"file\":{{\"driver\":\"file\",\"filename\":\"{base}\"}}}}",
])
def test_a_base_by_any_name(host, name):
    base = host.vms / "vm" / "disk"
    chain(base)
    overlay = host.vms / "top" / "disk"
    overlay.parent.mkdir()
    run("qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", name.format(base=base), "-F", "qcow2", overlay, "1M")
    for vm in ["vm", "top"]:
        host.write_firmware_vm(vm, DISK0="disk", DISK0_FORMAT="qcow2")
    assert_refused(host, f"is the backing file of {overlay}")
    assert "disks of VMs are overlays of its disks: top" in host.kvmctl("rm", "--disks", "vm", expect=75).stderr
    assert base.exists()


def test_a_data_file_of_another_vms_disk(host):
    data = image(host.vms / "vm" / "disk", 1 << 20)
    overlay = host.vms / "top" / "disk"
    overlay.parent.mkdir()
    run("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={data},data_file_raw=on", overlay, "1M")
    host.write_firmware_vm("vm", DISK0="disk")
    host.write_firmware_vm("top", DISK0="disk", DISK0_FORMAT="qcow2")
    assert_refused(host, f"is the backing file of {overlay}")


def test_removal_keeps_what_the_host_or_another_vm_uses(host, loops):
    one, other, third = (image(host.vms / "vm" / name, 1 << 20) for name in ("one", "other", "third"))
    device = loops(one)
    host.write_firmware_vm("vm", DISK0="one", DISK1="other", DISK2="third")
    os.link(other, host.vms / "name")
    host.write_firmware_vm("second", DISK0=host.vms / "name")
    said = host.kvmctl("rm", "--disks", "vm").stdout
    assert f"kept {one}: it is in use by this host: it is attached as {device}" in said
    assert f"kept {other}: it is a disk of the VM second" in said
    assert one.exists() and other.exists() and not third.exists()


def test_removal_tells_only_what_it_did(host):
    """Logs that can't be removed are not reported as removed, and the exit code tells."""
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    host.kvmctl("stop", "--now", "vm")
    (host.run / "log" / "vm" / "directory").mkdir()
    result = host.kvmctl("rm", "vm", expect=None)
    assert result.returncode != 0 and "log/vm" in result.stderr and "removed" not in result.stdout


def test_a_vm_whose_name_is_not_utf8(host):
    """It can't be read, so it may use any disk, and it is not taken for absent."""
    base = host.vms / "base/vdisk0"
    host.kvmctl("create", host.vms / "base", "--disk", "1M", "--memory", "32", "--net", "none")
    odd = os.fsencode(host.vms) + b"/caf\xe9"
    os.mkdir(odd)
    with open(odd + b"/vm.params", "w") as params:
        params.write(f"NET0=none\nDISK0=overlay\nDISK0_FORMAT=qcow2\n")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", odd + b"/overlay"], check=True)
    assert "not UTF-8" in host.kvmctl("list", expect=65).stderr
    assert "so another VM might use it" in host.kvmctl("rm", "base", "--disks", "--dry-run").stdout and base.exists()
    said = subprocess.run([host.binary, "check", odd], capture_output=True, env=host.environment)
    assert said.returncode == 64 and b"is not UTF-8" in said.stderr
    host.environment["KVMCTL_VMS"] = os.fsdecode(odd)
    assert "KVMCTL_VMS: is not UTF-8" in host.kvmctl("list", expect=64).stderr


def test_the_file_behind_a_loop_device_is_another_vms_disk(host, loops):
    """However the device was made from it."""
    disk = image(host.vms / "other/disk")
    host.write_firmware_vm("other", DISK0=disk)
    host.kvmctl("start", "other")
    device = loops(disk)
    for path in (device, loops.partition(device)):
        host.write_firmware_vm("vm", DISK0=path)
        for command in ("check", "start"):
            assert "is made of a disk of the VM other, which is running" in host.kvmctl(command, "vm", expect=75).stderr, path
    host.kvmctl("stop", "--now", "other")


def test_what_another_account_says_of_roots_disk(host):
    """It does not stop root; but an image that the account can read, and may use as a backing file, is not deleted."""
    host.kvmctl("create", host.vms / "vm", "--disk", "1M", "--memory", "32", "--net", "none")
    disk, users = host.vms / "vm/vdisk0", host.vms / "users"
    host.write_firmware_vm("users", DISK0="overlay", DISK0_FORMAT="qcow2")
    run("qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", disk, "-F", "raw", users / "overlay", "1M")
    for path in (users, users / "vm.params", users / "overlay"):
        os.chown(path, NOBODY, NOBODY)
    host.kvmctl("check", "vm")
    host.kvmctl("start", "vm")
    host.kvmctl("stop", "--now", "vm")
    assert f"would remove {disk}" in host.kvmctl("rm", "vm", "--disks", "--dry-run").stdout
    # Nor does an invalid params file.
    (users / "vm.params").write_text("junk")
    assert f"would remove {disk}" in host.kvmctl("rm", "vm", "--disks", "--dry-run").stdout
    host.write_firmware_vm("users", DISK0="overlay", DISK0_FORMAT="qcow2")
    os.chown(users / "vm.params", NOBODY, NOBODY)
    for path in (host.root, host.vms, disk.parent):
        path.chmod(0o755)
    disk.chmod(0o644)
    host.kvmctl("check", "vm")
    assert f"kept {disk}: it is the backing file of" in host.kvmctl("rm", "vm", "--disks", "--dry-run").stdout

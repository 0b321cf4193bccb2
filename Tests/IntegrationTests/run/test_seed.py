"""The seed for cloud-init, as a guest without cloud-init and the tools of the host see it."""

import os
import subprocess

from rig.terminal import run_inside

USER_DATA = "#cloud-config\nusers: [default]\n" + "# long\n" * 1000


def write(host, name="vm", data=USER_DATA, **keys):
    directory = host.vms / name
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "user-data").write_text(data)
    (directory / "user-data").chmod(0o600)
    host.write_tiny_vm(name, CLOUDINIT_USERDATA="user-data", **keys)


def image(host, name="vm"):
    """What QEMU holds as the seed."""
    descriptors = f"/proc/{host.show(name)['pid']}/fd"
    number, *_ = [fd for fd in os.listdir(descriptors) if os.readlink(f"{descriptors}/{fd}").startswith("/memfd:seed")]
    content = open(f"{descriptors}/{number}", "rb").read()
    path = host.root / "seed.img"
    path.write_bytes(content)
    return path


def file(path, name):
    return subprocess.run(["mtype", "-i", path, f"::{name}"], check=True, capture_output=True, text=True).stdout


def test_a_guest_finds_it_behind_its_disks_and_cannot_write(host):
    write(host, DISK0="vdisk0", DISK0_SIZE="1M", CLOUDINIT_HOSTNAME="web.example.org")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    read, code = run_inside(host, "vm", "grep -ac 'local-hostname: \"web.example.org\"' /dev/vdb; cat /sys/block/vdb/ro")
    assert read.split() == ["1", "1"] and code == 0
    assert run_inside(host, "vm", "dd if=/dev/zero of=/dev/vdb count=1 2>/dev/null")[1] != 0
    assert run_inside(host, "vm", "test -e /dev/vdb1")[1] == 1


def test_the_hosts_tools_read_it_and_it_follows_its_files(host):
    write(host, NET0="none")
    host.kvmctl("start", "vm")
    seed = image(host)
    told = subprocess.run(["blkid", "-p", "-o", "export", seed], check=True, capture_output=True, text=True).stdout
    assert "LABEL=CIDATA" in told and "TYPE=vfat" in told
    assert file(seed, "user-data") == USER_DATA
    first = file(seed, "meta-data")
    assert 'local-hostname: "vm"' in first and first.splitlines()[0].split('"')[1] in host.kvmctl("explain", "vm").stdout
    assert "runs as its file says" in host.kvmctl("diff", "vm").stdout
    # What it reads at its next boot is of another instance; what it runs with stays.
    (host.vms / "vm" / "user-data").write_text("#cloud-config\n")
    assert "seed for cloud-init have changed" in host.kvmctl("diff", "vm").stdout
    assert host.json("diff", "vm")[0]["seedChanged"] is True
    host.kvmctl("restart", "--now", "vm")
    seed = image(host)
    assert file(seed, "user-data") == "#cloud-config\n" and file(seed, "meta-data") != first
    assert host.json("diff", "vm")[0]["seedChanged"] is False


def test_what_cannot_be_one_is_refused_and_what_is_ignored_is_said(host):
    write(host, data="users: []\n")
    assert "cloud-init ignores" in host.kvmctl("check", "vm").stdout
    data = host.vms / "vm" / "user-data"
    data.write_bytes(bytes((1 << 20) + 1))
    assert "is larger than 1 MiB" in host.kvmctl("start", "vm", expect=65).stderr
    data.write_text(USER_DATA)
    data.chmod(0o666)
    assert "can be changed by everyone" in host.kvmctl("start", "vm", expect=77).stderr
    data.unlink()
    assert "does not exist" in host.kvmctl("start", "vm", expect=66).stderr
    assert "user-data does not exist" in host.kvmctl("check", "vm", expect=None).stderr


def test_it_stays_through_a_suspend(host):
    write(host)
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    host.kvmctl("suspend", "vm")
    host.kvmctl("start", "vm")
    assert run_inside(host, "vm", "grep -ac local-hostname /dev/vda")[0].strip() == "1"

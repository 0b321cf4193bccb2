"""Images that have names, and VMs that are made of images."""

import bz2
import gzip
import hashlib
import json
import lzma
import os
import shlex
import subprocess

import pytest

from rig.faults import strike, system_calls, was_killed
from rig.host import KERNEL_WORDS
from rig.terminal import run_inside

MARK = b"this is the image"


def raw(path, size=1 << 20):
    """A raw image with a mark behind a hole."""
    content = bytearray(size)
    content[size // 2:size // 2 + len(MARK)] = MARK
    path.write_bytes(content)
    return path


def qcow2(path, size="4M", *words):
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *words, path, str(size)], check=True)
    subprocess.run(["qemu-io", "-c", "write -P 0x41 1M 64k", path], check=True, stdout=subprocess.DEVNULL)
    return path


def info(path):
    told = subprocess.run(["qemu-img", "info", "-U", "--output=json", path], check=True, stdout=subprocess.PIPE)
    return json.loads(told.stdout)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def tiny(host):
    return ["--kernel", host.guests / "vmlinuz", "--initrd", host.guests / "initrd.gz", "--append", KERNEL_WORDS,
            "--memory", "128", "--net", "none", "--vnc", "none"]


def test_what_is_no_image(host):
    whole = qcow2(host.root / "whole.qcow2")
    short, cut, odd, tar = (host.root / name for name in ("short.qcow2", "cut.qcow2", "odd.qcow2", "disk.tar"))
    # Without its tables, and without what they lead to.
    short.write_bytes(whole.read_bytes()[:whole.stat().st_size // 2])
    cut.write_bytes(whole.read_bytes()[:-65536])
    odd.write_bytes(whole.read_bytes()[:24] + (1000).to_bytes(8, "big") + whole.read_bytes()[32:])
    subprocess.run(["tar", "-cf", tar, "-C", host.root, "whole.qcow2"], check=True)
    for path, message in (short, "beyond its end"), (cut, "qemu-img check finds errors"), (odd, "can't have 1000 bytes"), (tar, "tar archive"):
        assert message in host.kvmctl("image", "import", path, expect=65).stderr
        assert message in host.kvmctl("create", "vm", "--image", path, expect=65).stderr
        assert files(host.root / "images") == [] and not (host.vms / "vm").exists()


@pytest.mark.parametrize("content, said", [
    (b"PK\x03\x04", "zip archive"), (bz2.compress(b"x"), "packed with bzip2"),
    (b"<!DOCTYPE html><h1>403 Forbidden</h1>", "HTML or XML page")], ids=["zip", "bzip2", "page"])
def test_what_only_has_the_size_of_an_image(host, content, said):
    file = host.root / "disk.img"
    file.write_bytes(content.ljust(1024, b"\0"))
    for words in ["image", "import", file], ["create", "vm", "--image", file]:
        message = host.kvmctl(*words, expect=65).stderr
        assert said in message and "no disk image" in message
    assert files(host.root / "images") == [] and not (host.vms / "vm").exists()
    # A disk with partitions may begin with anything.
    file.write_bytes(content.ljust(510, b"\0") + b"\x55\xaa" + bytes(512))
    host.kvmctl("image", "import", file)


def test_what_is_said_of_an_overlay(host):
    images = host.root / "images"
    host.kvmctl("image", "import", raw(host.root / "base.raw"))
    assert "nothing is fetched" in host.kvmctl("image", "import", "https://example.org/x.qcow2", expect=64).stderr
    (host.root / "data").write_text("#cloud-init\n")
    made = host.kvmctl("create", "vm", "--image", "base", "--user-data", "data", *tiny(host))
    assert "cloud-init ignores" in made.stderr
    # A disk that is kept is not to lose what it stands on without a word.
    kept = host.kvmctl("rm", "vm")
    assert f"kept {host.vms}/vm/vdisk0: disks are kept without --disks; it can't be read without {images}/base.raw" in kept.stdout + kept.stderr
    subprocess.run(["qemu-io", "-c", "write -P 1 0 64k", host.vms / "vm/vdisk0"], check=True, stdout=subprocess.DEVNULL)
    words = f"--set DISK0=vdisk0 --set DISK0_FORMAT=qcow2 --set DISK0_BACKING={images}/base.raw"
    assert f"{words} instead of --image uses it" in host.kvmctl("create", "vm", "--image", "base", *tiny(host), expect=73).stderr
    host.kvmctl("create", "vm", *shlex.split(words), *tiny(host))
    assert "ok" in host.kvmctl("check", "vm").stdout
    assert host.show("vm")["disks"][0]["backing"] == [f"{images}/base.raw"]
    assert f", over {images}/base.raw\n" in host.kvmctl("show", "vm").stdout
    assert host.kvmctl("image", "ls").stdout == host.kvmctl("image", "list").stdout


def test_links_among_the_images(host):
    """What a link leads to is neither removed nor replaced."""
    images, victim = host.root / "images", host.root / "victim"
    source = raw(host.root / "base.raw")
    host.kvmctl("image", "import", source)
    victim.write_text("mine\n")
    for name, words in ("base.raw.sha256", ["rm", "base"]), ("new.raw.sha256", ["import", source, "--name", "new"]):
        (images / name).unlink(missing_ok=True)
        for target in victim, host.root / "none":
            (images / name).symlink_to(target)
            assert "is a symbolic link" in host.kvmctl("image", *words, expect=65).stderr
            assert victim.read_text() == "mine\n" and not (host.root / "none").exists()
            (images / name).unlink()
    (images / "other.raw").symlink_to(source)
    assert "is a symbolic link" in host.kvmctl("image", "rm", "other", expect=65).stderr
    assert source.exists() and files(images) == ["base.raw", "other.raw"]


def test_import_list_verify_rm(host):
    images = host.root / "images"
    source = qcow2(host.root / "debian.qcow2")
    planned = host.kvmctl("image", "import", source, "--dry-run").stdout
    assert f"import {source} as {images}/debian.qcow2" in planned and not images.exists()
    assert host.kvmctl("image", "list").stdout.split()[:2] == ["NAME", "FORMAT"] and host.json("image", "list") == []
    # `run` says the same of one that is not there.
    for words in ["create", "vm", "--image", "nosuch"], ["run", "--image", "nosuch", "--", "true"]:
        said = host.kvmctl(*words, expect=66).stderr
        assert "nosuch: there is no such image in" in said and "image list" in said, words
    made = host.json("image", "import", source, "--sha256", digest(source).upper())
    stored = images / "debian.qcow2"
    assert (made["name"], made["path"], made["format"], made["size"]) == ("debian", str(stored), "qcow2", 4 << 20)
    assert made["sha256"] == digest(source) == digest(stored) and stored.stat().st_mode & 0o777 == 0o444
    assert subprocess.run(["sha256sum", "-c", "debian.qcow2.sha256"], cwd=images, capture_output=True).returncode == 0
    assert "is the name of an image already" in host.kvmctl("image", "import", source, expect=73).stderr
    # Packed, under another name; what is in it is sparse again.
    packed = host.root / "tiny.raw.xz"
    packed.write_bytes(lzma.compress(raw(host.root / "plain").read_bytes()))
    host.kvmctl("image", "import", packed, "--name", "other")
    assert digest(images / "other.raw") == digest(host.root / "plain")
    assert (images / "other.raw").stat().st_blocks * 512 < 1 << 19
    listed = host.json("image", "list")
    assert [(one["name"], one["format"], one["vms"]) for one in listed] == [("debian", "qcow2", []), ("other", "raw", [])]
    assert "debian" in host.kvmctl("image", "list").stdout
    assert [one["verified"] for one in host.json("image", "verify", "--all")] == [True, True]
    # Changed, without a change of its size.
    os.chmod(stored, 0o644)
    with stored.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    assert "is no longer what was imported" in host.kvmctl("image", "verify", "debian", expect=65).stderr
    shown = host.kvmctl("image", "list")
    assert "changed" in shown.stdout and "debian: was written to after its sum was written down" in shown.stderr
    assert [one["changed"] for one in host.json("image", "list")] == [True, False]
    assert "other: is what was imported" in host.kvmctl("image", "verify", "--all", expect=1).stdout
    host.kvmctl("image", "rm", "debian", "other", "--dry-run")
    assert stored.exists()
    host.kvmctl("image", "rm", "debian", "other")
    assert files(images) == []
    assert "there is no such image" in host.kvmctl("image", "rm", "debian", expect=66).stderr


def test_nothing_stays_of_an_import_that_fails(host):
    images = host.root / "images"
    images.mkdir()
    plain = raw(host.root / "plain.raw")
    said = host.kvmctl("image", "import", plain, "--sha256", "0" * 64, expect=65).stderr
    assert "its SHA-256 sum is not the expected one" in said and digest(plain) in said
    cut = host.root / "cut.raw.gz"
    cut.write_bytes(gzip.compress(os.urandom(1 << 16) + bytes(1 << 20))[:-1000])
    assert "can't be unpacked" in host.kvmctl("image", "import", cut, expect=65).stderr
    (host.root / "odd.raw").write_bytes(b"x" * 1000)
    assert "a multiple of 512" in host.kvmctl("image", "import", "odd.raw", expect=65).stderr
    (host.root / "empty.raw").write_bytes(b"")
    host.kvmctl("image", "import", "empty.raw", expect=65)
    # Somebody else's image names a file of the host's.
    qcow2(host.root / "thief.qcow2", "4M", "-u", "-b", "/etc/shadow", "-F", "raw")
    assert "partly stored in another file, /etc/shadow" in host.kvmctl("image", "import", "thief.qcow2", expect=69).stderr
    subprocess.run(["qemu-img", "create", "-q", "-f", "vmdk", host.root / "a.vmdk", "1M"], check=True)
    assert "looks like a vmdk image" in host.kvmctl("image", "import", "a.vmdk", expect=69).stderr
    assert "64 hexadecimal digits" in host.kvmctl("image", "import", plain, "--sha256", "abc", expect=64).stderr
    assert files(images) == []


def test_a_guest_on_an_overlay(host):
    images = host.root / "images"
    host.kvmctl("image", "import", raw(host.root / "base.raw"))
    before = digest(images / "base.raw")
    made = host.json("create", "vm", "--image", "base", "--disk", "8M", "--disk", "1M", *tiny(host))
    assert made["disks"][0] == {
        "path": f"{host.vms}/vm/vdisk0", "size": 8 << 20, "format": "qcow2", "image": f"{images}/base.raw", "overlay": True}
    assert made["disks"][1]["image"] is None
    assert f"DISK0_BACKING={images}/base.raw\n" in made["text"]
    assert info(host.vms / "vm/vdisk0")["virtual-size"] == 8 << 20
    host.kvmctl("create", "idle", "--image", "base", "--net", "none")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    assert run_inside(host, "vm", f"grep -ac '{MARK.decode()}' /dev/vda")[0].strip() == "1"
    # What an interrupted change has left is tidied up before this one; the image below is none of that.
    host.kvmctl("disk", "grow", "vm", "DISK1", "2M")
    fill = "dd if=/dev/zero of=/dev/vda bs=64k count=128 conv=fsync 2>/dev/null; grep -ac image /dev/vda"
    assert run_inside(host, "vm", fill)[0].strip() == "0"
    # Neither removed nor changed under them.
    assert [one["vms"] for one in host.json("image", "list")] == [["idle", "vm"]]
    assert "disks of VMs are overlays of it, or it is their disk: idle, vm" in host.kvmctl("image", "rm", "base", expect=75).stderr
    host.kvmctl("stop", "--now", "vm")
    assert digest(images / "base.raw") == before
    host.kvmctl("rm", "vm", "idle", "--disks", "--yes")
    assert (images / "base.raw").exists()
    host.kvmctl("image", "rm", "base")


def test_an_image_that_was_changed_is_noticed(host):
    base = host.root / "images" / "base.raw"
    host.kvmctl("image", "import", raw(host.root / "base.raw"))
    host.kvmctl("create", "vm", "--image", "base", "--net", "none", "--vnc", "none", "--memory", "32")
    host.kvmctl("check", "vm")
    os.utime(base, ns=(1, 1 + (host.root / "images/base.raw.sha256").stat().st_mtime_ns))
    for words, code in (("check", "vm"), 65), (("start", "vm"), 65):
        said = host.kvmctl(*words, expect=code).stderr
        assert "was written to after its sum was written down" in said
    assert "was written to after" in host.kvmctl("create", "b", "--image", "base", expect=65).stderr
    # Only its times have changed.
    host.kvmctl("image", "verify", "base")
    # An image that a VM stands on is no disk for another one to write to, whether it runs or not.
    host.write_firmware_vm("thief", DISK0=base)
    assert "is the backing file of" in host.kvmctl("start", "thief", expect=75).stderr
    host.kvmctl("start", "vm")
    host.kvmctl("start", "thief", expect=75)


@pytest.mark.parametrize("packing", ["plain", "xz"])
def test_a_copy_of_a_file(host, packing):
    image = qcow2(host.root / "web.qcow2")
    word = image
    if packing == "xz":
        word = host.root / "web.qcow2.xz"
        word.write_bytes(lzma.compress(image.read_bytes()))
    made = host.json("create", "vm", "--image", word, "--disk", "16M", "--net", "none")
    disk = host.vms / "vm/vdisk0"
    assert made["disks"][0]["image"] == str(word) and not made["disks"][0]["overlay"]
    assert "DISK0_FORMAT=qcow2" in made["text"] and "BACKING" not in made["text"]
    assert info(disk)["virtual-size"] == 16 << 20 and disk.stat().st_mode & 0o777 == 0o600
    told = subprocess.run(["qemu-io", "-r", "-f", "qcow2", "-c", "read -P 0x41 1M 64k", disk], capture_output=True, text=True)
    assert "Pattern verification failed" not in told.stdout and told.returncode == 0
    assert "does not fit into 1 MiB" in host.kvmctl("create", "b", "--image", word, "--disk", "1M", expect=64).stderr
    assert not (host.vms / "b").exists()


@pytest.mark.parametrize("size", ["4M", "16M"])
@pytest.mark.parametrize("make", [raw, qcow2])
def test_what_a_killed_create_has_left_is_replaced(host, make, size):
    """If nothing is lost with it: one byte more, and it is somebody's."""
    image = make(host.root / "image", 4 << 20)
    words = ["create", "vm", "--image", image, "--disk", size, "--net", "none"]
    directory, disk = host.vms / "vm", host.vms / "vm/vdisk0"
    # What is found out about the host is kept by the second run.
    for run in (lambda: host.kvmctl(*words), lambda: system_calls(host, *words)):
        calls = run()
        whole = disk.read_bytes()
        host.kvmctl("rm", "vm", "--disks")
    names = [call for call in calls if call[0] == "linkat"]
    assert len(names) == 2
    assert was_killed(strike(host, names[1], "signal=SIGKILL", *words))
    assert files(directory) == ["vdisk0"] and disk.read_bytes() == whole
    before = disk.stat().st_ino
    with disk.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        for position, byte in (-1, bytes([last[0] ^ 1])), (-1, last):
            file.seek(position, os.SEEK_END)
            file.write(byte)
            file.flush()
            if byte != last:
                assert "exists already" in host.kvmctl(*words, expect=73).stderr and disk.stat().st_ino == before
    disk.chmod(0o644)
    assert "exists already" in host.kvmctl(*words, expect=73).stderr and disk.stat().st_ino == before
    disk.chmod(0o600)
    # Of another image, it is not what would be made.
    other = make(host.root / "other", 4 << 20)
    with other.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    host.kvmctl("create", "vm", "--image", other, *words[4:], expect=73)
    assert disk.stat().st_ino == before and files(directory) == ["vdisk0"]
    host.kvmctl(*words, "--dry-run")
    assert disk.stat().st_ino == before
    host.kvmctl(*words)
    assert disk.read_bytes() == whole and host.state("vm") == "stopped"


def test_a_raw_copy_grows_and_a_named_image_can_be_copied(host):
    host.kvmctl("image", "import", raw(host.root / "base.raw"))
    host.kvmctl("create", "vm", "--image", "base", "--copy", "--disk", "3M", "--net", "none")
    disk = host.vms / "vm/vdisk0"
    assert disk.stat().st_size == 3 << 20 and disk.stat().st_blocks * 512 < 1 << 19
    assert disk.read_bytes()[1 << 19:].startswith(MARK)
    host.kvmctl("image", "rm", "base")
    assert "no such image" in host.kvmctl("create", "b", "--image", "base", expect=66).stderr


def test_the_files_of_a_seed(host):
    image = raw(host.root / "base.raw")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ann", "-f", host.root / "key"], check=True)
    (host.root / "password").write_text("$6$salt$hash\n")
    (host.root / "net").write_text("version: 2\n")
    words = ["create", "vm", "--image", image, "--net", "none", "--vnc", "none", "--memory", "32", "--hostname", "web.lan",
             "--password-file", "password", "--network-config", "net"]
    # A private key is no guest's business; nothing of the VM is left.
    assert "is a private key" in host.kvmctl(*words, "--ssh-key", "key", expect=65).stderr
    host.kvmctl(*words, "--ssh-key", "key.pub", "--dry-run")
    assert not (host.vms / "vm").exists()
    made = host.json(*words, "--ssh-key", "key.pub")
    directory = host.vms / "vm"
    assert made["files"] == [f"{directory}/user-data", f"{directory}/network-config"]
    data = (directory / "user-data").read_text()
    assert data.startswith("#cloud-config\n") and (host.root / "key.pub").read_text().strip() in data
    assert 'password: "$6$salt$hash"' in data and (directory / "user-data").stat().st_mode & 0o777 == 0o600
    assert (directory / "network-config").read_text() == "version: 2\n"
    for line in "CLOUDINIT_USERDATA=user-data", "CLOUDINIT_NETWORK=network-config", "CLOUDINIT_HOSTNAME=web.lan":
        assert line in made["text"].splitlines()
    host.kvmctl("start", "vm")
    assert host.show("vm")["cloudInit"] == {
        "userData": f"{directory}/user-data", "network": f"{directory}/network-config", "hostName": "web.lan"}
    assert "exclude each other" in host.kvmctl(*words, "--user-data", "net", expect=64).stderr
    # A password in clear gets no further than this file.
    (host.root / "password").write_text("hunter2\n")
    said = host.kvmctl("create", "mail", "--password-file", "password", "--net", "none").stderr
    assert "no disk with a guest that reads it" in said
    assert "no disk with" not in host.kvmctl("create", "with", "--password-file", "password", "--net", "none", "--disk", "1M").stderr
    data = (host.vms / "mail/user-data").read_text()
    assert 'password: "$6$' in data and "hunter2" not in data
    # Given user-data goes in as it is; the files of another VM are in nobody's way.
    (host.root / "data").write_bytes(b"#!/bin/sh\n\xff\n")
    host.kvmctl("create", "db", "--user-data", "data", "--net", "none")
    assert (host.vms / "db/user-data").read_bytes() == b"#!/bin/sh\n\xff\n"
    # They go with the VM.
    host.kvmctl("stop", "--now", "vm")
    host.kvmctl("rm", "vm", "--disks")
    assert not directory.exists()


def test_without_a_runtime_directory(rootless_host):
    """What does not look at VMs that run needs none."""
    host = rootless_host
    del host.environment["KVMCTL_RUN"]
    assert "XDG_RUNTIME_DIR: is not set" in host.kvmctl("image", "list", expect=69).stderr
    host.environment["KVMCTL_IMAGES"] = str(host.run / "images")
    assert "MEMORY" in host.kvmctl("settings").stdout
    host.kvmctl("image", "import", raw(host.root / "vms" / "base.raw"))
    assert (host.run / "images/base.raw").exists()


def test_the_mode_of_an_image_whatever_the_umask(host):
    file = raw(host.root / "base.raw")
    made = host.execute("sh", "-c", f"umask 077; exec {host.binary} image import {file}")
    assert made.returncode == 0, made.stderr
    for name in "base.raw", "base.raw.sha256":
        assert (host.root / "images" / name).stat().st_mode & 0o777 == 0o444


def test_a_user_has_images_of_their_own(rootless_host):
    host = rootless_host
    del host.environment["KVMCTL_IMAGES"]
    host.environment["XDG_DATA_HOME"] = str(host.run)
    host.kvmctl("image", "import", raw(host.root / "vms" / "base.raw"))
    assert (host.run / "kvmctl/images/base.raw").exists()
    host.kvmctl("create", "vm", "--image", "base", "--vnc", "none", "--memory", "32")
    host.kvmctl("start", "vm")
    assert [one["vms"] for one in host.json("image", "list") if one["name"] == "base"] == [["vm"]]

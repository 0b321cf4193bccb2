"""`create`: every key from the command line, other VMs as models, and nothing that another VM has."""

import json
import os
import re
import subprocess

import pytest

from rig.faults import strike, system_calls, was_killed
from rig.host import KERNEL_WORDS


def lines(path):
    return path.read_text().splitlines()


def values(path):
    return dict(line.split("=", 1) for line in lines(path) if not line.startswith("#"))


def image(path):
    return json.loads(subprocess.run(
        ["qemu-img", "info", "-U", "--output=json", path], check=True, stdout=subprocess.PIPE).stdout)


def tree(directory):
    return {path.relative_to(directory): path.lstat().st_mtime_ns for path in directory.rglob("*")}


def test_a_guest_boots_from_the_command_line_alone(host):
    words = ["vm", "--kernel", host.guests / "vmlinuz", "--initrd", host.guests / "initrd.gz", "--append", KERNEL_WORDS,
             "--memory", "128", "--net", "user", "--forward", "tcp:127.0.0.1:2222:22", "--mac", "52:54:00:00:00:2a",
             "--vnc", "none", "--disk", "8M", "--format", "qcow2", "--set", "DISK0_SERIAL=it's one",
             "--set", "ACCEL=tcg"]
    before = tree(host.root)
    planned = host.json("create", *words, "--dry-run")
    assert tree(host.root) == before
    made = host.json("create", *words)
    assert (made["name"], made["dryRun"]) == ("vm", False)
    assert made["disks"] == planned["disks"] == [
        {"path": f"{host.vms}/vm/vdisk0", "size": 8 << 20, "format": "qcow2", "image": None,
         "overlay": False}]
    assert re.sub("UUID=.*", "", made["text"]) == re.sub("UUID=.*", "", planned["text"])
    assert (host.vms / "vm/vm.params").read_text() == made["text"]
    made = image(host.vms / "vm/vdisk0")
    assert (made["format"], made["virtual-size"]) == ("qcow2", 8 << 20)
    assert (host.vms / "vm/vdisk0").stat().st_mode & 0o777 == 0o600
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    shown = host.show("vm")
    assert shown["nics"][0]["mac"] == "52:54:00:00:00:2a" and shown["forwards"]


def test_every_fault_in_its_word(host):
    said = host.kvmctl("create", "vm", "--cpus", "2", "--set", "CPUS=3", "--set", "MEMROY=2G", "--set", "VIDEO=vga",
                       expect=64).stderr
    assert "CPUS: error: both --cpus and --set CPUS=3 set it" in said
    assert "--set MEMROY=2G: error: unknown key" in said and "Did you mean MEMORY=2G?" in said
    assert "--set VIDEO=vga: error: VIDEO: 'vga'" in said
    place, caret = said.splitlines()[said.splitlines().index("      VIDEO=vga"):][:2]
    assert (caret.index("^"), caret.count("~")) == (place.index("vga"), 2)
    said = host.kvmctl("create", "vm", "--set", "VIDEO=vga", "--set", "DISK9_SIZE=1G", expect=65).stderr
    assert "--set VIDEO=vga" in said and "--set DISK9_SIZE=1G" in said
    assert "Give it a value, or leave it out." in host.kvmctl("create", "vm", "--set", "TAGS=", expect=65).stderr
    host.kvmctl("create", "vm", "--set", "FIRMWARE=uefi", expect=69)
    assert "--forward: error: FORWARD0" in host.kvmctl("create", "vm", "--forward", "tcp::22:22", expect=64).stderr
    assert "--disk" in host.kvmctl("create", "vm", "--format", "qcow2", expect=64).stderr
    assert list(host.vms.iterdir()) == []


def test_a_running_vm_is_the_model(host):
    (host.vms / "defaults.conf").write_text("CPUS=2\n")
    model = host.write_firmware_vm("web", DISK0="root", DISK0_FORMAT="raw", DISK1="/nowhere", ACCEL="tcg")
    model.write_text("# the web server\nINCLUDE=../defaults.conf\n" + model.read_text().replace(
        "DISK1=/nowhere\n", "DISK1=data   # all of it\nDISK1_FORMAT=qcow2\n"))
    (host.vms / "web/root").write_bytes(b"x" * (3 << 20))
    host.execute("qemu-img", "create", "-q", "-f", "qcow2", host.vms / "web/data", "1G")
    host.kvmctl("start", "web")
    said = host.kvmctl("create", "two", "--from", "web", "--set", "TAGS=copy").stderr
    assert f"DISK0, DISK1: new and empty; what is on the disks of {model} is not copied" in said
    path = host.vms / "two/vm.params"
    assert lines(path)[:2] == ["# the web server", f"INCLUDE={host.vms}/defaults.conf"]
    assert "DISK1=vdisk1 # all of it" in lines(path)
    assert values(path)["TAGS"] == "copy" and "CPUS" not in values(path)
    sizes = [(image(host.vms / f"two/vdisk{n}")["format"], image(host.vms / f"two/vdisk{n}")["virtual-size"])
             for n in (0, 1)]
    assert sizes == [("raw", 3 << 20), ("qcow2", 1 << 30)]
    assert (host.vms / "two/vdisk0").stat().st_blocks == 0
    # Both run at the same time: they have nothing in common.
    host.kvmctl("start", "two")
    uuids = {vm["name"]: vm["uuid"] for vm in host.json("list")}
    assert len(set(uuids.values())) == 2


def test_a_model_by_its_path_and_what_it_can_not_give(host):
    elsewhere = host.root / "elsewhere.params"
    elsewhere.write_text("NET0=none\nVNCDISP=none\nKERNEL=vmlinuz\nQEMUARG0=-no-hpet\nDISK0=gone\n")
    said = host.kvmctl("create", "vm", "--from", elsewhere, expect=64).stderr
    assert "elsewhere.params: QEMUARG0" in said and "--set QEMUARG0=ARGUMENT" in said
    words = ["create", "vm", "--from", elsewhere, "--set", "QEMUARG0=-no-hpet"]
    assert "--set DISK0_SIZE=8G" in host.kvmctl(*words, expect=69).stderr
    host.kvmctl(*words, "--set", "DISK0_SIZE=1M")
    assert values(host.vms / "vm/vm.params")["KERNEL"] == f"{host.root}/vmlinuz"
    assert (host.vms / "vm/vdisk0").stat().st_size == 1 << 20
    host.kvmctl("create", "other", "--from", "nobody", expect=66)
    elsewhere.write_text("MEMORY=x\n")
    assert "elsewhere.params:1:8: error" in host.kvmctl("create", "other", "--from", elsewhere, expect=65).stderr
    assert [path.name for path in host.vms.iterdir()] == ["vm"]


@pytest.mark.parametrize("running", [False, True])
def test_what_another_vm_has(host, running):
    more = host.root / "more"
    more.mkdir()
    host.environment["KVMCTL_VMS"] = f"{host.vms}:{more}"
    uuid, mac = "c4a6ce6f-4113-4c64-9149-82f512799d7b", "52:54:00:00:00:07"
    disk = more / "db/disk"
    path = host.write_firmware_vm(
        "db", directory=more / "db", UUID=uuid, NET0="user", NET0_MAC=mac, DISK0=disk, DISK0_SIZE="1M",
        DISK0_FORMAT="raw", FORWARD0="tcp:127.0.0.1:2222:22")
    if running:
        host.kvmctl("start", "db")
    else:
        disk.write_bytes(bytes(1 << 20))
    for words, code in [
            (["db"], 73), (["other", "--name", "db"], 73), (["other", "--set", "NAME=db"], 73),
            ([host.root / "away/db"], 73), (["other", "--net", "user", "--mac", mac], 75),
            (["other", "--set", f"NET3_MAC={mac}", "--set", "NET3=nat"], 75), (["other", "--set", f"UUID={uuid}"], 75),
            (["other", "--set", f"DISK0={disk}"], 75)]:
        (host.root / "away").mkdir(exist_ok=True)
        for extra in ([], ["--dry-run"]):
            said = host.kvmctl("create", *words, *extra, expect=code).stderr
            assert str(path) in said, words
    words = ["create", "other", "--net", "user", "--forward", "tcp::2222:22", "--dry-run"]
    said = host.kvmctl(*words, expect=75 if running else 0).stderr
    assert f"tcp port 2222 is {'taken' if running else 'also used'} by" in said and str(path) in said
    assert list(host.vms.iterdir()) == [] and list((host.root / "away").iterdir()) == []


def test_a_users_file_is_no_model_for_root(host):
    host.root.chmod(0o755)
    path = host.write_firmware_vm("users", KERNEL="/home/evil")
    os.chown(path, 1000, 1000)
    said = host.kvmctl("create", "vm", "--from", path, expect=77).stderr
    assert "root uses only what nobody else can change" in said and "--trust-owner" not in said and "root owns" in said
    assert not (host.vms / "vm").exists()


def test_a_users_network(rootless_host):
    host = rootless_host
    said = host.kvmctl("create", "vm", "--memory", "32", "--vnc", "none", "--set", "ACCEL=tcg").stderr
    assert "NET0=user, a network that needs no root" in said
    host.kvmctl("start", "vm")
    assert host.kvmctl("create", "other", "--net", "user").stderr == ""


@pytest.mark.parametrize("options", [[], ["--from", "model"]])
def test_one_that_was_killed_with_a_qcow2_disk(host, options):
    if options:
        host.write_firmware_vm("model", DISK0="disk", DISK0_FORMAT="qcow2")
        host.execute("qemu-img", "create", "-q", "-f", "qcow2", host.vms / "model/disk", "64M")
    else:
        options = ["--disk", "64M", "--format", "qcow2", "--net", "none"]
    words = ["create", host.vms / "vm", *options]
    # What it finds out about the host is kept by then.
    host.kvmctl(*words)
    host.kvmctl("rm", "vm", "--disks", "--yes")
    links = [call for call in system_calls(host, *words) if call[0] == "linkat"]
    host.kvmctl("rm", "vm", "--disks", "--yes")
    assert len(links) == 2
    for call in links:
        assert was_killed(strike(host, call, "signal=SIGKILL", *words))
        assert not (host.vms / "vm/vm.params").exists()
        host.kvmctl(*words, "--dry-run")
        host.kvmctl(*words)
        host.kvmctl("rm", "vm", "--disks", "--yes")
    # With anything on it, it is somebody's.
    assert was_killed(strike(host, links[1], "signal=SIGKILL", *words))
    host.execute("qemu-io", "-c", "write 0 4k", host.vms / "vm/vdisk0")
    content = (host.vms / "vm/vdisk0").read_bytes()
    assert "vdisk0: exists already" in host.kvmctl(*words, expect=73).stderr
    assert (host.vms / "vm/vdisk0").read_bytes() == content


def test_without_qemu_img(host):
    (host.root / "no").mkdir()
    words = ["env", f"PATH={host.root}/no", host.binary, "create", "vm", "--disk", "1M", "--net", "none"]
    for extra in ([], ["--dry-run"]):
        said = host.execute(*words, "--format", "qcow2", *extra)
        assert said.returncode == 69 and "needs qemu-img" in said.stderr
        assert "apt-get install qemu-utils" in said.stderr
    assert os.listdir(host.vms) == []
    assert host.execute(*words).returncode == 0


def test_none_of_the_models_and_files_that_are_not_there(host):
    host.write_firmware_vm(
        "v1", DISK0="disk", DISK0_SIZE="1M", CDROM0="", NET0="user", VNCDISP="auto", DESCRIPTION="first", PROTECT="yes")
    words = ["create", "v2", "--from", "v1", "--net", "none", "--vnc", "none", "--disk", "none", "--cdrom", "none"]
    said = host.kvmctl(*words, "--set", "PROTECT=").stderr
    assert "DESCRIPTION; --set DESCRIPTION= leaves DESCRIPTION out" in said and "new and empty" not in said
    made = values(host.vms / "v2/vm.params")
    assert made["NET0"] == made["VNCDISP"] == "none" and made["DESCRIPTION"] and "PROTECT" not in made
    assert not [key for key in made if key.startswith(("DISK", "CDROM"))]
    assert "excludes" in host.kvmctl("create", "v3", "--cdrom", "none", "--cdrom", "a.iso", expect=64).stderr
    said = host.kvmctl(
        "create", "v3", "--kernel", "/no/kernel", "--initrd", "/noinitrd", "--cdrom", "/none.iso", "--set", "DISK0=data",
        "--set", "SHARE0=/nosuch:data", "--net", "none").stderr
    for what in ("KERNEL: /no/kernel", "INITRD: /noinitrd", "CDROM0: /none.iso", f"DISK0: {host.vms}/v3/data",
                 "SHARE0: /nosuch"):
        assert f"{what} does not exist: the VM starts only once it is there" in said


@pytest.mark.parametrize("format", ["raw", "qcow2"])
def test_the_disk_of_a_vm_that_was_removed(host, format):
    words = ["create", "web", "--net", "none", "--disk", "1M", "--format", format]
    host.kvmctl(*words)
    host.kvmctl("rm", "web", "--yes")
    disk = host.vms / "web/vdisk0"
    host.execute("qemu-io", "-f", format, "-c", "write 0 4k", disk)
    content = disk.read_bytes()
    said = host.kvmctl(*words, expect=73).stderr
    settings = ["--set", "DISK0=vdisk0"] + (["--set", "DISK0_FORMAT=qcow2"] if format == "qcow2" else [])
    assert f"{' '.join(settings)} instead of --disk uses it" in said
    assert host.kvmctl("create", "web", "--net", "none", *settings).stderr == ""
    assert disk.read_bytes() == content
    host.kvmctl("start", "web", "--dry-run")


def test_keys_by_name(host):
    assert [key["key"] for key in host.json("keys", "DISK3_SIZE", "NETn")] == ["DISKn_SIZE", "NETn"]
    assert "did you mean MEMORY?" in host.kvmctl("keys", "MEMROY", expect=64).stderr

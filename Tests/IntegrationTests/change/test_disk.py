"""`disk attach`, `disk detach`, `disk grow`."""

import json
import os

from rig.qmp import Monitor
from rig.terminal import run_inside
from rig.waiting import wait_until


def lines(host, name="vm"):
    return (host.vms / name / "vm.params").read_text().splitlines()


def test_a_guest_sees_a_disk_come_grow_and_go(host):
    host.write_tiny_vm("vm", DISK0="system", DISK0_SIZE="16M")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    before = lines(host)
    image = host.vms / "vm/data"
    said = host.kvmctl("disk", "attach", "vm", image, "--size", "32M", "--serial", "s1", "--dry-run").stdout
    assert said == f"vm: DISK1 would be attached: {image}; now, and from the next start\n"
    assert not image.exists() and lines(host) == before

    said = host.kvmctl("disk", "attach", "vm", image, "--size", "32M", "--serial", "s1").stdout
    assert said == f"vm: DISK1 attached: {image}; now, and from the next start\n"
    assert image.stat().st_size == 32 << 20
    added = ["DISK1=data", "DISK1_SIZE=32M", "DISK1_FORMAT=raw", "DISK1_SERIAL=s1"]
    assert sorted(set(lines(host)) - set(before)) == sorted(added)
    assert str(image) in host.show("vm")["media"]
    wait = "while [ ! -b /dev/vdb ]; do usleep 10000; done"
    run_inside(host, "vm", wait)
    output, code = run_inside(host, "vm", "cat /sys/block/vdb/size /sys/block/vdb/serial; echo kept >/dev/vdb")
    assert (output.split(), code) == (["65536", "s1"], 0)
    said = host.kvmctl("disk", "grow", "vm", "DISK1", "+16M").stdout
    assert said == f"vm: DISK1 grown: {image}, 32 MiB → 48 MiB; now, and from the next start\n"
    assert "DISK1_SIZE=48M" in lines(host) and image.stat().st_size == 48 << 20
    assert run_inside(host, "vm", "cat /sys/block/vdb/size")[0].split() == ["98304"]
    assert "a disk only grows" in host.kvmctl("disk", "grow", "vm", "DISK1", "47M", expect=64).stderr
    # Twice is fine, and another VM can't have it.
    assert "already attached" in host.kvmctl("disk", "attach", "vm", image).stdout
    host.write_firmware_vm("other")
    host.kvmctl("start", "other")
    refused = host.kvmctl("disk", "attach", "other", image, expect=75)
    assert "the running VM vm" in refused.stderr
    assert lines(host, "other") == ["MEMORY=32", "NET0=none", "VNCDISP=none"]

    host.kvmctl("disk", "detach", "vm", "disk1")
    assert lines(host) == before
    assert run_inside(host, "vm", "test ! -b /dev/vdb")[1] == 0
    assert str(image) not in host.show("vm")["media"]
    assert image.read_bytes().startswith(b"kept\n")
    # Nobody has it open any longer.
    host.kvmctl("disk", "attach", "other", image)
    assert host.kvmctl("disk", "detach", "vm", "DISK1", expect=66)
    boot = host.kvmctl("disk", "detach", "vm", "DISK0", expect=75)
    assert "DISK0 was there at its start" in boot.stderr and lines(host) == before


def test_a_guest_that_never_lets_go(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    image = host.vms / "image"
    host.kvmctl("disk", "attach", "vm", image, "--size", "1M")
    before, media = lines(host), host.show("vm")["media"]
    for _ in range(2):
        ignored = host.kvmctl("disk", "detach", "vm", "DISK0", "--wait", "1s", expect=124)
        assert "did not let go of DISK0 in 1 s; nothing was changed" in ignored.stderr
        assert (lines(host), host.show("vm")["media"]) == (before, media)
    # The file alone.
    host.kvmctl("disk", "detach", "vm", "DISK0", "--config")
    assert lines(host) == ["MEMORY=32", "NET0=none", "VNCDISP=none"]
    assert host.show("vm")["media"] == media
    # At a reset the firmware lets go of it, and nobody waits: the next change removes the rest.
    with Monitor(host.run / "vms/vm/qmp.sock") as monitor:
        monitor.execute("system_reset")
    wait_until(lambda: "DEVICE_DELETED" in (host.run / "log/vm/record").read_text(), "end of the device")
    host.kvmctl("disk", "attach", "vm", host.vms / "second", "--size", "1M")
    assert host.show("vm")["media"] == [str(host.vms / "second")]


def test_a_pc_lets_go_of_all(host):
    host.write_tiny_vm("vm", MACHINE="pc", DISK0="system", DISK0_SIZE="1M")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    host.kvmctl("disk", "attach", "vm", host.vms / "more", "--size", "1M", "--live")
    run_inside(host, "vm", "while [ ! -b /dev/vdb ]; do usleep 10000; done")
    assert [disk["key"] for disk in host.show("vm")["disks"]] == ["DISK0", "DISK1"]
    host.kvmctl("disk", "detach", "vm", "DISK0", "--live")
    assert set(host.kvmctl("diff", "vm").stdout.splitlines()) == {
        f"vm: {host.vms}/more is attached for this run only", f"vm: {host.vms}/vm/system is detached for this run only"}
    assert "DISK0=system" in lines(host)
    assert host.show("vm")["media"] == [str(host.vms / "more")]


def test_what_a_stopped_vm_gets(host):
    host.write_firmware_vm("vm")
    image = host.root / "outside"
    image.write_bytes(b"QFI\xfb\0\0\0\3" + bytes(1016))
    refused = host.kvmctl("disk", "attach", "vm", image, expect=65)
    assert "looks like a qcow2 image" in refused.stderr
    missing = host.kvmctl("disk", "attach", "vm", host.root / "none", expect=66).stderr
    assert "does not exist" in missing and "--size 8G" in missing and "vm.params" not in missing
    [change] = host.json("disk", "attach", "vm", image, "--format", "raw", "--readonly")
    assert (change["device"], change["machine"]) == ("DISK0", "notRunning")
    assert [edit["key"] for edit in change["file"]] == ["DISK0", "DISK0_FORMAT", "DISK0_READONLY"]
    host.kvmctl("start", "vm")
    failed = host.kvmctl("disk", "attach", "nobody", image, "--json", expect=66)
    assert json.loads(failed.stdout)[0]["error"]["code"] == 66


def test_a_qcow2_image_is_made_at_once(host):
    host.write_firmware_vm("vm")
    words = ["disk", "attach", "vm", host.vms / "vm/data", "--size", "64M", "--format", "qcow2"]
    for running in (False, True):
        before = lines(host)
        host.kvmctl(*words, "--dry-run")
        assert lines(host) == before and not (host.vms / "vm/data").exists()
        host.kvmctl(*words)
        assert sorted(set(lines(host)) - set(before)) == ["DISK0=data", "DISK0_FORMAT=qcow2"]
        told = json.loads(host.execute("qemu-img", "info", "-U", "--output=json", host.vms / "vm/data").stdout)
        assert (told["format"], told["virtual-size"]) == ("qcow2", 64 << 20)
        host.kvmctl("start", "vm")
        assert str(host.vms / "vm/data") in host.show("vm")["media"]
        if not running:
            host.kvmctl("stop", "vm", "--now")
            host.kvmctl("disk", "detach", "vm", "DISK0")
            (host.vms / "vm/data").unlink()
            host.kvmctl("start", "vm")


def test_a_refused_change_changes_nothing(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    # A firmware that begins to look at its slots may switch one off again.
    wait_until(lambda: "No bootable device" in host.kvmctl("screenshot", "vm", "--text", expect=None).stdout, "firmware")
    before = lines(host)
    for n in range(4):
        host.kvmctl("disk", "attach", "vm", host.vms / f"image{n}", "--size", "1M", "--live")
    refused = host.kvmctl("disk", "attach", "vm", host.vms / "image4", "--size", "1M", expect=69)
    assert "each of the 4 slots for plugged devices has one" in refused.stderr
    assert lines(host) == before and not (host.vms / "image4").exists()
    # A file that can't be changed: nothing is plugged.
    (host.vms / "vm/vm.params").write_text("\n".join([*before, "DISK5=missing", "FORWARD0=nonsense", ""]))
    host.kvmctl("disk", "attach", "vm", host.vms / "image5", "--size", "1M", expect=65)
    assert not (host.vms / "image5").exists()


def test_the_disks_of_a_stopped_vm_grow(host):
    for form in "raw", "qcow2":
        host.execute("qemu-img", "create", "-q", "-f", form, host.root / form, "1M")
    host.write_firmware_vm(
        "vm", DISK0=host.root / "raw", DISK0_SIZE="1M", DISK1=host.root / "qcow2", DISK1_FORMAT="qcow2")
    before = lines(host)
    host.kvmctl("disk", "grow", "vm", "DISK0", "3M", "--dry-run")
    assert lines(host) == before
    host.kvmctl("disk", "grow", "vm", "DISK0", "3M")
    host.kvmctl("disk", "grow", "vm", "DISK1", "+4M")
    assert lines(host) == [line.replace("DISK0_SIZE=1M", "DISK0_SIZE=3M") for line in before]
    sizes = [
        json.loads(host.execute("qemu-img", "info", "--output=json", host.root / form).stdout)["virtual-size"]
        for form in ("raw", "qcow2")]
    assert sizes == [3 << 20, 5 << 20]
    assert "already grown" in host.kvmctl("disk", "grow", "vm", "DISK1", "5M").stdout
    # Somebody else's.
    host.write_firmware_vm("other", DISK0=host.root / "raw")
    host.kvmctl("start", "other")
    assert "in use by the running VM other" in host.kvmctl("disk", "grow", "vm", "DISK0", "9M", expect=75).stderr
    assert "there is no DISK7" in host.kvmctl("disk", "grow", "vm", "DISK7", "9M", expect=66).stderr


def test_without_root(rootless_host):
    host = rootless_host
    os.chown(host.write_firmware_vm("vm", CDROM0=""), host.uid, host.uid)
    host.kvmctl("start", "vm")
    host.kvmctl("disk", "attach", "vm", host.vms / "image", "--size", "1M")
    host.kvmctl("cdrom", "insert", "vm", host.vms / "image", "--config", expect=75)
    host.kvmctl("nic", "attach", "vm", "user")
    assert "needs root" in host.kvmctl("nic", "attach", "vm", "isolated:lab", expect=77).stderr
    shown = host.show("vm")
    assert shown["media"] == [str(host.vms / "image")] and [nic["network"] for nic in shown["nics"]] == ["user"]
    # Root leaves another user's VM and file alone.
    denied = host.kvmctl("disk", "attach", host.vms / "vm", host.vms / "other", "--size", "1M", uid=0, expect=77)
    assert not (host.vms / "other").exists() and denied.stdout == ""

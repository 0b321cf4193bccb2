"""`disk list` and `disk info`."""

import json
import subprocess

import pytest


def run(*words):
    return subprocess.run([str(word) for word in words], check=True, text=True, stdout=subprocess.PIPE).stdout


def qcow2(path, size, *options):
    path.parent.mkdir(exist_ok=True)
    run("qemu-img", "create", "-q", "-f", "qcow2", *options, path, size)
    return path


@pytest.fixture
def overlay(host):
    """A VM `web` whose disk is an overlay of an image."""
    base = qcow2(host.root / "base.qcow2", "64M")
    disk = qcow2(host.vms / "web" / "vdisk0", "64M", "-b", base, "-F", "qcow2")
    host.write_firmware_vm("web", DISK0="vdisk0", DISK0_FORMAT="qcow2", DISK0_BACKING=base)
    return base, disk


def test_the_disks_of_all_vms(host, overlay):
    base, disk = overlay
    raw = host.vms / "db" / "data"
    raw.parent.mkdir()
    with open(raw, "wb") as file:
        file.write(b"x" * 8192)
        file.truncate(32 << 20)
    host.write_firmware_vm("db", DISK0="data", DISK1="later", DISK1_SIZE="1G")
    told = host.kvmctl("disk", "list").stdout.splitlines()
    assert told[0].split("  ")[0] == "VM" and len({line.index("/") for line in told[1:]}) == 1
    rows = [line.split() for line in told[1:]]
    assert rows[0][:4] == ["db", "DISK0", "raw", "32M"] and rows[0][-2:] == [str(raw), "-"]
    assert rows[1][:3] == ["db", "DISK1", "-"] and "missing" in rows[1]
    assert rows[2][:4] == ["web", "DISK0", "qcow2", "64M"] and rows[2][-2:] == [str(disk), str(base)]
    found = host.json("disk", "list", "--all")
    assert [(one["name"], one["device"]) for one in found] == [("db", "DISK0"), ("db", "DISK1"), ("web", "DISK0")]
    assert found[0]["length"] == 32 << 20 and found[0]["allocated"] == raw.stat().st_blocks * 512
    assert (found[1]["exists"], found[1]["size"]) == (False, None)
    [below] = found[2]["chain"]
    assert (below["path"], below["format"], below["exists"]) == (str(base), "qcow2", True)
    assert [one["name"] for one in host.json("disk", "list", "web")] == ["web"]
    # What is known is told, whatever is not.
    failed = json.loads(host.kvmctl("disk", "list", "web", "nope", "--json", expect=1).stdout)
    assert [one["name"] for one in failed] == ["web", "nope"] and failed[1]["error"]["code"] == 66


def test_a_disk_by_its_vm_and_by_its_path(host, overlay):
    base, disk = overlay
    with open(base, "r+b") as file:
        file.truncate(max(8 << 20, base.stat().st_size))
    [by_vm] = host.json("disk", "info", "web", "DISK0")
    link = host.root / "link"
    link.symlink_to(disk)
    [by_path] = host.json("disk", "info", link)
    assert (by_vm["name"], by_vm["device"], by_path["name"]) == ("web", "DISK0", None)
    for one in [by_vm, by_path]:
        assert (one["format"], one["declaredFormat"], one["size"]) == ("qcow2", "qcow2", 64 << 20)
        assert one["length"] == disk.stat().st_size and one["vms"] == [{"name": "web", "use": "disk"}]
        assert one["fault"] is None and not one["isOpen"] and one["openIn"] == []
    [of_base] = host.json("disk", "info", base)
    assert of_base["vms"] == [{"name": "web", "use": "backing"}]
    assert of_base["holes"] >= 4 << 20 and of_base["length"] == base.stat().st_size
    told = host.kvmctl("disk", "info", "web").stdout
    assert f"stands on  {base}, qcow2, 64 MiB\n" in told and "used by    web, as a disk\n" in told
    assert host.kvmctl("disk", "info", host.vms / "web").stdout == told
    host.kvmctl("disk", "info", "web", "DISK1", expect=66)
    host.kvmctl("disk", "info", host.root / "none", expect=66)
    base.unlink()
    assert f"stands on  {base} (missing)\n" in host.kvmctl("disk", "info", "web").stdout
    assert host.json("disk", "info", "web")[0]["chain"][0]["exists"] is False


def test_a_vm_that_no_root_shows(host, overlay):
    """It was noted as it was created."""
    base, _ = overlay
    there = host.root / "elsewhere" / "far"
    there.parent.mkdir()
    host.kvmctl("create", there, "--disk", "1M", "--format", "qcow2", "--net", "none")
    [found] = host.json("disk", "info", there / "vdisk0")
    assert found["vms"] == [{"name": "far", "use": "disk"}] and found["declaredFormat"] == "qcow2"


def test_a_format_that_is_not_the_declared_one(host):
    disk = qcow2(host.vms / "vm" / "disk", "1M")
    host.write_firmware_vm("vm", DISK0="disk")
    said = host.kvmctl("check", "vm", expect=65).stderr
    words = "looks like a qcow2 image, which a guest can fake: its format has to be set"
    assert words in said and words in host.kvmctl("disk", "info", "vm").stdout
    assert words in host.kvmctl("disk", "list").stderr
    # A guest's raw disk is raw, whatever the guest wrote to it.
    host.write_firmware_vm("vm", DISK0="disk", DISK0_FORMAT="raw")
    for word in ["vm", str(disk)]:
        [found] = host.json("disk", "info", word)
        assert (found["format"], found["content"], found["fault"]) == ("raw", "qcow2", None)
        assert found["size"] == disk.stat().st_size and found["chain"] == []
    disk.write_bytes(bytes(1 << 20))
    host.write_firmware_vm("vm", DISK0="disk", DISK0_FORMAT="qcow2")
    assert "fault    it is not a qcow2 image\n" in host.kvmctl("disk", "info", "vm").stdout


def test_what_a_header_names(host):
    """A data file, a name of another protocol, a chain that leads back to itself."""
    data = host.root / "raw"
    split = qcow2(host.root / "split", "1M", "-o", f"data_file={data},data_file_raw=on")
    [found] = host.json("disk", "info", split)
    assert [(one["role"], one["path"], one["format"]) for one in found["chain"]] == [("data", str(data), "raw")]
    far = qcow2(host.root / "far", "1M", "-u", "-b", "nbd://host/x", "-F", "raw")
    told = host.kvmctl("disk", "info", far).stdout
    assert "stands on  nbd://host/x, raw (no file of this host)\n" in told
    ring = host.root / "ring"
    qcow2(ring, "1M", "-u", "-b", f"{host.root}/./ring", "-F", "qcow2")
    assert len(host.json("disk", "info", ring)[0]["chain"]) == 1


def test_a_running_vm_and_what_was_attached(host, overlay):
    base, disk = overlay
    host.kvmctl("start", "web")
    extra = host.root / "extra"
    host.kvmctl("disk", "attach", "web", extra, "--size", "1M", "--live")
    rows = {one["path"]: one for one in host.json("disk", "list", "web")}
    assert {path: one["device"] for path, one in rows.items()} == {str(disk): "DISK0", str(extra): "DISK1"}
    assert all(one["isOpen"] for one in rows.values())
    for path, use in [(disk, "disk"), (base, "backing"), (extra, "disk")]:
        [found] = host.json("disk", "info", path)
        assert found["openIn"] == ["web"] and found["vms"] == [{"name": "web", "use": use}], found
    assert "open in    web\n" in host.kvmctl("disk", "info", "web", "DISK0").stdout
    # A QEMU of somebody else.
    alone = qcow2(host.root / "alone", "1M")
    with subprocess.Popen(
            ["qemu-io", "-f", "qcow2", str(alone)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdin.write(b"length\n")
        other.stdin.flush()
        other.stdout.readline()
        assert "open in  another process" in host.kvmctl("disk", "info", alone).stdout
        other.stdin.close()
    assert "open in" not in host.kvmctl("disk", "info", alone).stdout


def test_what_may_not_be_looked_at(rootless_host):
    """It is not told to be missing."""
    host = rootless_host
    closed = host.root / "closed"
    inner = qcow2(closed / "inner", "1M")
    inner.chmod(0o600)
    top = qcow2(host.root / "top", "1M", "-b", inner, "-F", "qcow2")
    top.chmod(0o644)
    done = host.kvmctl("disk", "info", top, expect=77)
    assert f"{inner}, qcow2 (could not be looked at)" in done.stdout
    assert f"{inner}: can't be looked at" in done.stderr
    closed.chmod(0o700)
    [found] = json.loads(host.kvmctl("disk", "info", top, "--json", expect=77).stdout)
    assert found["chain"][0]["exists"] is None and found["unseen"]
    host.kvmctl("disk", "info", inner, expect=77)

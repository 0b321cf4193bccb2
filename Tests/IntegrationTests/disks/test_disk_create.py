"""`disk create`."""

import json
import os
import subprocess

import pytest

from rig.host import NOBODY


def image(path):
    told = subprocess.run(
        ["qemu-img", "info", "-U", "--output=json", str(path)], check=True, text=True, stdout=subprocess.PIPE).stdout
    return json.loads(told)


def create(host, path, *options, **expected):
    return host.kvmctl("disk", "create", path, *options, **expected)


def test_images_of_both_formats(host):
    raw, qcow2 = host.root / "raw", host.root / "qcow2"
    assert create(host, raw, "--size", "1G", "--dry-run").stdout == f"{raw}: would be created, raw, 1 GiB\n"
    assert not raw.exists()
    assert create(host, raw, "--size", "1G").stdout == f"{raw}: created, raw, 1 GiB\n"
    assert (raw.stat().st_size, raw.stat().st_blocks, raw.stat().st_mode & 0o777) == (1 << 30, 0, 0o600)
    made = json.loads(create(host, qcow2, "--size", "20G", "--format", "qcow2", "--json").stdout)
    assert (made["format"], made["size"], made["backing"], made["preallocated"]) == ("qcow2", 20 << 30, [], False)
    assert (image(qcow2)["format"], image(qcow2)["virtual-size"]) == ("qcow2", 20 << 30)
    # Nothing is ever overwritten, not even by what would be a copy of it.
    for path in raw, qcow2:
        assert "exists already" in create(host, path, "--size", "1G", expect=73).stderr
    link = host.root / "link"
    link.symlink_to(host.root / "nowhere")
    create(host, link, "--size", "1M", expect=73)
    assert not (host.root / "nowhere").exists()
    host.write_firmware_vm("vm")
    host.kvmctl("disk", "attach", "vm", raw)
    host.kvmctl("disk", "attach", "vm", qcow2, "--format", "qcow2")
    host.kvmctl("start", "vm")


def test_its_space_is_taken_at_once(host):
    for path, options in (host.root / "raw", []), (host.root / "qcow2", ["--format", "qcow2"]):
        create(host, path, "--size", "8M", "--preallocate", *options)
        assert path.stat().st_blocks * 512 >= 8 << 20
    full = host.root / "full"
    full.mkdir()
    host.use_own_mounts()
    host.execute("mount", "-t", "tmpfs", "-o", "size=4M", "none", full)
    for options in [], ["--format", "qcow2"]:
        said = create(host, full / "disk", "--size", "8M", "--preallocate", *options, expect=73).stderr
        assert "only 4 MiB is free" in said and "--preallocate" in said
    assert host.execute("ls", full).stdout == ""
    create(host, full / "disk", "--size", "8M")


def test_what_stands_on_others(host):
    host.write_firmware_vm("vm")
    base, upper, top = host.root / "base", host.root / "upper", host.root / "top"
    create(host, base, "--size", "1G")
    assert create(host, upper, "--backing", base).stdout == f"{upper}: created, qcow2, 1 GiB over {base}\n"
    told = image(upper)
    assert (told["full-backing-filename"], told["backing-filename-format"], told["virtual-size"]) == (str(base), "raw", 1 << 30)
    # A header, which a guest may have written, opens nothing by itself.
    said = create(host, top, "--backing", upper, expect=64).stderr
    assert f"stands on {base}" in said and "a second --backing" in said
    made = json.loads(create(host, top, "--backing", upper, "--backing", base, "--size", "2G", "--json").stdout)
    assert (made["backing"], made["size"]) == ([str(upper), str(base)], 2 << 30)
    host.kvmctl("set", "vm", f"DISK0={top}", "DISK0_FORMAT=qcow2", f"DISK0_BACKING={upper}:{base}")
    host.kvmctl("start", "vm")
    # What stands on a disk of a VM that has it by its file needs no second name.
    assert "is a disk of the VM vm, which is running" in create(host, host.root / "x", "--backing", top, expect=75).stderr
    host.kvmctl("stop", "--now", "vm")
    made = create(host, host.root / "x", "--backing", top, "--json")
    assert json.loads(made.stdout)["backing"] == [str(top), str(upper), str(base)]
    assert "must not write to it from now on" in made.stderr


@pytest.mark.parametrize("words, code, said", [
    ("{}/new", 64, "say how large"), ("{}/new --size 1000", 64, "has no unit"),
    ("{}/new --size 1M --format vmdk", 64, "vmdk"), ("{}/none/new --size 1M", 66, "mkdir -p"),
    ("/proc/new --size 1M", 73, "can't hold a file"), ("{}/new --backing {}/none", 66, "does not exist"),
    ("{}/new --backing {}/text", 65, "is 5 bytes"), ("{}/new --backing {}/base --size 1M", 64, "does not fit"),
    ("{}/new --backing {}/base --format raw", 64, "--format qcow2"),
    ("{}/new --backing {}/base --preallocate", 64, "preallocated"), ("{}/new --size 100P", 73, "can't hold a file of"),
])
def test_what_can_not_be_made(host, words, code, said):
    (host.root / "text").write_text("words")
    os.truncate(os.open(host.root / "base", os.O_CREAT | os.O_WRONLY), 2 << 20)
    words = words.replace("{}", str(host.root)).split()
    # What a file system can't hold shows only when it is tried.
    for more in ([],) if "can't hold" in said else ([], ["--dry-run"]):
        assert said in host.kvmctl("disk", "create", *words, *more, expect=code).stderr
    assert not (host.root / "new").exists()


def test_root_makes_nothing_where_others_could_change_it(host):
    open_to_all = host.root / "theirs"
    open_to_all.mkdir()
    os.chown(open_to_all, NOBODY, NOBODY)
    create(host, open_to_all / "disk", "--size", "1M", expect=77)
    assert list(open_to_all.iterdir()) == []

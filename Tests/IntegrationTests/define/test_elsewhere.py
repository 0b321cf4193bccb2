"""VMs that no root shows: nothing is removed that such a VM stands on."""

import json
import os
import shutil

import pytest

from rig.host import KERNEL_WORDS

SIZE = 1 << 20


def raw(path):
    path.write_bytes(os.urandom(SIZE))
    return path


def template(host, name="t"):
    host.kvmctl("create", name, "--disk", "1M", "--net", "none", "--vnc", "none", "--set", "TEMPLATE=yes")


def noted(host):
    return [json.loads(line)[0] for line in (host.run / "data/places").read_text().splitlines()]


def test_images_and_templates_of_vms_elsewhere(host):
    host.kvmctl("image", "import", raw(host.root / "base.raw"))
    template(host)
    (host.root / "out").mkdir()
    host.kvmctl("create", "./out/im", "--image", "base", "--net", "none")
    host.kvmctl("create", "./out/ov", "--from", "t")
    assert [one["vms"] for one in host.json("image", "list")] == [["im"]]
    assert "overlays of it, or it is their disk: im" in host.kvmctl("image", "rm", "base", expect=75).stderr
    assert "overlays of its disks: ov" in host.kvmctl("rm", "t", "--disks", "--yes", expect=75).stderr
    for vm in "im", "ov":
        assert "ok" in host.kvmctl("check", f"./out/{vm}").stdout
    host.kvmctl("rm", "./out/im", "./out/ov", "t", "--disks", "--yes")
    host.kvmctl("image", "rm", "base")
    assert noted(host) == []


@pytest.mark.parametrize("how", ["start", "set", "rename", "other roots"])
def test_vms_that_come_elsewhere_later(host, how):
    host.kvmctl("image", "import", raw(host.root / "base.raw"))
    host.kvmctl("create", "vm", "--image", "base", "--net", "none", "--vnc", "none", "--memory", "32", "--kernel",
                host.guests / "vmlinuz", "--initrd", host.guests / "initrd.gz", "--append", KERNEL_WORDS)
    if how == "other roots":
        other = host.environment["KVMCTL_VMS"] = str(host.root / "others")
        os.mkdir(other)
    else:
        (host.root / "out").mkdir()
        shutil.move(host.vms / "vm", host.root / "out/vm")
        words = {"start": ["start", "./out/vm"], "set": ["set", "./out/vm", "MEMORY=48"], "rename": ["rename", "./out/vm", "new"]}
        host.kvmctl(*words[how])
        if how == "start":
            host.kvmctl("stop", "--now", "vm")
    user = "new" if how == "rename" else "vm"
    assert f"it is their disk: {user}" in host.kvmctl("image", "rm", "base", expect=75).stderr


def test_a_link_to_a_vm_elsewhere(host):
    """A template that is noted stands in nobody's way itself, whatever path leads to it."""
    (host.root / "out").mkdir()
    (host.root / "link").symlink_to("out")
    template(host, "./link/t")
    host.kvmctl("create", "./out/ov", "--from", "./out/t")
    assert "overlays of its disks: ov" in host.kvmctl("rm", "./out/t", "--disks", "--yes", expect=75).stderr
    host.kvmctl("rm", "./link/ov", "./out/t", "--disks", "--yes")
    assert not any((host.root / "out").iterdir())


def test_notes_are_places_to_look_at(host):
    host.kvmctl("image", "import", raw(host.root / "base.raw"))
    out = host.root / "out"
    out.mkdir()
    host.kvmctl("create", "./out/a", "--image", "base", "--net", "none")
    host.kvmctl("create", "./out/b", "--image", "base", "--net", "none")
    places = host.run / "data/places"
    assert noted(host) == [f"{out}/a/vm.params", f"{out}/b/vm.params"] and places.stat().st_mode & 0o777 == 0o600
    shutil.rmtree(out / "a")
    (out / "b/vm.params").write_text("NET0=none\n")
    host.kvmctl("image", "rm", "base", "--dry-run")
    # What is there can't be looked at.
    (out / "b/vm.params").unlink()
    (out / "b/vm.params").symlink_to("vm.params")
    said = host.kvmctl("image", "rm", "base", expect=75).stderr
    assert f"{out}/b/vm.params: can't be accessed" in said and "so a VM might stand on it" in said
    (out / "b/vm.params").unlink()
    # Notes that somebody else could have written count for nothing, and what they should say is not known.
    os.chown(places, 4321, 4321)
    assert f"{places}: belongs to" in host.kvmctl("image", "rm", "base", expect=75).stderr
    made = host.kvmctl("create", "./out/c", "--image", "base", "--net", "none")
    assert "can't be noted" in made.stderr and "places" in made.stderr
    places.unlink()
    # Damaged ones too; but a last line that a power cut has cut off was of a VM that is not there.
    for text in "no note\n", '["also/none", "/"]\n', "7\n", '["/none", "/"]\n\0\0\n', '["/none"]\n':
        places.write_text(text)
        places.chmod(0o600)
        assert "is damaged" in host.kvmctl("image", "rm", "base", expect=75).stderr, text
    places.unlink()
    places.symlink_to("nowhere")
    assert "so a VM might stand on it" in host.kvmctl("image", "rm", "base", expect=75).stderr
    places.unlink()
    places.write_text(f'["{out}/none", "/"]\n["{out}/b/vm.pa')
    places.chmod(0o600)
    host.kvmctl("image", "rm", "base", "--dry-run")
    template(host, "./out/d")
    assert noted(host) == [f"{out}/none", f"{out}/d/vm.params"]


def test_a_file_system_that_is_not_mounted(host):
    """What is on it can't be looked at, which is not the same as gone."""
    host.kvmctl("image", "import", raw(host.root / "base.raw"))
    template(host)
    out = host.root / "out"
    out.mkdir()
    host.execute("mount", "-t", "tmpfs", "none", out)
    try:
        host.kvmctl("create", "./out/image", "--image", "base", "--net", "none")
        host.kvmctl("create", "./out/from", "--from", "t")
    finally:
        host.execute("umount", out)
    unmounted = f"nothing is mounted on {out} now, so a VM might stand on"
    assert unmounted in host.kvmctl("image", "rm", "base", expect=75).stderr
    for more in [], ["--disks"]:
        assert unmounted in host.kvmctl("rm", "t", "--yes", *more, expect=75).stderr
    assert (host.vms / "t/vm.params").exists() and (host.vms / "t/vdisk0").exists()
    # A VM that is no template: perhaps one of those has its disk too, so it is not removed without its disk.
    host.kvmctl("create", "plain", "--disk", "1M", "--net", "none")
    said = host.kvmctl("rm", "plain", "--disks", "--yes", expect=75).stderr
    assert f"nothing is mounted on {out} now, so another VM might use it" in said and "/places" in said, said
    assert "nothing is mounted" in host.kvmctl("rm", "plain", "--disks", "--dry-run").stdout
    assert (host.vms / "plain/vm.params").exists() and (host.vms / "plain/vdisk0").exists()
    host.kvmctl("rm", "plain")
    assert not (host.vms / "plain/vm.params").exists() and (host.vms / "plain/vdisk0").exists()
    # Mounted again, without them: they are gone.
    host.execute("mount", "-t", "tmpfs", "none", out)
    try:
        host.kvmctl("image", "rm", "base")
        host.kvmctl("rm", "t", "--disks", "--yes")
    finally:
        host.execute("umount", out)

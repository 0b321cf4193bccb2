"""`run --warm` and `warm`: guests that were booted once, and go on from there."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from rig.initrd import with_files
from rig.process import Process
from rig.waiting import wait_until

PATIENCE = 120


def model(host, words="tiny.agent", **keys):
    """A VM with the agent and a disk, which is never started itself; returns the disk."""
    (host.root / "tmp").mkdir(exist_ok=True)
    host.environment["TMPDIR"] = str(host.root / "tmp")
    keys = {"INITRD": host.guests / "initrd-agent.gz", "MEMORY": 192, "DISK0": "disk", "NET0": "user", **keys}
    disk = host.write_tiny_vm("model", words, **keys).with_name("disk")
    disk.write_bytes(bytes(range(256)) * 4096)
    return disk


def begin(host, *words, options=(), **streams):
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.Popen(
        host.command(host.binary, "run", "--warm", "model", *options, "--", *words), env=host.environment, cwd=host.root,
        **streams)


def end(process):
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out.decode(), err.decode()


def run(host, *words, options=()):
    return end(begin(host, *words, options=options))


def cache(host):
    return host.root / "run/cache/warm"


def image(host):
    """The directory of the only image."""
    [found] = [path for path in cache(host).iterdir() if path.is_dir()]
    return found


def sums(directory):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()}


def assert_nothing_left(host):
    host.kvmctl("list")
    for place in "run/vms", "run/log", "run/ephemeral":
        directory = host.root / place
        left = [path.name for path in directory.iterdir() if path.name.startswith("run-")] if directory.is_dir() else []
        assert left == [], place
    assert host.qemus() == []
    assert not cache(host).is_dir() or not list(cache(host).glob("*.new"))


TOLD = """head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \\n'; echo; cat /sys/class/net/eth0/address; date +%s; hostname
    head -c 4 /dev/vda | od -An -tx1; cat /first 2>/dev/null; echo mine >/first
    dd if=/dev/zero of=/dev/vda bs=64k count=4 2>/dev/null; sync; head -c 4 /dev/vda | od -An -tx1"""


def test_copies_are_no_twins_and_change_nothing(host):
    disk = model(host)
    before = hashlib.sha256(disk.read_bytes()).hexdigest()
    assert run(host, "sh", "-c", "exit 7") == (7, "", "")
    made = image(host)
    content = sums(made)
    # Two at once, of one image: what the one writes, the other does not see.
    both = [begin(host, "sh", "-c", TOLD, options=["--fresh-identity"]) for _ in range(2)]
    told = []
    for process in both:
        code, out, err = end(process)
        assert (code, err) == (0, "")
        told.append(out.splitlines())
    (random_one, mac_one, time_one, name_one, *disk_one), (random_two, mac_two, _, name_two, *disk_two) = told
    assert random_one != random_two and len(random_one) == 32
    assert mac_one != mac_two and mac_one.startswith("52:54:00:")
    assert name_one != name_two and name_one.startswith("run-")
    assert disk_one == disk_two == [" 00 01 02 03", " 00 00 00 00"]
    # By the host's clock, and not by that of the time when it was saved.
    assert int(time_one) >= json.loads((made / "image.json").read_text())["made"]
    assert image(host) == made and sums(made) == content
    assert hashlib.sha256(disk.read_bytes()).hexdigest() == before
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in made.iterdir())
    assert_nothing_left(host)


def test_what_has_changed_makes_it_anew(host):
    disk = model(host)
    kernel = host.root / "kernel"
    shutil.copy(host.guests / "vmlinuz", kernel)
    qemu = host.root / "qemu"
    qemu.write_text(f'#!/bin/sh\nexec {shutil.which("qemu-system-x86_64")} "$@"\n')
    qemu.chmod(0o755)

    def options():
        return ["--set", f"KERNEL={kernel}", "--set", f"QEMU={qemu}"]

    def begins_with():
        code, out, err = run(host, "sh", "-c", "head -c 3 /dev/vda", options=options())
        assert code == 0, err
        return out, err

    def would():
        return host.kvmctl("warm", "model", "--dry-run", *options()).stdout

    disk.write_bytes(b"one".ljust(1 << 20, b"\0"))
    assert begins_with() == ("one", "")
    assert begins_with() == ("one", "")
    name = image(host).name
    disk.write_bytes(b"two".ljust(1 << 20, b"\0"))
    assert begins_with() == ("two", f"kvmctl: {name}: the warm image is made anew: {disk} was written to\n")
    # The same bytes under the same name, with the old times.
    shutil.copy2(qemu, host.root / "other")
    (host.root / "other").replace(qemu)
    assert would() == f"{name}: would be made anew: {qemu} is another file\n"
    os.utime(kernel)
    assert would() == f"{name}: would be made anew: {qemu} is another file; and 1 more changes\n"
    assert begins_with() == ("two", f"kvmctl: {name}: the warm image is made anew: {qemu} is another file; and 1 more changes\n")
    assert would() == f"{name}: is there already\n"
    # It is not the words alone that count: what can't be read is no image.
    (image(host) / "image.json").write_text("{}")
    assert "would be made anew: it was made by another kvmctl" in would()
    assert_nothing_left(host)


def test_killed_while_it_is_made_and_two_at_once(host):
    model(host)
    process = begin(host, "true")
    wait_until(lambda: cache(host).is_dir() and list(cache(host).glob("*.new/disk0.qcow2")), "an image in the making")
    wait_until(lambda: (Process(process.pid).executable or "").endswith("/kvmctl"), "kvmctl")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    host.wait_for_the_end_of_qemus()
    assert_nothing_left(host)
    assert host.json("warm", "list") == [] and host.kvmctl("warm", "list").stdout.startswith("NAME")
    # One makes it, the other waits for that.
    both = [begin(host, "echo", "done") for _ in range(2)]
    ends = [end(process) for process in both]
    assert [(code, out) for code, out, _ in ends] == [(0, "done\n")] * 2
    assert sorted(err for _, _, err in ends) == [
        "", f"kvmctl: {image(host).name}: another command is making the warm image\n"]
    assert_nothing_left(host)


def test_the_cache(host):
    model(host)
    assert host.json("warm", "model", "--dry-run")["new"] is True and not image_names(host)
    one = host.json("warm", "model")
    assert one["new"] and host.json("warm", "model") == {**one, "new": False, "lastUse": host.json("warm", "list")[0]["lastUse"]}
    other = host.json("warm", "model", "--set", "MEMORY=256")
    assert image_names(host) == [other["name"], one["name"]]
    assert other["model"] == str(host.root / "vms/model/vm.params") and other["size"] > 1 << 20
    # One that is used stays, the one that was not used for longest goes first.
    (host.root / "etc").mkdir(exist_ok=True)
    host.environment["XDG_CONFIG_HOME"] = str(host.root / "etc")
    (host.root / "etc/kvmctl.conf").write_text("WARM_CACHE=1M\n")
    user = begin(host, "cat", stdin=subprocess.PIPE)
    wait_until(lambda: [i["name"] for i in host.json("warm", "list") if i["inUse"]] == [one["name"]], "its use")
    third = host.json("warm", "model", "--set", "MEMORY=224")
    assert image_names(host) == [third["name"], one["name"]]
    assert host.kvmctl("warm", "rm", one["name"]).stdout.startswith(f"removed {one['name']}, ")
    out, _ = user.communicate(b"through\n", timeout=PATIENCE)
    assert (user.returncode, out) == (0, b"through\n")
    assert "there is no warm image of that name" in host.kvmctl("warm", "rm", one["name"], expect=66).stderr
    host.kvmctl("warm", "rm", "--all")
    assert image_names(host) == []


def test_made_by_the_options_of_run(host):
    """Of a kernel or an image, and what is made is what run goes on from; a dry run of that shows the same plan."""
    disk = model(host)
    options = ["--kernel", host.guests / "vmlinuz", "--initrd", host.guests / "initrd-agent.gz", "--memory", "192",
               "--append", "console=ttyS0 no_timer_check tiny.agent"]
    planned = host.kvmctl("run", "--warm", *options, "--dry-run")
    name = host.json("warm", *options, "--dry-run")["name"]
    assert f"run-XXXXXX: the warm image {name} would be made first\n" in planned.stderr and not image_names(host)
    assert "plugged when it runs: NET0 (user)" in planned.stderr
    assert host.json("warm", *options)["name"] == name and name.startswith("vmlinuz-")
    again = host.kvmctl("run", "--warm", *options, "--dry-run")
    # Each run is another VM.
    plans = {re.sub("-uuid .*", "", told.stdout) for told in (planned, again)}
    assert len(plans) == 1
    assert "would be made" not in again.stderr
    assert again.stdout.startswith(f"go on from the warm image {name} as run-XXXXXX") and "-incoming fd:" in again.stdout
    done = host.kvmctl("run", "--warm", "-n", *options, "--", "echo", "through")
    assert (done.stdout, done.stderr, image_names(host)) == ("through\n", "", [name])
    # It is another one's with other words for the kernel.
    assert host.json("warm", *options[:-1], "console=ttyS0", "--dry-run")["name"] != name
    made = host.json("warm", "make", "--image", disk, "--cpus", "2", "--dry-run")
    assert made["new"] and made["name"].startswith("disk-")
    # Why it would be made anew.
    disk.write_bytes(bytes(1 << 20))
    assert host.kvmctl("warm", "model").stdout.endswith("M\n")
    disk.write_bytes(bytes(1 << 20))
    assert f"would be made first anew: {disk} was written to" in host.kvmctl("run", "--warm", "model", "--dry-run").stderr
    assert_nothing_left(host)


def image_names(host):
    return [image["name"] for image in host.json("warm", "list")]


def without_execution(host, places):
    """An initramfs whose guest executes nothing in these directories."""
    tree = host.root / "tree/sbin"
    tree.mkdir(parents=True)
    agent = tree / "qemu-ga"
    agent.write_text(
        f'#!/bin/sh\nfor place in {places}; do mount -t tmpfs -o noexec none $place; done\nexec /bin/qemu-ga "$@"\n')
    agent.chmod(0o755)
    return with_files(host, tree.parent)


@pytest.mark.parametrize("places, message", [
    # As in Debian.
    ("/run", ""),
    ("/run /root", "the guest's random numbers may repeat those of another one for a minute"),
])
def test_a_guest_may_forbid_execution(host, places, message):
    model(host, INITRD=without_execution(host, places), NET0="none")
    for _ in range(2):
        code, out, err = run(host, "sh", "-c", "readlink /run/kvmctl/renew; date +%s")
        *link, now = out.split()
        assert code == 0 and message in err and bool(err) == bool(message)
        assert [name.startswith("/root/kvmctl.") for name in link] == ([] if message else [True])
        assert 0 <= time.time() - int(now) < PATIENCE


@pytest.mark.parametrize("words, code, message", [
    (["run", "model", "--for", "boot", "--", "true"], 64, "go with --warm"),
    (["run", "model", "--warm", "--serial", "--", "true"], 64, "needs the guest agent"),
    (["run", "model", "--warm", "--for", "ip", "--", "true"], 64, "before it has a network"),
    (["run", "model", "--warm", "--set", "SHARE0=/usr/share:share", "--", "true"], 69, "shares a directory"),
    (["warm", "nosuch"], 66, "no VM of this name"), (["warm", "rm"], 64, "name an image"),
    (["warm", "model", "--timeout", "1s"], 124, "was not made"),
    (["warm"], 64, "warm what? Give exactly one of VM, --kernel and --image"), (["warm", "make", "model", "--image", "i"], 64, "warm what?"),
    (["warm", "make", "model", "--initrd", "i"], 64, "go with --kernel"), (["warm", "--kernel", "nosuch"], 66, "nosuch"),
])
def test_refusals(host, words, code, message):
    model(host)
    assert message in host.kvmctl(*words, expect=code).stderr
    assert_nothing_left(host)


def test_a_damaged_image_is_made_anew(host):
    model(host)
    name = host.json("warm", "model")["name"]

    def anew(words):
        code, out, err = run(host, "echo", "fine")
        assert (code, out, err) == (0, "fine\n", f"kvmctl: {name}: the warm image is made anew: {words}\n")

    with open(image(host) / "machine", "r+b") as machine:
        machine.seek(50 << 20)
        machine.write(b"damaged")
    anew("its file machine was written to")
    (image(host) / "disk0.qcow2").unlink()
    anew("its file disk0.qcow2 is no longer there")
    shutil.copy(image(host) / "machine", host.root / "other")
    (host.root / "other").replace(image(host) / "machine")
    anew("its file machine is another file")
    assert run(host, "echo", "fine") == (0, "fine\n", "")
    # Its lock goes with it.
    host.kvmctl("warm", "rm", "--all")
    assert list(cache(host).iterdir()) == []
    # What can only be read can be looked at.
    assert host.kvmctl("warm", "model", "--timeout", "1s", expect=124) and list(cache(host).iterdir()) == []


def test_an_image_that_qemu_can_not_load(host):
    model(host)
    qemu = host.root / "qemu"
    qemu.write_text(f"""#!/bin/sh
        case "$*" in *-incoming*) echo "qemu: load of migration failed: Input/output error" >&2; exit 1; esac
        exec {shutil.which("qemu-system-x86_64")} "$@"\n""")
    qemu.chmod(0o755)
    code, out, err = run(host, "true", options=["--set", f"QEMU={qemu}"])
    assert code != 0 and "QEMU can't load this warm image" in err, err
    assert f"kvmctl warm rm {image(host).name}: then it is made anew" in err and "suspended" not in err
    assert_nothing_left(host)


def test_a_long_boot_is_told_of(host):
    model(host, words="", INITRD=host.guests / "initrd.gz")
    code, out, err = run(host, "true", options=["--timeout", "8s"])
    assert code == 124 and re.search(r": the warm image is being made: model boots, and may take \d s until", err), err
    assert "kvmctl: model: " in err and "run-" not in err
    assert "the warm image is being made: model boots" in host.kvmctl("warm", "model", "--timeout", "1s", expect=124).stderr
    assert_nothing_left(host)


def test_it_is_saved_when_the_guest_has_come_to_rest(host):
    """The agent answers while the guest still writes: no copy goes on with that."""
    disk = model(host, words="tiny.agent tiny.write")
    os.truncate(disk, 100 << 20)
    code, out, err = end(begin(host, "sh", "-c", "pidof dd; echo $?"))
    assert (code, out) == (0, "1\n"), err

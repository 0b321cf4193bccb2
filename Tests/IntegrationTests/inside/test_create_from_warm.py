"""`create --from-warm`: new VMs whose guests go on from a warm image, each as one of its own."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from rig.host import KERNEL_WORDS
from rig.initrd import with_files
from rig.process import Process
from rig.waiting import wait_until

PATIENCE = 120
TOLD = "cat /proc/sys/kernel/random/boot_id; head -c 16 /dev/urandom | od -An -tx1; cat /etc/machine-id 2>/dev/null; " \
    "hostname; cat /sys/class/net/eth0/address; head -c 5 /dev/vda; date +%s"


def template(host, name="t", **keys):
    (host.root / "tmp").mkdir(exist_ok=True)
    host.environment["TMPDIR"] = str(host.root / "tmp")
    keys = {"MEMORY": 128, "NET0": "user", "VNCDISP": "none", "DISK0": "vdisk0", "TEMPLATE": "yes",
            "KERNEL": host.guests / "vmlinuz", "INITRD": host.guests / "initrd-agent.gz",
            "APPEND": f"'{KERNEL_WORDS} tiny.agent'"} | keys
    path = host.write_vm(name, **{key: value for key, value in keys.items() if value is not None})
    if keys["DISK0"]:
        (path.parent / "vdisk0").write_bytes(b"first".ljust(1 << 20, b"\0"))
    return path


def create(host, *words, **options):
    return host.kvmctl("create", "--from-warm", "t", "--start", *words, timeout=PATIENCE, **options)


def told(host, name):
    said = host.kvmctl("exec", name, "--", "sh", "-c", TOLD, timeout=PATIENCE).stdout.split("\n")
    return said[:-1]


def test_a_lab_of_guests_that_are_no_twins(host):
    disk = template(host).with_name("vdisk0")
    made = create(host, "lab-%d", "--count", "3").stdout.splitlines()
    assert [line.split(":")[0] for line in made] == [
        word for n in (1, 2, 3) for word in (f"created lab-{n}", f"lab-{n}")]
    names = ["lab-1", "lab-2", "lab-3"]
    lines = [told(host, name) for name in names]
    for line, name in zip(lines, names):
        assert name in line and any(word.startswith("first") for word in line), line
        assert host.show(name)["nics"][0]["mac"] in line
    randoms = {line[1] for line in lines}
    assert len(randoms) == 3 and len({host.show(name)["uuid"] for name in names}) == 3
    # Nothing of them depends on the cache, and each keeps what it writes, beside the others.
    host.kvmctl("exec", "lab-1", "--", "sh", "-c", "printf other | dd of=/dev/vda conv=notrunc 2>/dev/null; sync")
    assert any(word.startswith("first") for word in told(host, "lab-2"))
    host.kvmctl("warm", "rm", "--all")
    host.kvmctl("stop", "--now", *names)
    # From now on it boots, as any VM does.
    host.kvmctl("start", "lab-1")
    host.kvmctl("wait", "lab-1", "--for", "agent", timeout=PATIENCE)
    after = told(host, "lab-1")
    assert any(word.startswith("other") for word in after) and lines[0][0] not in after
    assert disk.read_bytes().startswith(b"first")
    chain = subprocess.run(
        ["qemu-img", "info", "--output=json", host.vms / "lab-2/vdisk0"], check=True, stdout=subprocess.PIPE)
    assert json.loads(chain.stdout)["full-backing-filename"] == str(disk)


def test_what_the_guest_had_written_is_there(host):
    # It writes zeros to all of its disk before it is saved.
    disk = template(host, APPEND=f"'{KERNEL_WORDS} tiny.agent tiny.write'").with_name("vdisk0")
    create(host, "one", "--for", "serial:/records out/")
    assert "first" not in told(host, "one") and disk.read_bytes().startswith(b"first")
    created = host.json("create", "--from-warm", "t", "--start", "two", "--dry-run")
    assert created["dryRun"] and created["disks"][0]["overlay"] and not (host.vms / "two").exists()
    # A guest that is saved again, and goes on again, has the device that it had.
    create(host, "three", "--for", "serial:/records out/", "--net", "none")
    host.kvmctl("suspend", "three")
    assert "goes on where it was suspended" in host.kvmctl("start", "three").stdout
    assert host.kvmctl("exec", "three", "--", "hostname").stdout == "three\n"
    # The next start would put a NIC that was plugged into another place. Nobody has attached it.
    refusal = host.kvmctl("suspend", "one", expect=75).stderr
    assert "it can't be suspended until its next start" in refusal and "warm image" in refusal
    assert "attached" not in refusal and "detach" not in refusal
    host.kvmctl("restart", "--hard", "one")
    host.kvmctl("wait", "one", "--for", "agent", timeout=PATIENCE)
    host.kvmctl("suspend", "one")
    assert host.show("one")["state"] == "suspended"


def test_a_list_of_hosts(host):
    template(host)
    (host.root / "hosts.csv").write_text(
        "NAME,NET0_MAC,DESCRIPTION\nweb,52:54:00:aa:00:01,the web\ndb,52:54:00:aa:00:02,\"data, all of it\"\n")
    create(host, "--list", str(host.root / "hosts.csv"))
    for name, mac in ("web", "52:54:00:aa:00:01"), ("db", "52:54:00:aa:00:02"):
        assert mac in told(host, name)
    assert host.show("db")["description"] == "data, all of it"


@pytest.mark.parametrize("words, message", [
    (["--memory", "256M"], "--memory: belongs to the machine"),
    (["--disk", "8G"], "--disk: belongs to the machine"), (["--set", "CPUS=2"], "--set CPUS: belongs to the machine"),
    (["--set", "DISK0_SIZE=2G"], "--set DISK0_SIZE: belongs to the machine"),
    (["--copy"], "excludes --image and --copy"), (["--from", "t"], "exclude each other"),
    (["--list", "{root}/hosts.csv"], "CPUS: belongs to the machine"),
])
def test_another_machine_is_refused(host, words, message):
    template(host)
    (host.root / "hosts.csv").write_text("NAME,CPUS\nweb,2\n")
    words = [word.format(root=host.root) for word in words]
    place = [] if "--list" in words else ["new"]
    assert message in create(host, *place, *words, expect=64).stderr
    assert not (host.vms / "new").exists() and not (host.vms / "web").exists()
    assert host.json("warm", "list") == []


@pytest.mark.parametrize("files", [["hostname"], ["machine-id", "machine-id.kvmctl"]], ids=["hostname", "machine-id"])
def test_a_guest_that_keeps_the_others_identity_is_ended(host, files):
    """The file can't be written in the guest, which would be taken for the other guests."""
    for file in files:
        (host.root / "tree/etc" / file).mkdir(parents=True)
    template(host, INITRD=with_files(host, host.root / "tree"))
    message = create(host, "new", expect=69).stderr
    name = {"hostname": "host name", "machine-id": "machine-id"}[files[0]]
    assert f"new: the guest could not be given a {name} of its own" in message
    assert host.show("new")["state"] == "stopped" and host.qemus() == []
    assert "from a warm image" in host.kvmctl("history", "new").stdout


def test_an_image_of_a_guest_without_an_agent(host):
    """It is said what is waited for, and in the model's name; the time is the user's."""
    template(host, INITRD=host.guests / "initrd.gz", DISK0=None, APPEND=f"'{KERNEL_WORDS}'")
    said = create(host, "new", "--timeout", "6s", expect=124).stderr
    first, *rest = said.splitlines()
    assert re.search(r"the warm image is being made: t boots, and may take \d s until it is up \(--timeout\)", first), first
    assert rest[0].startswith("kvmctl: t: ") and "run-" not in said, said
    assert not (host.vms / "new").exists() and host.json("warm", "list") == [] and host.qemus() == []
    assert "--timeout goes with --from-warm" in host.kvmctl("create", "new", "--timeout", "6s", expect=64).stderr


@pytest.mark.parametrize("change", ["template", "image"])
def test_what_changes_while_they_wake_up(host, change):
    """The rest does not go on: its memory would not fit its disk, or be damaged."""
    disk = template(host).with_name("vdisk0")
    create(host, "first")
    process = subprocess.Popen(
        host.command(host.binary, "create", "--from-warm", "t", "--count", "8", "lab-%d", "--start"),
        env=host.environment, cwd=host.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_until(lambda: (host.run / "vms/lab-1/process").exists(), "the first start")
    [image] = [path for path in (host.root / "run/cache/warm").iterdir() if path.is_dir()]
    if change == "template":
        with open(disk, "r+b") as file:
            file.write(b"other")
        changed = f"{disk} was written to"
    else:
        os.truncate(image / "machine", 1 << 20)
        changed = "its file machine was written to"
    said = process.communicate(timeout=PATIENCE)[1].decode()
    assert process.returncode == 1 and "discard" not in said, said
    assert f"lab-8: the warm image {image.name} can't be used any more\n  {changed}\n" in said
    assert host.show("lab-8")["state"] == "stopped"
    # The same command makes it anew.
    assert "the warm image is made anew" in create(host, "last").stderr
    assert "last" in told(host, "last")


def test_a_network_that_is_not_there(host):
    """Nothing is started that could not be given its NICs."""
    template(host, NET0="bridge:br7")
    assert "there is no bridge br7" in create(host, "new", expect=69).stderr
    assert host.show("new")["state"] == "stopped"
    assert "was never started" in host.kvmctl("history", "new", expect=66).stderr


@pytest.mark.parametrize("words,code,message", [
    (["other"], 73, "is already the name of a VM"), (["new", "--mac", "52:54:00:aa:bb:cc"], 75, "is taken by"),
])
def test_what_can_not_be_created_is_refused_before_a_guest_boots(host, words, code, message):
    template(host)
    host.write_firmware_vm("other", NET0="user", NET0_MAC="52:54:00:aa:bb:cc")
    said = create(host, *words, expect=code).stderr
    assert message in said and "warm image" not in said, said
    assert not (host.vms / "new").exists() and host.json("warm", "list") == []


def test_other_refusals(host):
    template(host, TEMPLATE=None)
    assert "goes with --start" in host.kvmctl("create", "--from-warm", "t", "new", expect=64).stderr
    assert "--for goes with --from-warm" in host.kvmctl("create", "--for", "boot", "new", expect=64).stderr
    assert "t is not a template" in create(host, "new", expect=64).stderr
    assert not (host.vms / "new").exists()
    # Nor is one made that could not be started. No image is made first.
    template(host)
    (host.root / "list").write_text("NAME,TEMPLATE\nnew,no\nlast,YES\n")
    for words, code, subject in [
        (["new", "--set", "TEMPLATE=yes"], 64, "--set TEMPLATE=yes"), (["--list", "list"], 64, "list: row 3, column 2: TEMPLATE"),
    ]:
        said = create(host, *words, expect=code).stderr
        assert f"{subject}: makes the VM a template, which is not started" in said, said
    assert "--set TEMPLATE=yes" in host.kvmctl(
        "create", "new", "--disk", "1M", "--net", "none", "--start", "--set", "TEMPLATE=yes", expect=64).stderr
    assert "--set TEMPLATE=1" in host.kvmctl("clone", "t", "new", "--start", "--set", "TEMPLATE=1", expect=64).stderr
    assert not (host.vms / "new").exists() and host.json("warm", "list") == []


def test_killed_it_leaves_no_twin(host):
    """What is killed before the guest is one of its own takes it along."""
    template(host)
    create(host, "first")
    for number in range(8):
        name = f"vm-{number}"
        process = subprocess.Popen(
            host.command(host.binary, "create", "--from-warm", "t", name, "--start"), env=host.environment, cwd=host.root,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: (Process(process.pid).executable or "").endswith("/kvmctl"), "kvmctl")
        def has_begun(name=name, process=process):
            return process.poll() is not None or (host.run / "vms" / name / "process").exists()
        wait_until(has_begun, "its start")
        # From just before QEMU is executed on.
        time.sleep(number / 20)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
        # It is either complete, with its NIC, or gone.
        def is_settled(name=name):
            shown = host.show(name)
            if shown["state"] in ("stopped", "crashed"):
                return True
            # It may be ended while it is looked at.
            named = host.kvmctl("exec", name, "--", "hostname", expect=None) if len(shown["nics"]) == 1 else None
            return named is not None and (named.returncode, named.stdout) == (0, f"{name}\n")
        wait_until(is_settled, "an end, or a guest of its own")


def test_interrupted_while_guests_wake_up(host):
    """The exit code is the signal's, as in its other phases."""
    template(host)
    create(host, "first")
    before = host.state("first")
    process = subprocess.Popen(
        host.command(host.binary, "create", "--from-warm", "t", "vm-%d", "--count", "3", "--start"), env=host.environment, cwd=host.root,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    place = host.vms / "vm-1/vm.params"
    # It is heeded before the next guest wakes up.
    wait_until(lambda: place.exists() or process.poll() is not None, "the first VM")
    # What guards a QEMU came later.
    os.kill(min(one.pid for one in host.kvmctls()), signal.SIGTERM)
    said, failed = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signal.SIGTERM, (said, failed)
    assert "vm-3: interrupted" in failed and "vm-3 was created, and does not run" in failed
    assert host.state("vm-3") == "stopped"
    assert host.state("first") == before


@pytest.mark.parametrize("count", [5, pytest.param(50, marks=pytest.mark.deep)])
def test_a_lab_on_a_network(host, count):
    """Each has its own address, MAC, boot id and random numbers."""
    template(host, NET0="nat", APPEND=f"'{KERNEL_WORDS} tiny.agent tiny.dhcp=0'", DISK0=None)
    create(host, "lab-%d", "--count", str(count))
    names = [f"lab-{number}" for number in range(1, count + 1)]
    for name in names:
        host.kvmctl("exec", name, "--", "sh", "-c", "ip link set eth0 up; udhcpc -i eth0 -n -q -s /etc/dhcp")
    lines = [told(host, name) for name in names]
    for part in 0, 1, 2, 3:
        assert len({line[part] for line in lines}) == count, lines
    addresses = [host.kvmctl("ip", name).stdout for name in names]
    assert len(set(addresses)) == count and all(addresses), addresses

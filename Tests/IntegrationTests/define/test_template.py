"""Templates, and several VMs that are created at once: all of them, or none."""

import json
import shlex
import subprocess

import pytest

from rig.faults import strike, system_calls, was_killed
from rig.host import KERNEL_WORDS
from rig.terminal import run_inside

MARK = b"this is the template"


def values(host, name):
    text = (host.vms / name / "vm.params").read_text()
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))


def info(path):
    told = subprocess.run(["qemu-img", "info", "-U", "--output=json", path], check=True, stdout=subprocess.PIPE)
    return json.loads(told.stdout)


def files(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def marked(path, size=1 << 20):
    content = bytearray(size)
    content[size // 2:size // 2 + len(MARK)] = MARK
    path.write_bytes(content)


def template(host, name="t", **keys):
    """A template of the tiny guest, whose raw disk has a mark."""
    keys = {"MEMORY": 128, "NET0": "none", "VNCDISP": "none", "DISK0": "vdisk0", "TEMPLATE": "yes",
            "KERNEL": host.guests / "vmlinuz", "INITRD": host.guests / "initrd.gz", "APPEND": f"'{KERNEL_WORDS}'"} | keys
    path = host.write_vm(name, **{key: value for key, value in keys.items() if value is not None})
    marked(path.parent / "vdisk0")
    return path


def test_a_template_is_not_started(host):
    path = template(host, TEMPLATE=None, NET0="user")
    host.kvmctl("start", "t")
    assert "it is running, and a template does not run" in host.kvmctl("set", "t", "TEMPLATE=yes", expect=75).stderr
    host.kvmctl("stop", "--now", "t")
    host.kvmctl("set", "t", "TEMPLATE=yes")
    for words in (["start"], ["start", "--dry-run"], ["restart"], ["restart", "--dry-run"], ["enable"], ["enable", "--dry-run"]):
        said = host.kvmctl(*words, "t", expect=75).stderr
        assert "t: is a template" in said and "kvmctl create NEW --from t" in said, words
    path.write_text(path.read_text() + "AUTOSTART=yes\n")
    assert "is a template" in host.kvmctl("autostart", "run", expect=75).stderr
    assert host.state("t") == "stopped" and "it is a template" in host.kvmctl("check", "t").stdout
    assert host.show("t")["template"] and "template" in host.kvmctl("list").stdout and "template" in host.kvmctl("show", "t").stdout
    # Only its own lines make it one.
    host.kvmctl("create", "vm", "--from", "t", "--set", "AUTOSTART=")
    assert not host.show("vm")["template"] and "TEMPLATE" not in values(host, "vm")


def test_a_guest_on_a_template_on_an_image(host):
    marked(host.root / "base.raw")
    host.kvmctl("image", "import", host.root / "base.raw")
    image, disk = host.root / "images/base.raw", host.vms / "t/vdisk0"
    host.kvmctl("create", "t", "--image", "base", "--kernel", host.guests / "vmlinuz", "--initrd", host.guests / "initrd.gz",
                "--append", KERNEL_WORDS, "--memory", "128", "--net", "none", "--vnc", "none")
    subprocess.run(["qemu-io", "-c", "write -P 0x42 0 64k", disk], check=True, stdout=subprocess.DEVNULL)
    host.kvmctl("set", "t", "TEMPLATE=yes")
    host.kvmctl("create", "vm", "--from", "t", "--set", "DISK0_SIZE=4M")
    assert values(host, "vm")["DISK0_BACKING"] == f"{disk}:{image}"
    made = info(host.vms / "vm/vdisk0")
    assert (made["format"], made["virtual-size"], made["backing-filename"]) == ("qcow2", 4 << 20, str(disk))
    before = disk.read_bytes(), image.read_bytes()
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    # What is in the image, and what the template has written over it.
    assert run_inside(host, "vm", f"grep -ac '{MARK.decode()}' /dev/vda")[0].strip() == "1"
    assert run_inside(host, "vm", "dd if=/dev/vda bs=4 count=1 2>/dev/null")[0].strip() == "BBBB"
    run_inside(host, "vm", "dd if=/dev/zero of=/dev/vda bs=64k count=64 conv=fsync 2>/dev/null")
    # Another one is made while it runs, and the template stays as it is.
    host.kvmctl("create", "two", "--from", "t")
    assert "disks of VMs are overlays of its disks: two, vm" in host.kvmctl("rm", "t", "--disks", expect=75).stderr
    host.kvmctl("disk", "grow", "t", "DISK0", "8M", expect=75)
    host.kvmctl("rename", "t", "u", expect=75)
    assert "t, two, vm" in host.kvmctl("image", "rm", "base", expect=75).stderr
    host.kvmctl("stop", "--now", "vm")
    said = host.kvmctl("disk", "grow", "t", "DISK0", "8M", expect=75).stderr
    assert f"is the backing file of {host.vms}" in said and "make the disks of the VMs that stand on it larger" in said and "--set DISK0_SIZE=SIZE" in said
    assert "overlays of its disks: two, vm" in host.kvmctl("set", "t", "TEMPLATE=no", expect=75).stderr
    # By an editor it is made a VM like others, which would write to what they stand on.
    params = host.vms / "t/vm.params"
    params.write_text(params.read_text().replace("TEMPLATE=yes", "TEMPLATE=no"))
    assert "is the backing file of" in host.kvmctl("start", "t", expect=75).stderr
    host.kvmctl("set", "t", "TEMPLATE=yes")
    assert (disk.read_bytes(), image.read_bytes()) == before
    # Like a VM on an image: on the same one, and empty.
    host.kvmctl("create", "like", "--from", "vm")
    assert values(host, "like")["DISK0_BACKING"] == f"{disk}:{image}"
    host.kvmctl("rm", "vm", "two", "like", "--disks", "--yes")
    host.kvmctl("disk", "grow", "t", "DISK0", "8M")
    host.kvmctl("rm", "t", "--disks")


def test_a_chain_that_is_cut(host):
    template(host)
    host.kvmctl("create", "vm", "--from", "t")
    host.kvmctl("create", "deep", "--from", "vm")
    for chain, cause in [(host.vms / "vm/vdisk0", "the line ends before it"),
                         (f"{host.vms}/vm/vdisk0:{host.vms}/t/gone", "does not exist"),
                         (f"{host.vms}/vm/vdisk0:{host.vms}/t/vdisk0:{host.vms}/t/vdisk0", "named twice"),
                         (f"{host.vms}/t/vdisk0:{host.vms}/vm/vdisk0", "is not an overlay")]:
        path = host.vms / "deep/vm.params"
        path.write_text("".join(f"DISK0_BACKING={chain}\n" if line.startswith("DISK0_BACKING") else f"{line}\n"
                                for line in path.read_text().splitlines()))
        said = host.kvmctl("check", "deep", expect=66 if "gone" in str(chain) else 65).stderr
        assert cause in said, said


def test_removed_after_what_stands_on_it(host):
    """Whichever comes first in the list."""
    def lab():
        template(host, "a")
        host.kvmctl("create", "b", "--from", "a")
        # A template on a template.
        host.kvmctl("create", "c", "--from", "a", "--set", "TEMPLATE=yes")
        host.kvmctl("create", "d", "--from", "c")

    lab()
    told = host.kvmctl("rm", "--all", "--disks", "--dry-run").stdout
    assert [told.index(f"{host.vms}/{name}/vm.params") for name in "bdca"] == sorted(
        told.index(f"{host.vms}/{name}/vm.params") for name in "abcd")
    removed = host.json("rm", "--all", "--disks", "--yes")
    # Each in the place where it was asked for.
    assert [vm["name"] for vm in removed] == ["a", "b", "c", "d"] and files(host.vms) == []
    lab()
    done = host.kvmctl("rm", "a", "c", "b", "--yes", "--json", expect=1)
    found = [(vm["name"], vm.get("error", {}).get("code")) for vm in json.loads(done.stdout)]
    # What is not in the list keeps what it stands on.
    assert found == [("a", 75), ("c", 75), ("b", None)] and "overlays of its disks: c, d" in done.stderr
    host.kvmctl("rm", "c", "d", "a", "--disks", "--yes")
    assert files(host.vms) == ["b", "b/vdisk0"]
    # By a link, too.
    path = template(host, "e")
    (path.parent / "vdisk0").rename(host.root / "disk")
    (path.parent / "vdisk0").symlink_to(host.root / "disk")
    host.kvmctl("create", "f", "--from", "e")
    assert "overlays of its disks: f" in host.kvmctl("rm", "e", expect=75).stderr
    host.kvmctl("rm", "e", "f", "--disks", "--yes")


@pytest.mark.parametrize("how", ["written to", "replaced"])
def test_a_template_that_changes_under_its_overlays(host, how):
    template(host, TEMPLATE=None)
    host.kvmctl("set", "t", "TEMPLATE=yes")
    host.kvmctl("create", "vm", "--from", "t")
    host.kvmctl("create", "top", "--from", "vm")
    base, disk = host.vms / "t/vdisk0", host.vms / "vm/vdisk0"
    said = f"DISK0_BACKING: {base} was written to or replaced after {disk} was made on it"
    for name in "vm", "top":
        assert "by their times" not in host.kvmctl("check", name).stdout
    # A copy that is restored is younger than the template; a template that is copied with its times is as old as it was.
    subprocess.run(["cp", disk, host.root / "copy"], check=True)
    subprocess.run(["cp", "-a", base, host.root / "base"], check=True)
    (host.root / "base").rename(base)
    assert "by their times" not in host.kvmctl("check", "vm").stdout
    if how == "replaced":
        marked(host.root / "other", 1 << 19)
        (host.root / "other").rename(base)
    else:
        subprocess.run(["qemu-io", "-f", "raw", "-c", "write -P 1 0 4k", base], check=True, stdout=subprocess.DEVNULL)
    checked = host.kvmctl("check", "vm")
    assert said in checked.stdout + checked.stderr
    assert f"{base} was written to" in host.kvmctl("doctor", "vm", expect=None).stdout
    started = host.kvmctl("start", "vm")
    assert said in started.stderr
    host.kvmctl("stop", "--now", "vm")
    # What it advises, if the content is the same.
    subprocess.run(shlex.split(said_command(started.stderr, "touch -d")), check=True)
    assert "by their times" not in host.kvmctl("start", "vm").stderr


def said_command(text, beginning):
    """The command in a message, which is in back-quotes."""
    return next(part for part in text.split("`") if part.startswith(beginning))


def test_copies_of_a_template(host):
    template(host)
    assert "--copy copies the disks of a template" not in host.kvmctl("create", "vm", "--from", "t", "--copy").stderr
    assert (host.vms / "vm/vdisk0").read_bytes() == (host.vms / "t/vdisk0").read_bytes()
    assert "DISK0_BACKING" not in values(host, "vm") and values(host, "vm")["DISK0_FORMAT"] == "raw"
    assert "is none" in host.kvmctl("create", "two", "--from", "vm", "--copy", expect=64).stderr
    # A guest can write any header: what would stand on the disk would be read by that.
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", host.vms / "t/vdisk0", "1M"], check=True)
    assert "which its guest may have written" in host.kvmctl("create", "two", "--from", "t", expect=65).stderr
    assert not (host.vms / "two").exists()


def test_the_seed_of_a_template(host):
    (host.root / "net").write_text("version: 2\n")
    path = template(host, CLOUDINIT_USERDATA="mine", CLOUDINIT_NETWORK=host.root / "net", CLOUDINIT_HOSTNAME="golden")
    (path.parent / "mine").write_text("#cloud-config\n")
    made = host.json("create", "lab-%d", "--from", "t", "--count", "20")
    for number, vm in enumerate(made, 1):
        name = f"lab-{number}"
        assert vm["files"] == [f"{host.vms}/{name}/user-data"] and (host.vms / name / "user-data").read_text() == "#cloud-config\n"
        assert (host.vms / name / "user-data").stat().st_mode & 0o777 == 0o600
        assert values(host, name)["CLOUDINIT_NETWORK"] == str(host.root / "net")


def test_a_lab_of_twenty(host):
    template(host, NET0="user", FORWARD0="tcp:127.0.0.1:2222:22", VNCDISP=3)
    planned = host.json("create", "lab-%02d", "--from", "t", "--count", "20", "--dry-run")
    names = [f"lab-{number:02}" for number in range(1, 21)]
    assert [vm["name"] for vm in planned] == names and files(host.vms) == ["t", "t/vdisk0", "t/vm.params"]
    done = host.kvmctl("create", "lab-%02d", "--from", "t", "--count", "20")
    assert done.stdout.splitlines()[0] == f"created lab-01: {host.vms}/lab-01/vm.params" and len(done.stdout.splitlines()) == 20
    assert done.stderr.count("FORWARD0") == 1 and done.stderr.count("VNCDISP=auto") == 1
    for key in "UUID", "NET0_MAC":
        assert len({values(host, name)[key] for name in names}) == 20
    assert all(info(host.vms / name / "vdisk0")["backing-filename"] == f"{host.vms}/t/vdisk0" for name in names)
    assert len({(host.vms / name / "vdisk0").stat().st_ino for name in names}) == 20
    assert all((host.vms / name / "vdisk0").stat().st_mode & 0o777 == 0o600 for name in names)
    host.kvmctl("start", "lab-07", "lab-20")
    for name in "lab-07", "lab-20":
        host.wait_console(name, "tiny: up")
        assert run_inside(host, name, f"grep -ac '{MARK.decode()}' /dev/vda")[0].strip() == "1"
    # Any that is there: none is made.
    host.kvmctl("rm", "lab-01", "lab-02", "--disks", "--yes")
    said = host.kvmctl("create", "lab-%02d", "--from", "t", "--count", "4", expect=73).stderr
    assert "2 of 4 VMs can't be created" in said and "lab-03: is already the name of a VM" in said and "lab-04" in said
    assert not (host.vms / "lab-01").exists() and "Nothing was created." in said


def test_others_are_looked_at_once_for_all_new_ones(host):
    """However many VMs there are, each new one takes as many system calls more."""
    template(host, NET0="user")

    def calls(count):
        counts = host.root / "counts"
        words = ["create", "v%d", "--from", "t", "--count", str(count)]
        done = host.execute("strace", "-f", "-c", "-o", counts, host.binary, *words)
        assert done.returncode == 0, done.stderr
        host.kvmctl("rm", *(f"v{number + 1}" for number in range(count)), "--disks", "--yes")
        return int(counts.read_text().splitlines()[-1].split()[3])

    # What is found out about the host is kept.
    calls(1)
    few = calls(11) - calls(1)
    for number in range(100):
        host.write_vm(f"other-{number}", NET0="user", NET0_MAC=f"52:54:00:00:01:{number:02x}")
    assert calls(11) - calls(1) - few < 10 * 100
    # What they have is known all the same.
    assert "the MAC 52:54:00:00:01:07 is taken by" in host.kvmctl(
        "create", "v", "--from", "t", "--set", "NET0_MAC=52:54:00:00:01:07", expect=75).stderr
    assert "other-7: is already the name of a VM" in host.kvmctl("create", "other-%d", "--from", "t", "--count", "9", expect=73).stderr


def test_started_at_once(host):
    made = (template(host), host.json("create", "v%d", "--from", "t", "--count", "2", "--start"))[1]
    assert [(vm["name"], vm["started"]) for vm in made] == [("v1", True), ("v2", True)]
    assert [host.state(name) for name in ("v1", "v2")] == ["running", "running"]
    done = host.kvmctl("create", "w%d", "--from", "t", "--count", "2", "--start", "--set", "NET0=bridge:none0", "--json", expect=1)
    assert [(vm["name"], vm["started"], vm["error"]["code"]) for vm in json.loads(done.stdout)] == [("w1", False, 69), ("w2", False, 69)]
    done = host.kvmctl("create", "v%d", "--from", "t", "--count", "2", "--json", expect=73)
    assert [(vm["name"], vm["error"]["code"]) for vm in json.loads(done.stdout)] == [(None, 73)]
    # What can't start is there all the same.
    said = host.kvmctl("create", "bad", "--set", "KERNEL=/nowhere", "--net", "none", "--start", expect=66).stderr
    assert "bad was created, and does not run" in said and host.state("bad") == "stopped"


@pytest.mark.parametrize("words, said", [
    (["lab-%d"], "is not a valid VM name"), (["lab", "--count", "2"], "does not say where the number goes"),
    (["lab-%s", "--count", "2"], "is not a pattern of names"), (["lab-%d", "--count", "0"], "1 to 1000"),
    (["lab-%d", "--count", "2", "--name", "x"], "--name is that of one VM"),
    (["lab-%d", "--count", "2", "--set", "NAME=x"], "would have the name x"),
    (["lab-%d", "--count", "2", "--set", "NET0_MAC=52:54:00:00:00:01", "--net", "user"], "would have the MAC"),
    (["lab-%d", "--count", "2", "--forward", "tcp::2222:22", "--net", "user"], "would have tcp port 2222"),
    (["lab", "--list", "hosts.csv"], "no other name is given"), (["--count", "2"], "name the VM"),
    (["--count", "2"], "by a pattern, such as lab-%02d"), (["lab-%02d"], "as a pattern of names it goes with --count"),
])
def test_what_can_not_be_twenty(host, words, said):
    (host.root / "hosts.csv").write_text("NAME\nx\n")
    assert said in host.kvmctl("create", *words, expect=64).stderr
    assert files(host.vms) == []


def test_a_list(host):
    template(host, NET0="user")
    table = host.root / "hosts.csv"
    table.write_text('NAME,MEMORY,NET0_MAC,DESCRIPTION\r\nweb,96,52:54:00:00:00:01,"the ""first"", really"\r\ndb,,,\r\n')
    made = host.json("create", "--from", "t", "--list", table)
    assert [vm["name"] for vm in made] == ["web", "db"]
    web, db = host.show("web"), host.show("db")
    assert (web["memory"], web["description"], web["nics"][0]["mac"]) == (96 << 20, 'the "first", really', "52:54:00:00:00:01")
    assert db["memory"] == 128 << 20 and db["nics"][0]["mac"] != web["nics"][0]["mac"]
    for text, code, said in [
            ("NAME,MEMROY\nx,1\n", 65, "hosts.csv: row 1, column 2: 'MEMROY' is not a key of vm.params"),
            ("NAME,MEMORY\nx,64\ny,lots\n", 65, "row 3, column 2: error: MEMORY: 'lots'"),
            ("NAME,CPUS\nx\n", 65, "row 2: has 1 field, and the header has 2\n  a field with nothing to say stays empty"),
            ("NAME,TAGS\nx,a,b\n", 65, "row 2: has 3 fields, and the header has 2\n  a field with a comma"),
            ("NAME\nx\nweb\n", 73, "web: is already the name of a VM"),
            ("NAME,NET0_MAC\nx,52:54:00:00:00:01\n", 75, "the MAC 52:54:00:00:00:01 is taken by"),
            ("NAME,NET0_MAC\nx,52:54:00:00:00:09\ny,52:54:00:00:00:09\n", 65, "hosts.csv: row 3, column 2: y would have the MAC"),
            ("NAME\nx\nx\n", 65, "hosts.csv: row 3: x is the name in row 2 too"),
            ("NAME,UUID\nx,c4a6ce6f-4113-4c64-9149-82f512799d7b\ny,C4A6CE6F-4113-4C64-9149-82F512799D7B\n", 65, "y would have the UUID"),
            ("NAME,FORWARD0\nx,tcp::2222:22\ny,tcp::2222:23\n", 65, "row 3, column 2: y would have tcp port 2222"),
            ("NAME,VNCDISP\nx,7\ny,7\n", 65, "row 3, column 2: y would have tcp port 5907")]:
        table.write_text(text)
        assert said in host.kvmctl("create", "--from", "t", "--list", table, expect=code).stderr, text
        assert sorted(path.name for path in host.vms.iterdir()) == ["db", "t", "web"]
    # What the command line says of each row is no fault of the list.
    table.write_text("NAME\nx\ny\n")
    words = ["create", "--from", "t", "--list", table, "--set", "NET0_MAC=52:54:00:00:00:09"]
    assert "y: would have the MAC" in host.kvmctl(*words, expect=64).stderr
    table.write_bytes("NAME,DESCRIPTION\nx,caf\u00e9\n".encode("latin-1"))
    assert "is not UTF-8 text" in host.kvmctl("create", "--from", "t", "--list", table, expect=65).stderr
    # Without a template, too.
    table.write_text("# a lab\nNAME,CPUS\n# of one\none,2\n")
    host.kvmctl("create", "--list", table, "--disk", "1M", "--net", "none")
    assert values(host, "one")["CPUS"] == "2"
    def piped(text):
        return host.execute("sh", "-c", f"printf '{text}' | {host.binary} create --list - --net none")

    assert piped("NAME,CPUS\\npiped,3\\n").returncode == 0 and values(host, "piped")["CPUS"] == "3"
    assert "stdin: row 2, column 2" in piped("NAME,CPUS\\nx,many\\n").stderr
    assert f"{host.vms}: is a directory" in host.kvmctl("create", "--list", host.vms, expect=65).stderr
    said = host.kvmctl("create", "one", "--net", "none", expect=73).stderr
    assert "choose another name" in said and "nothing was changed" not in said


LAB = ["create", "v%d", "--from", "t", "--count", "3"]


def lab_calls(host):
    """The system calls of a run that makes three VMs of the template t, which are removed again."""
    # What it finds out about the host is kept by the second run.
    for run in (lambda: host.kvmctl(*LAB), lambda: system_calls(host, *LAB)):
        calls = run()
        host.kvmctl("rm", "v1", "v2", "v3", "--disks", "--yes")
    return calls


def test_nothing_stays_of_a_lab_that_fails(host):
    """The file system is full half-way: when the last VM's disk is written, and when only the last params file has no name."""
    template(host)
    calls = lab_calls(host)
    before = files(host.vms)
    for name in "pwrite64", "linkat":
        said = strike(host, [call for call in calls if call[0] == name][-1], "error=ENOSPC", *LAB)
        assert said.returncode == 73 and "None of the 3 VMs was created." in said.stderr, (name, said)
        assert files(host.vms) == before


def test_a_lab_that_is_killed(host):
    template(host)
    links = [call for call in lab_calls(host) if call[0] == "linkat"]
    # The disks get their names first, then the params files.
    assert len(links) == 6
    for call in links[0], links[2], links[3]:
        assert was_killed(strike(host, call, "signal=SIGKILL", *LAB))
        assert [vm["name"] for vm in host.json("list")] == ["t"]
        host.kvmctl(*LAB)
        host.kvmctl("rm", "v1", "v2", "v3", "--disks", "--yes")
    assert was_killed(strike(host, links[5], "signal=SIGKILL", *LAB))
    said = host.kvmctl(*LAB, expect=73).stderr
    assert "2 of 3 VMs can't be created" in said and "v1: is already the name" in said and "v2: is already the name" in said


@pytest.mark.parametrize("words", [("create", "new", "--from", "t"), ("create", "new", "--from", "t", "--copy"), ("clone", "--linked", "t", "new")])
@pytest.mark.parametrize("more", [(), ("--set", "DISK0_SIZE=8M")])
def test_what_a_template_has_lost_is_not_made_anew(host, words, more):
    host.write_firmware_vm("t", DISK0="vdisk0", TEMPLATE="yes")
    said = host.kvmctl(*words, *more, expect=66).stderr
    assert "vdisk0: does not exist, and it is DISK0 of t" in said and "restore it" in said and "_SIZE" not in said
    assert not (host.vms / "new").exists()

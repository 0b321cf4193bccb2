"""Root acts on no file that another user can change: every command, and every key that names a file.

The attacks are made by the user nobody. They would gain that their program runs, that one of root's files is opened by QEMU
or removed, or that a command never ends.
"""

import os
import subprocess
import time

import pytest

from rig.faults import with_fault
from rig.fuse import fuse
from rig.host import NOBODY

# What each key names, in an otherwise valid file.
KEYS = {
    "QEMU": {}, "KERNEL": {}, "INITRD": {"KERNEL": "/boot-kernel"}, "DISK0": {}, "CDROM0": {},
    "VNCPASSWORD_FILE": {"VNCDISP": "77"},
}
COMMANDS = {
    "check": ["check", "vm"], "check --all": ["check", "--all"], "explain": ["explain", "vm"],
    "dry run": ["start", "--dry-run", "vm"], "start": ["start", "vm"], "doctor": ["doctor", "vm"],
    "list": ["list"], "show": ["show", "vm"], "rm": ["rm", "--disks", "--dry-run", "vm"],
}
# Commands that only report what a file says.
TELLING = {"list", "show"}
HUNG = "hung"


def marks(host):
    """A directory where a program can leave a mark as any user."""
    directory = host.root / "marks"
    directory.mkdir()
    directory.chmod(0o777)
    return directory


class Attack:
    """A user's files on root's host, and marks that show that one was used."""

    def __init__(self, host):
        self.host = host
        host.root.chmod(0o755)
        self.home = host.root / "home"
        self.home.mkdir()
        os.chown(self.home, NOBODY, NOBODY)
        self.marks = marks(host)
        self.program = self.file("program", f"#!/bin/sh\ntouch {self.marks}/$(id -u)\nexit 1\n", 0o755)
        self.secret = host.root / "secret"
        self.secret.write_bytes(b"secret " * 512)
        self.secret.chmod(0o600)

    def file(self, name, content, mode=0o644, directory=None):
        path = (directory or self.home) / name
        path.write_text(content)
        path.chmod(mode)
        os.chown(path, NOBODY, NOBODY)
        return path

    def named(self, key, directory=None):
        """A file of the user that would suit a key."""
        if key == "QEMU":
            return self.program if directory is None else self.file("named", self.program.read_text(), 0o755, directory)
        return self.file("named", "password" if key == "VNCPASSWORD_FILE" else "x" * 1024, directory=directory)

    def write(self, key, value, directory=None, owner=0):
        keys = {"MEMORY": 32, "NET0": "none", "VNCDISP": "none", "RUNAS": "root", **KEYS[key], key: value}
        if keys.get("KERNEL") == "/boot-kernel":
            keys["KERNEL"] = self.host.guests / "vmlinuz"
        params = self.host.write_vm("vm", directory=directory, **keys)
        os.chown(params, owner, owner)
        os.chown(params.parent, owner, owner)
        return params

    def outcome(self, command, expected=77):
        """The outcome of a command, in a word; the expected exit code if nothing of the user was used."""
        try:
            result = self.host.execute(self.host.binary, *COMMANDS[command], timeout=20)
        except subprocess.TimeoutExpired:
            return HUNG
        for mark in self.marks.iterdir():
            mark.unlink()
            return f"executed as uid {mark.name}"
        opened = [path for qemu in self.host.qemus() for path in qemu.descriptors.values()]
        if any("secret" in path or "/home/" in path for path in opened):
            return "opened"
        if not self.secret.exists():
            return "removed"
        assert "Fatal error" not in result.stderr, result.stderr
        return str(result.returncode)


def a_file_of_the_users(attack, key):
    attack.write(key, attack.named(key))


def a_params_file_of_the_users(attack, key):
    attack.write(key, attack.named(key), owner=NOBODY)


def a_link_of_the_users(attack, key):
    link = attack.home / "link"
    link.symlink_to(attack.program if key == "QEMU" else attack.secret)
    attack.write(key, link)


def roots_file_behind_the_users_directory(attack, key):
    path = attack.home / "roots"
    path.write_bytes(attack.named(key).read_bytes())
    path.chmod(0o755)
    attack.write(key, path)


def a_file_that_everybody_may_write_to(attack, key):
    path = attack.host.vms / "open"
    path.write_bytes(attack.named(key).read_bytes())
    path.chmod(0o777)
    attack.write(key, path)


def a_file_that_a_group_may_write_to(attack, key):
    path = attack.host.vms / "shared"
    path.write_bytes(attack.named(key).read_bytes())
    os.chown(path, 0, NOBODY)
    path.chmod(0o770)
    attack.write(key, path)


def a_file_with_an_access_list(attack, key):
    path = attack.host.vms / "listed"
    path.write_bytes(attack.named(key).read_bytes())
    path.chmod(0o700)
    subprocess.run(["setfacl", "-m", f"u:{NOBODY}:rwx", path], check=True)
    attack.write(key, path)


def a_directory_that_everybody_may_write_to(attack, key):
    directory = attack.host.root / "public"
    directory.mkdir()
    directory.chmod(0o777)
    path = directory / "roots"
    path.write_bytes(attack.named(key).read_bytes())
    path.chmod(0o755)
    attack.write(key, path)


def a_users_file_in_a_sticky_directory(attack, key):
    directory = attack.host.root / "sticky"
    directory.mkdir()
    directory.chmod(0o1777)
    attack.write(key, attack.named(key, directory))


def a_users_link_in_a_sticky_directory(attack, key):
    directory = attack.host.root / "sticky"
    directory.mkdir()
    directory.chmod(0o1777)
    link = directory / "link"
    link.symlink_to(attack.program if key == "QEMU" else attack.secret)
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    attack.write(key, link)


def a_second_name_in_a_sticky_directory(attack, key):
    """If the kernel lets anybody link to root's files, a user can choose which of them this is."""
    directory = attack.host.root / "sticky"
    directory.mkdir()
    directory.chmod(0o1777)
    os.link(attack.secret, directory / "name")
    attack.write(key, directory / "name")


def a_fifo(attack, key):
    path = attack.home / "fifo"
    os.mkfifo(path)
    os.chown(path, NOBODY, NOBODY)
    attack.write(key, path)


ATTACKS = [
    a_file_of_the_users, a_params_file_of_the_users, a_link_of_the_users, roots_file_behind_the_users_directory,
    a_file_that_everybody_may_write_to, a_file_that_a_group_may_write_to, a_file_with_an_access_list,
    a_directory_that_everybody_may_write_to, a_users_file_in_a_sticky_directory, a_users_link_in_a_sticky_directory,
    a_second_name_in_a_sticky_directory, a_fifo,
]


@pytest.mark.parametrize("make", ATTACKS, ids=lambda make: make.__name__)
def test_the_table_of_attacks(host, make):
    """Prints the table: a row for each key, a column for each command, the exit code or what the attack gained."""
    attack = Attack(host)
    rows, wrong = [], []
    for key in KEYS:
        for path in [attack.home / "link", attack.home / "fifo", attack.home / "roots", attack.home / "named"]:
            path.unlink(missing_ok=True)
        for directory in ["public", "sticky"]:
            subprocess.run(["rm", "-rf", host.root / directory], check=True)
        make(attack, key)
        outcomes = {command: attack.outcome(command) for command in COMMANDS}
        rows.append([key] + list(outcomes.values()))
        wrong += [(key, command, outcome) for command, outcome in outcomes.items() if not is_right(key, command, outcome, make)]
    print(f"\n{make.__name__.replace('_', ' ')}")
    for row in [["", *COMMANDS]] + rows:
        print("  " + " ".join(f"{word:>16}" for word in row))
    assert wrong == []


def is_right(key, command, outcome, make):
    if command in TELLING:
        return outcome == "0"
    if command == "doctor":
        # Of a params file that it must not use it says only that; what keeps one of root's VMs from starting is a problem.
        return outcome == ("0" if make is a_params_file_of_the_users else "69")
    if command == "check --all":
        return outcome == "1"
    if command == "rm":
        # Only disks matter here, and disks elsewhere are kept.
        return outcome in ("77", "0") if key != "DISK0" else outcome == "77"
    return outcome == "77"


# Swaps two things at a path, as fast as it can.
FLIP = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
one, other = (path.encode() for path in sys.argv[1:])
while True:
    libc.renameat2(-100, one, -100, other, 2)
"""


@pytest.fixture
def flip():
    """Keeps swapping two paths, as the user who owns them, until the test ends."""
    flippers = []

    def begin(host, one, other):
        flippers.append(host.popen("/usr/bin/python3", "-c", FLIP, one, other, uid=NOBODY))

    yield begin
    for flipper in flippers:
        flipper.kill()
        flipper.wait()


@pytest.mark.parametrize("flipped", ["vm.params", "disk"])
@pytest.mark.parametrize("with_what", ["fifo", "link"])
def test_what_changes_hands_meanwhile_hangs_nothing_and_leads_nowhere(host, flip, flipped, with_what):
    """A directory's owner swaps a file with a FIFO, or with a link to a file of root: it is used with the owner's rights at most."""
    attack = Attack(host)
    directory = host.vms / "vm"
    host.write_firmware_vm("vm", DISK0="disk", NET0="none")
    (directory / "disk").write_bytes(bytes(1 << 20))
    other = directory / "other"
    os.mkfifo(other) if with_what == "fifo" else other.symlink_to(attack.secret)
    for path in [directory, *directory.iterdir()]:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    flip(host, directory / flipped, other)
    for command in ["list", "show vm", "check --trust-owner vm", "start --trust-owner vm", "stop --now vm", "doctor"] * 8:
        try:
            result = host.execute(host.binary, *command.split(), timeout=20)
        except subprocess.TimeoutExpired:
            pytest.fail(f"kvmctl {command} hangs")
        assert result.returncode in (0, 65, 66, 69, 75, 77), f"{command}: {result.returncode}\n{result.stderr}"
        for qemu in host.qemus():
            assert not any("secret" in path for path in qemu.descriptors.values())


def test_removal_follows_no_link(host):
    """While `rm` waits for a disk in use, its owner replaces the VM's directory by a link to root's."""
    attack = Attack(host)
    victim = host.root / "victim"
    victim.mkdir()
    (victim / "passwd").write_text("root's")
    directory = attack.home / "vm"
    host.write_firmware_vm("vm", directory=directory, DISK0="passwd", DISK1="vdisk9")
    for name in ["passwd", "vdisk9"]:
        (directory / name).write_bytes(bytes(512))
    for path in [directory, *directory.iterdir()]:
        os.chown(path, NOBODY, NOBODY)
    # The lock by which QEMU shows that it writes to an image: on byte 201 (QEMU, block/file-posix.c).
    hold = (
        "import fcntl, sys, time; file = open(sys.argv[1], 'r+b'); fcntl.lockf(file, fcntl.LOCK_EX, 1, 201); "
        "print(flush=True); time.sleep(1)")
    holder = host.popen("/usr/bin/python3", "-c", hold, directory / "vdisk9", uid=NOBODY)
    holder.stdout.readline()
    removal = host.popen(host.binary, "rm", "--disks", "--trust-owner", directory / "vm.params")
    # `rm` watches the lock for two seconds.
    time.sleep(0.3)
    directory.rename(attack.home / "old")
    directory.symlink_to(victim)
    removal.communicate(timeout=30)
    holder.wait()
    assert (victim / "passwd").read_text() == "root's"


def test_a_start_that_fails_takes_back_only_its_own(host, flip):
    """The directory of a new disk becomes a link to root's before the start removes the disk again."""
    attack = Attack(host)
    victim = host.root / "victim"
    victim.mkdir()
    (victim / "disk").write_text("root's")
    directory = attack.home / "vm"
    (directory / "d").mkdir(parents=True)
    link = directory / "link"
    link.symlink_to(victim)
    host.write_firmware_vm(
        "vm", directory=directory, DISK0="d/disk", DISK0_SIZE="1M", QEMUARG0="--no-such-option")
    for path in [directory, *directory.iterdir()]:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    flip(host, directory / "d", link)
    for _ in range(10):
        result = host.execute(host.binary, "start", "--trust-owner", directory / "vm.params")
        assert result.returncode != 0
        assert (victim / "disk").read_text() == "root's"


def test_an_owner_is_trusted_with_what_is_theirs(host):
    """--trust-owner: QEMU runs as the owner, new disks belong to the owner, and files that the owner may not open are refused."""
    attack = Attack(host)
    directory = host.vms / "vm"

    def write(**keys):
        params = host.write_firmware_vm("vm", **{"NET0": "user", **keys})
        for path in [directory, params]:
            os.chown(path, NOBODY, NOBODY)

    write(DISK0="disk", DISK0_SIZE="1M")
    host.kvmctl("start", "vm", expect=77)
    host.kvmctl("start", "--trust-owner", "vm")
    status = host.qemu().status
    assert set(status["Uid"].split()) == {str(NOBODY)} and int(status["CapEff"], 16) == 0
    assert (directory / "disk").stat().st_uid == NOBODY
    assert host.state("vm") == "running"
    host.kvmctl("stop", "--now", "vm")
    for keys, words in [
        ({"DISK0": attack.secret}, "Permission denied"), ({"RUNAS": "root"}, "can't run it as another user"),
        ({"NET0": "bridge:br0"}, "needs root"), ({"KERNEL": attack.secret}, "Permission denied"),
    ]:
        write(**keys)
        assert words in host.kvmctl("start", "--trust-owner", "vm", expect=77).stderr
    # The directories on the way belong to two accounts: neither account's rights are enough.
    os.chown(directory, 1, 1)
    write(DISK0="disk")
    os.chown(directory, 1, 1)
    assert "only one account can change" in host.kvmctl("start", "--trust-owner", "vm", expect=77).stderr
    host.assert_nothing_left()


def test_the_user_behind_sudo_is_trusted(host):
    params = host.write_firmware_vm("vm", DISK0="disk", DISK0_SIZE="1M")
    for path in [params.parent, params]:
        os.chown(path, NOBODY, NOBODY)
    host.kvmctl("start", "vm", expect=77)
    host.environment["SUDO_UID"] = str(NOBODY)
    host.kvmctl("start", "vm")
    host.kvmctl("stop", "--now", "vm")
    # But not the places that the environment names: sudo may be configured to keep anybody's environment.
    os.chown(host.vms, NOBODY, NOBODY)
    assert "KVMCTL_VMS" in host.kvmctl("list", expect=77).stderr


def test_others_in_a_root_that_everybody_may_write_to(host):
    """As in a tmpfs with its default mode: root's files there can't be replaced, and a user's are refused."""
    host.write_firmware_vm("own")
    users = host.write_firmware_vm("users")
    for path in [users.parent, users]:
        os.chown(path, NOBODY, NOBODY)
    host.vms.chmod(0o1777)
    host.kvmctl("start", "own")
    host.kvmctl("start", "users", expect=77)
    host.kvmctl("stop", "--now", "own")
    host.vms.chmod(0o777)
    assert "KVMCTL_VMS" in host.kvmctl("list", expect=77).stderr


def test_root_reads_for_nobody_what_they_may_not_read(host):
    """A look at another account's file prints what is wrong with it, and what it includes is a part of it."""
    secret = host.root / "secret"
    secret.write_text("root:TOPSECRET:1::\n")
    secret.chmod(0o600)
    theirs = host.write_vm("theirs", f"INCLUDE={secret}")
    link = host.vms / "link/vm.params"
    link.parent.mkdir()
    link.symlink_to(secret)
    for path in (theirs.parent, theirs, link.parent):
        os.chown(path, NOBODY, NOBODY)
    for words in (["list"], ["list", "--json"], ["show", theirs], ["show", link], ["check", theirs], ["autostart", "run"],
                  ["doctor"], ["diff", theirs], ["explain", theirs], ["check", "--trust-owner", theirs]):
        said = host.kvmctl(*words, expect=None)
        assert "TOPSECRET" not in said.stdout + said.stderr, words
    shown = host.kvmctl("show", theirs, expect=None)
    assert f"{secret} can't be read: Permission denied" in shown.stdout + shown.stderr
    # A group that may write to root's file could have put that line there.
    for path in (theirs.parent, theirs):
        os.chown(path, 0, NOBODY)
        path.chmod(0o775)
    assert "TOPSECRET" not in host.kvmctl("show", theirs, expect=None).stdout
    for path in (theirs.parent, theirs):
        os.chown(path, NOBODY, NOBODY)
    # What they may read is theirs to include.
    secret.chmod(0o644)
    host.root.chmod(0o755)
    assert "TOPSECRET" in host.kvmctl("show", theirs, expect=None).stdout


def test_a_private_group_is_its_owner(host):
    """A file writable by root's own group, which has no other members, is as good as root's alone."""
    params = host.write_firmware_vm("vm")
    params.chmod(0o664)
    host.kvmctl("check", "vm")
    os.chown(params, 0, NOBODY)
    assert "chmod go-w" in host.kvmctl("check", "vm", expect=77).stderr


def test_a_look_runs_nothing_that_only_the_file_names(host):
    """Not even a program that belongs to root: looking is not starting."""
    ran = marks(host)
    program = host.root / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}/$(id -u)\nexec qemu-system-x86_64 \"$@\"\n")
    program.chmod(0o755)
    host.root.chmod(0o755)
    host.write_firmware_vm("vm", QEMU=program)
    for command in ["check", "explain", "doctor"]:
        host.kvmctl(command, "vm", expect=None)
    host.kvmctl("start", "--dry-run", "vm")
    assert list(ran.iterdir()) == []
    assert "was not run" in host.kvmctl("check", "vm").stdout
    # The host's own QEMU, given by name, is the same program.
    host.write_firmware_vm("own", QEMU="qemu-system-x86_64")
    assert "was not run" not in host.kvmctl("check", "own").stdout
    host.kvmctl("start", "vm")
    assert list(ran.iterdir()) != []


def test_create_makes_nothing_in_a_strangers_directory(host):
    attack = Attack(host)
    result = host.kvmctl("create", attack.home / "vm", expect=77)
    assert str(attack.home) in result.stderr and not (attack.home / "vm").exists()


def test_opening_a_device_does_nothing(host):
    """A character device is never opened: opening a watchdog would start it."""
    device = host.vms / "watchdog"
    os.mknod(device, 0o600 | 0o020000, os.makedev(1, 7))
    for key in ["DISK0", "CDROM0", "KERNEL", "VNCPASSWORD_FILE"]:
        keys = {"VNCDISP": 5} if key == "VNCPASSWORD_FILE" else {}
        host.write_firmware_vm("vm", **{**keys, key: device})
        trace = host.root / "trace"
        host.execute("strace", "-f", "-o", trace, host.binary, "check", "vm")
        opened = [line for line in trace.read_text().splitlines() if "watchdog" in line and "openat" in line]
        assert opened and all("O_PATH" in line for line in opened), opened
        host.kvmctl("check", "vm", expect=65)


def test_a_file_system_that_a_user_serves(host):
    """There each file's owner is what its server says: here root."""
    source = host._directory("source")
    host.write_firmware_vm("far", directory=source)
    root, users = host.vms / "root", host.vms / "users"
    with fuse(host, source, root, user=0):
        host.kvmctl("start", root)
        host.kvmctl("stop", "--now", "root")
        said = with_fault(host, "/proc/self/mountinfo", "EIO", "start", root)
        assert said.returncode == 77 and "whose server can't be determined" in said.stderr
    with fuse(host, source, users, user=NOBODY):
        for command in (["check"], ["start"], ["rm", "--yes"]):
            said = host.kvmctl(*command, users, expect=77).stderr
            assert "is on a file system served by a program of the account nobody" in said
        host.kvmctl("list")


# Takes a lease on a file, and ignores that others want to open it (fcntl(2), F_SETLEASE).
LEASE = "import fcntl, signal, sys, time; signal.signal(signal.SIGIO, signal.SIG_IGN); " \
    "file = open(sys.argv[1], 'r+'); fcntl.fcntl(file, 1024, fcntl.F_WRLCK); print(flush=True); time.sleep(600)"


@pytest.mark.parametrize("name", ["vm.params", "disk"])
def test_a_lease_keeps_nobody_waiting(host, name):
    users = host.write_firmware_vm("users", DISK0="disk", DISK0_FORMAT="qcow2").parent
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", users / "disk", "1M"], check=True)
    host.write_firmware_vm("own", DISK0="disk", DISK0_SIZE="1M")
    for path in [users, users / "vm.params", users / "disk"]:
        os.chown(path, NOBODY, NOBODY)
    holder = subprocess.Popen(
        ["setpriv", f"--reuid={NOBODY}", "--regid", str(NOBODY), "--clear-groups", "/usr/bin/python3", "-c", LEASE, users / name],
        stdout=subprocess.PIPE, text=True)
    try:
        host.vms.chmod(0o755)
        host.root.chmod(0o755)
        assert holder.stdout.readline() == "\n"
        for command in (["list"], ["start", "own"], ["check", "--all"], ["stop", "--all", "--now"]):
            host.kvmctl(*command, expect=None, timeout=20)
        host.kvmctl("stop", "--now", "own")
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


@pytest.mark.parametrize("place", ["params", "disk", "base"])
def test_a_file_of_the_kernels_keeps_nobody_waiting(host, place):
    """A read of /proc/kmsg waits for the kernel's next message, and consumes it."""
    users, kmsg = host.vms / "users", "/proc/kmsg"
    users.mkdir()
    if place == "params":
        (users / "vm.params").symlink_to(kmsg)
    else:
        host.write_firmware_vm("users", DISK0=kmsg if place == "disk" else "disk", DISK0_FORMAT="qcow2")
        subprocess.run(
            ["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", kmsg, "-F", "raw", users / "disk", "1M"], check=True)
    host.write_firmware_vm("own", DISK0="disk", DISK0_SIZE="1M")
    host.execute("timeout", "1", "cat", kmsg)
    for command in (["list"], ["check", "own"], ["check", "--all"], ["start", "own"], ["doctor"], ["rm", "users"],
                    ["stop", "--all", "--now"], ["rm", "own", "--disks"]):
        host.kvmctl(*command, expect=None, timeout=20)


READ = {
    "--list": ["create"], "--user-data": ["create", "new"], "--network-config": ["create", "new"],
    "--password-file": ["create", "new"], "--ssh-key": ["create", "new"],
}


@pytest.mark.parametrize("option", READ)
@pytest.mark.parametrize("kind", ["file", "link", "directory"])
def test_a_users_file_is_not_what_a_vm_is_made_of(host, option, kind):
    """Its lines would become keys of root's VM, or what only root may read would be given to the guest."""
    attack = Attack(host)
    named = attack.file("given", f"NAME,RUNAS,QEMUARG0\nnew,root,-serial file:{host.root}/written\n")
    if kind == "link":
        named = attack.home / "link"
        named.symlink_to(attack.secret)
    if kind == "directory":
        named = attack.home / "roots"
        named.write_bytes(attack.secret.read_bytes())
    said = host.kvmctl(*READ[option], option, named, expect=77).stderr
    assert "root uses only what nobody else can change" in said and "secret secret" not in said
    assert list(host.vms.iterdir()) == []

"""`cp`: files between the host and a guest, through its agent."""

import hashlib
import io
import os
import signal
import stat
import subprocess
import tarfile

import pytest

from rig.inside import PATIENCE, agents_guest, is_running, left, run
from rig.terminal import spawn, wait_for_exit
from rig.waiting import wait_until


def copy(host, *words, expect=0, options=()):
    return host.kvmctl("cp", *options, *words, expect=expect, timeout=PATIENCE)


def begin(host, *words):
    """`cp` as a process."""
    return subprocess.Popen(
        host.command(host.binary, "cp", *words), env=host.environment, cwd=host.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def guest(host, script, *words):
    code, out, err = run(host, "sh", "-c", script, "sh", *words)
    assert code == 0, err
    return out


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def described(top):
    """What is below a directory: kind, permissions, time, content."""
    found = {}
    for directory, names, files in os.walk(os.fsencode(top)):
        for name in names + files:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            content = (
                os.readlink(path) if os.path.islink(path) else open(path, "rb").read() if os.path.isfile(path) else None)
            time = None if os.path.islink(path) else int(status.st_mtime)
            found[os.path.relpath(path, os.fsencode(top))] = (oct(status.st_mode), time, content)
    return found


def write_tree(top):
    """A tree with all that a tree may have."""
    (top / "sub" / "deep").mkdir(parents=True)
    (top / "closed").mkdir()
    (top / "empty").write_bytes(b"")
    (top / "plain").write_text("hello\n")
    (top / "plain").chmod(0o640)
    (top / "tool").write_bytes(b"#!/bin/sh\n")
    (top / "tool").chmod(0o755)
    for name in b"\xff\xfe", b"new\nline", b" ", b"-rf", b"'\"`$(reboot)`", b"\\0101", b"*", b"n" * 255, b"~", b"=sum 1":
        with open(os.path.join(os.fsencode(top), b"sub", name), "wb") as file:
            file.write(name)
    (top / "sub" / "link").symlink_to("../plain")
    (top / "sub" / "broken").symlink_to("/nowhere/" + "t" * 200)
    os.link(top / "plain", top / "sub" / "deep" / "same")
    (top / "large").write_bytes(os.urandom(3 << 20))
    with open(top / "holes", "wb") as file:
        file.truncate(12 << 20)
        file.seek(9 << 20)
        file.write(b"in the middle")
    for path in top / "plain", top / "sub", top / "closed", top / "large":
        os.utime(path, (1_000_000_000, 1_000_000_000))
    (top / "closed").chmod(0o555)


def test_trees(host):
    agents_guest(host)
    top = host.root / "tree"
    write_tree(top)
    copy(host, "-r", str(top), "vm:/")
    assert guest(host, "stat -c '%a %Y %s' /tree/plain /tree/closed /tree/tool; du -k /tree/holes; cat /tree/sub/-rf").decode().splitlines() == [
        "640 1000000000 6", "555 1000000000 40", "755 " + str(int((top / "tool").stat().st_mtime)) + " 10", "4\t/tree/holes", "-rf"]
    back = host.root / "back"
    copy(host, "-r", "vm:/tree", str(back))
    assert described(back) == described(top)
    assert (back / "holes").stat().st_blocks * 512 < 1 << 20
    assert (back / "plain").stat().st_ino != (back / "sub" / "deep" / "same").stat().st_ino
    wait_until(lambda: left(host) == 0, "tidy directory in the guest")

    # Into what is there already; what a directory holds, without it; nothing is left of a name in progress.
    (top / "plain").write_text("other\n")
    copy(host, "-r", str(top) + "/.", "vm:/tree")
    assert guest(host, "cat /tree/plain; ls -A /tree") == b"other\nclosed\nempty\nholes\nlarge\nplain\nsub\ntool\n"
    # As of cp(1), scp(1) and docker.
    for option in "-R", "-ap":
        copy(host, option, str(top / "sub"), f"vm:/sub{option}")
        assert guest(host, f"ls /sub{option}") == guest(host, "ls /tree/sub")
    os.mkfifo(top / "fifo")
    assert "fifo: was not copied" in copy(host, "-r", str(top), "vm:/tree2", expect=1).stderr
    assert guest(host, "ls /tree2 | wc -l") == b"7\n"


def test_files(host):
    agents_guest(host)
    source = host.root / "file"
    source.write_text("one\n")
    source.chmod(0o4751)
    (host.root / "dangling").symlink_to("nowhere")
    # A new name, a directory, a link's file, one that is owned by somebody else, the home directory.
    guest(host, "ln -s nowhere /dangling; mkdir /d; echo old >/d/real; chown 7:8 /d/real; ln -s /d/real /link; ln -s proc/kmsg /messages; mkfifo /queue")
    for target in "vm:/d/new", "vm:/d", "vm:/link", "vm:here", "vm:":
        copy(host, str(source), target)
    assert guest(host, "cat /d/new /d/file /d/real /here /file; stat -c '%u:%g %a' /d/real /d/new; test -h /link && echo link").decode().split() == [
        "one"] * 5 + ["7:8", "751", "0:0", "751", "link"]

    place = host.root / "place"
    place.mkdir()
    guest(host, "chmod 4777 /d/new; echo x >'/d/a b'")
    umask = os.umask(0o027)
    try:
        for name in "vm:/d/new", "vm:here", "vm:/d/a b", "vm:/proc/version":
            copy(host, name, str(place))
    finally:
        os.umask(umask)
    assert (place / "new").read_text() == "one\n" and (place / "new").stat().st_mode & 0o7777 == 0o750
    assert (place / "here").read_text() == "one\n" and (place / "version").read_text().startswith("Linux version")
    assert sorted(os.listdir(place)) == ["a b", "here", "new", "version"]
    # A link on the host in its place is replaced, not followed.
    victim = host.root / "victim"
    victim.write_text("mine\n")
    (place / "new").unlink()
    (place / "new").symlink_to(victim)
    copy(host, "vm:/d/new", str(place))
    assert victim.read_text() == "mine\n" and not (place / "new").is_symlink()

    # As a user of the guest.
    guest(host, "mkdir -p /etc /home/u; echo 'u:x:1000:1000::/home/u:/bin/sh' >/etc/passwd; echo 'u:x:1000:' >/etc/group; chown 1000 /home/u; chmod 700 /d")
    copy(host, str(source), "vm:mine", options=["--user", "u"])
    assert guest(host, "stat -c %u /home/u/mine") == b"1000\n"
    copy(host, str(source), "vm:numbered", options=["--user", "1000"])
    assert guest(host, "stat -c %u /home/u/numbered") == b"1000\n"
    refused = copy(host, "vm:/d/new", str(place / "no"), options=["--user", "u"], expect=None)
    assert refused.returncode != 0 and not (place / "no").exists()

    for words, code, message in [
        (["vm:/nosuch", "x"], 66, "vm:/nosuch: the guest has no such file"),
        ([str(source), "vm:/no/such/x"], 66, "the guest has no directory /no/such"),
        ([str(source), "vm:/nosuch/"], 66, "the guest has no such directory"),
        (["vm:/d/new", "no/such/x"], 66, "no/such"),
        (["vm:/d/new", "nosuch/"], 66, "nosuch/: is not a directory"),
        ([str(host.root / "nosuch"), "vm:/"], 66, "nosuch"),
        (["vm:/d", "x"], 64, "vm:/d: is a directory"),
        ([str(place), "vm:/"], 64, "is a directory"),
        (["vm:/dev/zero", "x"], 65, "is not a file"),
        (["vm:/proc/kmsg", "x"], 65, "vm:/proc/kmsg: has no end"),
        (["vm:/messages", "x"], 65, "vm:/messages: has no end"),
        (["vm:/proc/kcore", "x"], 65, "vm:/proc/kcore: has no end"),
        (["/proc/kmsg", "vm:/"], 65, "/proc/kmsg: has no end"),
        (["vm:/queue", "x"], 65, "is not a file"),
        (["vm:/dangling", "x"], 66, "symbolic link that leads nowhere"),
        ([str(host.root / "dangling"), "vm:/"], 66, "symbolic link that leads nowhere"),
        (["vm:/d/*", "x"], 66, "wildcards"),
        (["-r", "vm:/proc/sys/kernel/random", "x"], 65, "proc file system"),
        ([str(source), "vm:/file/x"], 66, "/file is not a directory"),
        (["-u", "nosuch", str(source), "vm:/"], 66, "no user 'nosuch'"),
        (["-r", str(place), "vm:/d/new"], 66, "is a file in the guest, not a directory"),
        (["/dev/zero", "vm:/"], 65, "is not a file"),
        ([str(source), str(source), "vm:/file"], 66, "is a file in the guest, not a directory"),
        ([str(source), "vm:/dangling"], 73, "is a symbolic link in the guest that leads nowhere"),
        ([f"{source}/", "vm:/"], 66, "Not a directory"),
        ([str(source), str(source), "vm:/file"], 66, "is a file in the guest"),
        (["-r", str(place), "vm:/file"], 66, "is a file in the guest"),
        ([str(source), "vm:~u/new/x"], 66, "only ~/ is a home directory"),
        (["-u", "u", str(source), "vm:/nosuch/x"], 66, "`kvmctl exec --user u vm -- mkdir -p /nosuch`"),
        ([str(source), "vm:/nosuch/x/"], 66, "`kvmctl exec vm -- mkdir -p /nosuch/x`"),
        ([str(source), str(source), "vm:/nosuch/x"], 66, "`kvmctl exec vm -- mkdir -p /nosuch/x`"),
        (["-r", str(place), "vm:/nosuch/x/"], 66, "`kvmctl exec vm -- mkdir -p /nosuch`"),
        (["x"], 64, "Usage: kvmctl cp "),
        (["x", "y"], 64, "none of the paths is in a guest"),
        (["vm:x", "vm:y"], 64, "from one guest to another"),
        (["x"], 64, "where to?"),
        (["-", "vm:x"], 64, "cat >FILE"), (["vm:/d/new", "-"], 64, "-- cat FILE"),
        ([":x", "y"], 64, "names no VM"),
        (["nosuch:x", "y"], 66, "nosuch"),
    ]:
        assert message in copy(host, *words, expect=code).stderr, words
    # What is in the way of a directory is said, whatever tar thinks of it.
    (host.root / "dirs" / "new").mkdir(parents=True)
    assert "File exists" in copy(host, "-r", f"{host.root}/dirs/.", "vm:/d", expect=69).stderr
    assert guest(host, "cat /d/new; stat -c %a /d/new") == b"one\n4777\n"
    # What the kernel makes as it is read, from here too, and alone or in a directory.
    for name in "/proc/version", "/sys/class/net/lo/mtu":
        copy(host, name, "vm:/kernel")
        assert guest(host, "cat /kernel") == open(name, "rb").read()
        copy(host, f"vm:{name}", str(host.root / "kernel"))
        assert (host.root / "kernel").read_bytes() == guest(host, f"cat {name}")
    copy(host, "-r", "/proc/sys/kernel/random", "vm:/random")
    assert guest(host, "cat /random/poolsize") == open("/proc/sys/kernel/random/poolsize", "rb").read()
    # Nor does what is mounted in a tree come empty.
    guest(host, "mkdir -p /k/a/proc /k/sys; mount -t proc p /k/a/proc; mount -t sysfs s /k/sys; echo x >/k/a/file")
    partly = copy(host, "-r", "vm:/k", str(host.root / "k"), expect=1)
    assert "vm:/k/a/proc: was not copied: it is a proc file system" in partly.stderr and "vm:/k/sys: was" in partly.stderr
    assert sorted(path.name for path in (host.root / "k").rglob("*")) == ["a", "file"]
    # What a user may not look at is not left out without a word.
    guest(host, "mkdir -p /home/u/closed; touch /home/u/closed/file; chmod 700 /home/u/closed")
    partly = copy(host, "-r", "-u", "u", "vm:.", str(host.root / "home"), expect=1)
    assert "can't be looked at" in partly.stderr and "Permission denied" in partly.stderr
    copy(host, str(source), "vm:~/tilde", options=["-u", "u"])
    assert guest(host, "cat /home/u/tilde") == b"one\n"
    # The others are copied all the same.
    partly = copy(host, "vm:/nosuch", "vm:/d/new", str(place), expect=1)
    assert "nosuch" in partly.stderr and (place / "new").exists()
    guest(host, "mkdir /d/new.d; touch /d/new.d/file")
    copy(host, str(source), "vm:/d/new.d/file")
    (host.root / "file.d").mkdir()
    (host.root / "file.d" / "new").mkdir()
    assert "is a directory" in copy(host, "vm:/d/new", str(host.root / "file.d"), expect=73).stderr


@pytest.mark.minutes
def test_ten_thousand(host):
    agents_guest(host)
    top = host.root / "many"
    for number in range(10_000):
        directory = top / str(number // 500)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"file {number}").write_text(str(number))
    copy(host, "-r", str(top), "vm:/")
    assert guest(host, "find /many -type f | wc -l; cat '/many/19/file 9999'").decode().split() == ["10000", "9999"]
    back = host.root / "back"
    copy(host, "-r", "vm:/many", str(back))
    assert described(back) == described(top)
    # What is there already stays.
    (back / "3" / "file 1700").unlink()
    (back / "3" / "file 1701").write_text("changed")
    copy(host, "--resume", "-r", "vm:/many/.", str(back))
    # The directory was there already, and keeps its own time.
    os.utime(back / "3", (top / "3").stat()[7:9])
    assert described(back) == described(top)
    # Interrupted under a new name, it is continued under that.
    guest(host, "cd /many && rm -r 1?")
    process = begin(host, "-r", "vm:/many", str(host.root / "new"))
    wait_until(lambda: list(host.root.glob("new/*/*")), "first files", timeout=PATIENCE)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=PATIENCE)[1].decode()
    assert process.returncode == 130 and f"kvmctl cp --resume -r vm:/many/. {host.root}/new" in err
    copy(host, "--resume", "-r", "vm:/many/.", str(host.root / "new"))
    # The times of directories that were there already are their own.
    new, old = [
        {name: (mode, content) for name, (mode, _, content) in described(where).items()
         if not name.startswith(b"1") or name.split(b"/")[0] == b"1"}
        for where in (host.root / "new", top)]
    assert new == old


def test_full_disks(host):
    agents_guest(host)
    guest(host, "mkdir /full; mount -t tmpfs -o size=1m full /full")
    large, tree = host.root / "large", host.root / "tree"
    large.write_bytes(os.urandom(3 << 20))
    tree.mkdir()
    for number in range(4):
        (tree / str(number)).write_bytes(os.urandom(500_000))
    for words in [str(large), "vm:/full/new"], ["-r", str(tree), "vm:/full"]:
        refused = copy(host, *words, expect=73)
        assert "No space left" in refused.stderr and "df -h" in refused.stderr, refused.stderr
        assert guest(host, "find /full -name '.kvmctl*'") == b""
        guest(host, "rm -rf /full/*")
    # Here: said before anything is copied, and met half-way.
    small = host.root / "small"
    small.mkdir()
    host.execute("mount", "-t", "tmpfs", "-o", "size=1m", "small", str(small))
    guest(host, "head -c 3000000 /dev/urandom >/large; mkdir /tree; for i in 1 2 3; do head -c 900000 /dev/urandom >/tree/$i; done")
    for words in (["vm:/large", str(small)], ["-r", "vm:/tree", str(small)]):
        assert "free there" in copy(host, *words, expect=73).stderr
    assert os.listdir(small) == []
    host.execute("umount", str(small))


@pytest.mark.parametrize("way", ["in", "out"])
def test_broken_off(host, way):
    """What ends a copy leaves what is complete, and what was begun for --resume."""
    agents_guest(host)
    here = host.root / "here"
    if way == "in":
        here.write_bytes(os.urandom(12 << 20))
        words, part = (str(here), "vm:/there"), "ls -A / | grep kvmctl-"
    else:
        guest(host, "head -c 16000000 /dev/urandom >/there")
        words, part = ("vm:/there", str(here)), None

    def size():
        if part:
            found = run(host, "sh", "-c", "stat -c %s /.kvmctl-*.part")[1].split()
            return int(found[0]) if found else 0
        found = list(host.root.glob(".kvmctl-*.part"))
        return found[0].stat().st_size if found else 0

    process = begin(host, *words)
    wait_until(lambda: size() > 1 << 20, "first part", timeout=PATIENCE)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130 and b"--resume" in err, err
    wait_until(lambda: not is_running(host, "dd"), "end of the copy in the guest")
    if way == "out":
        assert not here.exists()
    begun = size()
    assert begun > 0
    copy(host, "--resume", *words)
    assert guest(host, "sha256sum /there").split()[0].decode() == digest(here)
    assert size() == 0


def part_of(name):
    """The name of a file in progress."""
    hash = 0xcbf29ce484222325
    for byte in name.encode():
        hash = (hash ^ byte) * 0x100000001b3 % (1 << 64)
    return f".kvmctl-{hash:x}.part"


def test_a_begun_file_of_another_content(host):
    """What --resume finds is compared with its holes: it may be left of a file that had none there."""
    agents_guest(host)
    source = host.root / "holes"
    with open(source, "wb") as file:
        file.write(b"first")
        file.truncate(6 << 20)
        file.seek(5 << 20)
        file.write(b"last")
    guest(host, f"head -c 3000000 /dev/zero | tr '\\0' x >/{part_of('there')}")
    assert "checksums differ" in copy(host, "--resume", str(source), "vm:/there", expect=69).stderr
    assert guest(host, "ls -A / | grep -c -e there -e kvmctl- || true") == b"0\n"
    # One that is longer than the file is none of it.
    guest(host, f"head -c 9000000 /dev/zero | tr '\\0' x >/{part_of('there')}")
    copy(host, "--resume", str(source), "vm:/there")
    assert guest(host, "sha256sum /there").split()[0].decode() == digest(source)
    # The same here.
    (host.root / part_of("back")).write_bytes(b"x" * 3_000_000)
    assert "checksums differ" in copy(host, "--resume", "vm:/there", str(host.root / "back"), expect=69).stderr
    copy(host, "--resume", "vm:/there", str(host.root / "back"))
    assert digest(host.root / "back") == digest(source)


def test_a_file_that_grows(host):
    """As much of it as there was is copied."""
    agents_guest(host)
    guest(host, "head -c 6000000 /dev/urandom >/log")
    process = begin(host, "vm:/log", str(host.root / "log"))
    wait_until(lambda: list(host.root.glob(".kvmctl-*.part")), "first part", timeout=PATIENCE)
    guest(host, "echo more >>/log")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert digest(host.root / "log") == guest(host, "head -c 6000000 /log | sha256sum").split()[0].decode()


def test_one_that_fails_among_others(host):
    """A large file that can't be copied keeps none of the others from it."""
    agents_guest(host)
    guest(host, "mkdir -p /t; for i in 1 2 3; do head -c 3000000 /dev/urandom >/t/$i; done")
    (host.root / "t" / "2").mkdir(parents=True)
    refused = copy(host, "-r", "vm:/t/.", str(host.root / "t"), expect=1)
    assert "t/2: is a directory" in refused.stderr
    assert digest(host.root / "t" / "3") == guest(host, "sha256sum /t/3").split()[0].decode()
    (host.root / "t" / "2").rmdir()
    guest(host, "rm /t/1 /t/3; mkdir /t/1")
    (host.root / "t" / "3").chmod(0o644)
    (host.root / "t" / "2").write_bytes(os.urandom(3_000_000))
    refused = copy(host, "-r", f"{host.root}/t/.", "vm:/t", expect=1)
    assert "/t/1: is a directory in the guest" in refused.stderr
    assert guest(host, "sha256sum /t/3").split()[0].decode() == digest(host.root / "t" / "3")


# The shell that holds a file open tells a process that is none.
BLIND_SHELL = r"""#!/bin/busybox sh
script=$2
shift 2
exec /bin/busybox sh -c "$(printf '%s\n' "$script" | sed 's/open \$\$/open 99999999/')" "$@"
"""


def test_what_the_agent_may_not_open(host):
    """It goes by way of the script's own streams."""
    agents_guest(host)
    source, shell, back = host.root / "file", host.root / "sh", host.root / "back"
    source.write_bytes(os.urandom(3 << 20))
    shell.write_text(BLIND_SHELL)
    shell.chmod(0o755)
    copy(host, str(shell), "vm:/bin/sh.blind")
    guest(host, "mv /bin/sh.blind /bin/sh")
    copy(host, str(source), "vm:/file")
    copy(host, "vm:/file", str(back))
    assert digest(back) == digest(source) == guest(host, "sha256sum /file").split()[0].decode()
    assert guest(host, "ls -A / | grep -c kvmctl- || true") == b"0\n"


def test_guest_that_reboots(host):
    agents_guest(host)
    source = host.root / "file"
    source.write_bytes(os.urandom(8 << 20))
    process = begin(host, str(source), "vm:/file")
    wait_until(lambda: run(host, "sh", "-c", "ls -A / | grep kvmctl-")[0] == 0, "first part", timeout=PATIENCE)
    host.kvmctl("reset", "vm")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 69 and b"rebooted" in err, err


def archive(*members):
    """An archive with these members: (name, content or None, keys of its header)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content, keys in members:
            member = tarfile.TarInfo(name)
            for key, value in keys.items():
                setattr(member, key, value)
            if content is not None:
                member.size = len(content)
            tar.addfile(member, io.BytesIO(content or b""))
    return file.getvalue()


LINK, HARD, PIPE = {"type": tarfile.SYMTYPE}, {"type": tarfile.LNKTYPE}, {"type": tarfile.FIFOTYPE}
EVIL = {
    "a path upwards": [("../outside/file", b"x", {})],
    "an absolute path": [("/outside/file", b"x", {})],
    "what was not asked for": [("./other", b"x", {})],
    "a link and what is behind it": [("./a", None, {**LINK, "linkname": "{outside}"}), ("./a/b", b"x", {})],
    "a link to a secret, as another name of it": [("./a", None, {**HARD, "linkname": "../outside/secret"})],
    "a file over a link": [("./f", None, {**LINK, "linkname": "{outside}/file"}), ("./f", b"x", {})],
    "a device": [("./f", None, PIPE)],
    "the same file twice": [("./f", b"x", {}), ("./f", b"y", {})],
}


# What tells of the archive is of its own making, too.
EVIL_SHELL = r"""#!/bin/busybox sh
case "$3 $4" in
    "kvmctl /t")
        cat >/dev/null
        busybox sh /what | tee /sent
        echo "=end 0" >&2
        sum=$(sha256sum /sent)
        echo "=sum ${sum%% *}" >&2 ;;
    "kvmctl tree")
        script=$2
        shift 2
        exec /bin/busybox sh -c "tar() { echo GNU; }; $script" "$@" ;;
    *) exec /bin/busybox sh "$@" ;;
esac
"""


def test_hostile_guest(host):
    """A guest whose tar sends what it likes: nothing goes outside of the target, and it is an error."""
    agents_guest(host)
    outside = host.root / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    guest(host, "mkdir -p /t/a; echo f >/t/f; echo b >/t/a/b")
    shell = host.root / "sh"
    shell.write_text(EVIL_SHELL)
    shell.chmod(0o755)
    copy(host, str(shell), "vm:/bin/sh.evil")
    guest(host, "echo cat /evil >/what; mv /bin/sh.evil /bin/sh")
    for number, (what, members) in enumerate(EVIL.items()):
        filled = [
            (name, content, {key: value.replace("{outside}", str(outside)) if isinstance(value, str) else value for key, value in keys.items()})
            for name, content, keys in members]
        evil = host.root / "evil"
        evil.write_bytes(archive(*filled))
        copy(host, str(evil), "vm:/evil")
        target = host.root / f"target{number}"
        refused = copy(host, "-r", "vm:/t", str(target), expect=None)
        assert refused.returncode in (1, 65, 69), (what, refused)
        assert refused.stderr.startswith("kvmctl: ") and "secret" not in "".join(
            path.read_text() for path in target.rglob("*") if path.is_file() and not path.is_symlink()), what
        assert sorted(os.listdir(outside)) == ["secret"], what
        assert not list(target.rglob(".kvmctl*")), what
    # One of GNU tar, with the map of a file with more holes than its header has room for.
    holes = host.root / "holes"
    with open(holes, "wb") as file:
        for number in range(60):
            file.seek(number << 20)
            file.write(b"%d" % number)
        file.truncate(64 << 20)
    host.execute("tar", "-C", str(host.root), "--format=gnu", "--sparse", "-cf", str(host.root / "evil"), "./holes")
    copy(host, str(host.root / "evil"), "vm:/evil")
    guest(host, "rm -r /t; mkdir /t; truncate -s 64M /t/holes")
    copy(host, "-r", "vm:/t", str(host.root / "gnu"))
    assert (host.root / "gnu" / "holes").read_bytes() == holes.read_bytes()
    assert (host.root / "gnu" / "holes").stat().st_blocks * 512 < 8 << 20
    # No archive at all, and one that goes on.
    for script in "echo nonsense; head -c 600 /dev/urandom", "cat /evil; head -c 30000000 /dev/zero | tr '\\0' x", "kill -9 $$", ":":
        guest(host, "echo \"$1\" >/what", script)
        refused = copy(host, "-r", "vm:/t", str(host.root / "t"), expect=None)
        assert refused.returncode in (1, 65, 69), (script, refused)


def test_files_that_change(host):
    """A guest that swaps a file for a link meanwhile, and one whose file grows."""
    agents_guest(host)
    secret = host.root / "secret"
    secret.write_text("secret")
    guest(host, "mkdir /t; cd /t; for i in $(seq 200); do echo $i >$i; done; "
                f"(while [ -d /t ]; do for i in $(seq 200); do ln -s {secret} n; mv -f n $i; echo $i >n; mv -f n $i; done; done) >/dev/null 2>&1 &")
    for number in range(3):
        target = host.root / f"target{number}"
        copy(host, "-r", "vm:/t", str(target), expect=None)
        for path in target.iterdir():
            assert path.is_symlink() or path.name == "n" or path.read_text().strip() in ("", path.name)
    assert secret.read_text() == "secret"
    guest(host, "rm -rf /t; (while :; do echo more >>/grows; done) >/dev/null 2>&1 &")
    code = copy(host, "vm:/grows", str(host.root / "grown"), expect=None).returncode
    # What it was when it was looked at, or nothing.
    assert code == 0 and set((host.root / "grown").read_text().split()) <= {"more"}


def test_progress_on_a_terminal(host):
    agents_guest(host)
    guest(host, "head -c 12000000 /dev/urandom >/large")
    terminal = spawn(host, "cp", "vm:/large", str(host.root / "here"))
    terminal.expect(r"of 11\.44 MiB, .*/s, \d+s left  /large")
    wait_for_exit(terminal, expect=0)
    assert digest(host.root / "here") == guest(host, "sha256sum /large").split()[0].decode()


def test_root_writes_nowhere_that_another_may_lead_to(host):
    agents_guest(host)
    host.root.chmod(0o755)
    home, roots = host.root / "home", host.root / "roots"
    home.mkdir()
    roots.mkdir()
    (home / "link").symlink_to(roots)
    for path in home, home / "link":
        os.chown(path, 65534, 65534, follow_symlinks=False)
    for target in home / "link", home / "link/new", home, home / "new":
        assert "root uses only what nobody else can change" in copy(host, "vm:/bin/busybox", target, expect=77).stderr
    assert list(roots.iterdir()) == []
    # A directory where everybody may make files, and only their owners may replace them.
    home.chmod(0o1777)
    os.chown(home, 0, 0)
    copy(host, "vm:/bin/busybox", home / "new")


def test_a_current_directory_that_was_removed(host):
    """A relative path leads nowhere then, and not to /."""
    agents_guest(host)
    words = [str(word) for word in host.command(host.binary, "cp", "vm:/bin/busybox", "kvmctl-test-lost")]
    gone = host.root / "gone"
    for more in [], ["create", "./kvmctl-test-lost", "--net", "none"]:
        gone.mkdir()
        command = words if not more else [str(word) for word in host.command(host.binary, *more)]
        said = subprocess.run(
            ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", *command], cwd=gone, env=host.environment, capture_output=True,
            text=True, timeout=PATIENCE)
        assert said.returncode != 0 and "kvmctl-test-lost" in said.stderr or "/proc/self/cwd" in said.stderr, said
        assert not os.path.lexists("/kvmctl-test-lost")


def test_what_is_no_file_is_not_replaced(host):
    """A device, a FIFO, or a link that the caller named, such as /dev/stdout; also before a run, and within a directory."""
    agents_guest(host)
    out = host.root / "out"
    (out / "bin").mkdir(parents=True)
    (out / "file").write_text("kept")
    (out / "link").symlink_to("file")
    (out / "nowhere").symlink_to("nothing")
    for fifo in out / "fifo", out / "bin/busybox":
        os.mkfifo(fifo)
    os.mknod(out / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    before = {path: (path.lstat().st_mode, path.lstat().st_ino) for path in out.rglob("*") if path != out / "bin"}
    for name, words in {
        "link": "is a symbolic link", "nowhere": "is a symbolic link", "fifo": "is not a regular file",
        "null": "is not a regular file", "bin": "is not a regular file",
    }.items():
        assert words in copy(host, "vm:/bin/busybox", out / name, expect=73).stderr, name
    # Of a directory, the others are copied.
    assert "busybox: is not a regular file" in copy(host, "-r", "vm:/bin", out, expect=1).stderr
    # In the guest, too.
    run(host, "sh", "-c", "mkfifo /fifo; ln -s /dev/null /link")
    for path in "/fifo", "/dev/null", "/link":
        assert "is not a regular file in the guest" in copy(host, out / "file", f"vm:{path}", expect=73).stderr
    assert run(host, "sh", "-c", "[ -p /fifo ] && [ -c /dev/null ] && [ -h /link ]")[0] == 0
    words = ["run", "vm", "--copy-out", f"/bin/busybox:{out}/link", "--dry-run"]
    host.kvmctl("stop", "--now", "vm")
    assert "is a symbolic link" in host.kvmctl(*words, expect=73).stderr
    assert before == {path: (path.lstat().st_mode, path.lstat().st_ino) for path in before}
    assert (out / "file").read_text() == "kept"

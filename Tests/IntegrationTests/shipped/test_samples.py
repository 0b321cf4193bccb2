"""Every sample session in the documents, run as it stands: the commands print what the page says they print.

A sample is a fenced block with the language `console`. `$ ` precedes a command of the user ann, `# ` one of root; below it
stands what a terminal shows. The blocks of a page run in order, on one fresh host with its own users, files and network.

    …                           on a line of its own in the output: any number of lines
    <!-- setup: SHELL -->       before a block: root runs this first, in /home/ann; $GUESTS holds the rig's guests
    <!-- not run: REASON -->    before a block that can't run here

What differs from run to run (VARIES) is compared as equal, and what depends on the machine (MACHINE) is left out.
UPDATE_SAMPLES=1 writes the lines that differ into the pages instead of failing; then read what changed.
"""

import difflib
import os
import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

import pexpect
import pytest

from rig.tree import TREE

PAGES = sorted([TREE / "README.md", TREE / "CONTRIBUTING.md", *(TREE / "docs").glob("*.md")])
ANN = 1000

VARIES = [(re.compile(pattern), shown) for pattern, shown in [
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
    (r"\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b", "MAC"),
    (r"\bpid( +)\d+", "pid PID"),
    (r"^password +\S{8}$", "password PASSWORD"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "WHEN"),
    (r"\bQEMU uses [\d.]+[KMG]\b", "QEMU uses SIZE"),
    (r"\buid \d+", "uid UID"),
    (r"\b\d+(\.\d+)?( ms\b|s\b)", "TIME"),
    (r"(?<![\d.])\d+\.\d+\.\d+(-\S+)?(?![\d.])", "VERSION"),
    (r"\bpc-q35-\d+\.\d+\b", "MACHINE"),
    (r"\b\d+ machine types\b", "MACHINE TYPES"),
    (r"\b(kvm|tcg)$", "ACCELERATOR"),
    (r"\b(no|\d+) (problem|warning)s?\b", r"N \2s"),
    # How wide a column is depends on what is in it.
    (r"(?<=\S) {2,}", " "),
]]
MACHINE = re.compile(r"under TCG, slowly|is of kind veth|^(ok|warning) +(KVM|vhost-net|memory|/\S+): ")


@dataclass
class Command:
    line: int
    user: str
    text: str
    output: list[str] = field(default_factory=list)


@dataclass
class Block:
    line: int
    setup: str = ""
    not_run: str = ""
    commands: list[Command] = field(default_factory=list)


def blocks(page):
    """The blocks of a page, with the comments right before each. Lines are numbered from 0."""
    lines = page.read_text().splitlines()
    found, notes, number = [], {}, 0
    while number < len(lines):
        line = lines[number]
        if comment := re.match(r"<!-- (setup|not run): ", line):
            first = number
            while not lines[number].endswith("-->"):
                number += 1
            notes[comment[1]] = "\n".join(lines[first:number + 1])[comment.end():-len("-->")].strip()
        elif line == "```console":
            block = Block(number, notes.get("setup", ""), notes.get("not run", ""))
            number += 1
            while lines[number] != "```":
                number = read(lines, number, block)
            found.append(block)
            notes = {}
        elif line:
            notes = {}
        number += 1
    return found


def read(lines, number, block):
    """Adds a line to the block, or a command with the lines that it goes on in; returns the number of the next."""
    prompt, line = lines[number][:2], lines[number]
    if prompt not in ("$ ", "# "):
        block.commands[-1].output.append(line)
        return number + 1
    first = number
    while line.endswith("\\"):
        number += 1
        line = f"{line}\n{lines[number]}"
    block.commands.append(Command(first, "ann" if prompt == "$ " else "root", line[2:]))
    return number + 1


def everywhere(lines):
    """The lines but for those, and what is indented below them, that depend on the machine."""
    found, left_out = [], None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if left_out is None or indent <= left_out:
            left_out = indent if MACHINE.search(line) else None
        if left_out is None:
            found.append(line)
    return found


def comparable(lines):
    """The lines without what varies."""
    found = []
    for line in everywhere(lines):
        for pattern, shown in VARIES:
            line = pattern.sub(shown, line)
        found.append(line.rstrip())
    return found


def matches(expected, shown):
    """Whether the output is what the page says, where `…` stands for any lines."""
    expected, shown = comparable(expected), comparable(shown)
    pattern = "".join(r"(?:.*\n)*" if line == "…" else re.escape(line) + r"\n" for line in expected)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in shown)) is not None


# A root directory of its own: the machine's programs, and nothing of its users, VMs, logs or settings.
ROOT = textwrap.dedent("""\
    set -eu
    root=$1 kvmctl=$2 guests=$3
    hostname host
    mount -t tmpfs -o mode=755 none "$root"
    for directory in /*; do
        case $directory in
            /bin | /dev | /lib* | /proc | /sbin | /usr | /var)
                if [ -L "$directory" ]; then
                    cp -a "$directory" "$root"
                else
                    mkdir "$root$directory" && mount --rbind "$directory" "$root$directory"
                fi ;;
        esac
    done
    mkdir -p "$root"/{old,sys,vms,guests,home,run/user,root,tmp}
    chmod 1777 "$root/tmp"
    mount -t sysfs sysfs "$root/sys"
    mount --bind "$guests" "$root/guests"
    for directory in /usr/local /var/log /var/cache; do mount -t tmpfs -o mode=755 none "$root$directory"; done
    mkdir "$root/usr/local/bin"
    cp "$kvmctl" "$root/usr/local/bin/kvmctl"
    ln -s kvmctl "$root/usr/local/bin/start_a_kvm.sh"
    cp -a /etc "$root/etc"
    echo host >"$root/etc/hostname"
    rm -rf "$root"/etc/{network,systemd/network,NetworkManager}
    sed -i '/^ann:/d; /^kvmctl:/d; /:1000:/d' "$root/etc/passwd" "$root/etc/group"
    echo 'ann:x:1000:1000::/home/ann:/bin/bash' >>"$root/etc/passwd"
    echo 'ann:x:1000:' >>"$root/etc/group"
    install -d -o 1000 -g 1000 -m 755 "$root/home/ann"
    install -d -o 1000 -g 1000 -m 700 "$root/run/user/1000"
    cd "$root"
    pivot_root . old
    umount -l /old
    ip link set lo up
    echo ready
    # As the init of its PID namespace, this shell reaps orphans.
    while :; do sleep 1000 & wait $!; done
    """)


class Sandbox:
    """A host with the users root and ann, its own root directory, name and processes. Commands run on a terminal."""

    def __init__(self, host):
        self.host = host
        (host.root / "sandbox").mkdir()
        self.keeper = host.popen(
            "unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", ROOT, "bash",
            host.root / "sandbox", host.binary, host.guests)
        if self.keeper.stdout.readline() != "ready\n":
            raise AssertionError(f"no sandbox: {self.keeper.communicate()[1]}")
        init = Path(f"/proc/{self.keeper.pid}/task/{self.keeper.pid}/children").read_text().strip()
        host.more_namespaces += [f"--{name}=/proc/{init}/ns/{kind}"
                                 for name, kind in (("mount", "mnt"), ("uts", "uts"), ("pid", "pid"))]

    def run(self, user, script):
        """What a terminal shows of these lines of bash, and the exit code."""
        uid, home = (ANN, "/home/ann") if user == "ann" else (0, "/root")
        environment = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TERM": "dumb",
                       "HOME": home, "GUESTS": "/guests"}
        if uid:
            environment["XDG_RUNTIME_DIR"] = f"/run/user/{uid}"
        program, *rest = self.host.command("bash", "-c", f"cd ~ && {script}", uid=uid)
        terminal = pexpect.spawn(program, rest, env=environment, encoding="utf-8", timeout=90, dimensions=(50, 200))
        shown = terminal.read().replace("\r\n", "\n")
        terminal.close()
        return shown.splitlines(), terminal.exitstatus

    def set_up(self, script):
        shown, code = self.run("root", f"cd /home/ann && set -e\n{script}")
        assert code == 0, f"setup failed:\n{script}\n" + "\n".join(shown)

    def close(self):
        self.host.more_namespaces.clear()
        self.keeper.kill()
        self.keeper.wait()


@pytest.fixture
def sandbox(host):
    sandbox = Sandbox(host)
    yield sandbox
    sandbox.close()


def updated(expected, shown):
    """What the page has to say; lines that differ only in what varies stay as they are."""
    expected, shown = everywhere(expected), everywhere(shown)
    same = difflib.SequenceMatcher(None, comparable(expected), comparable(shown), autojunk=False)
    lines = []
    for kind, first, last, begin, end in same.get_opcodes():
        lines += expected[first:last] if kind == "equal" else shown[begin:end]
    return lines


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_a_page_shows_what_commands_print(sandbox, page):
    text, faults = page.read_text().splitlines(), []
    for block in blocks(page):
        if block.not_run:
            continue
        if block.setup:
            sandbox.set_up(block.setup)
        for command in block.commands:
            shown, _ = sandbox.run(command.user, command.text)
            if not matches(command.output, shown):
                faults.append((command, shown))
    for command, shown in reversed(faults):
        first = command.line + 1 + command.text.count("\n")
        text[first:first + len(command.output)] = updated(command.output, shown)
    if os.environ.get("UPDATE_SAMPLES"):
        page.write_text("\n".join(text) + "\n")
    else:
        assert not faults, "\n".join(
            f"{page.name}:{command.line + 1}: {command.text}\n" + "\n".join(
                difflib.unified_diff(comparable(command.output), comparable(shown), "page", "command", lineterm=""))
            for command, shown in faults)


def test_few_samples_are_not_run_and_each_says_why():
    left_out = [(page.name, block.not_run) for page in PAGES for block in blocks(page) if block.not_run]
    print(*(f"{page}: {reason}" for page, reason in left_out), sep="\n")
    assert len(left_out) <= 3


def test_no_session_hides_in_another_kind_of_block():
    for page in PAGES:
        for language, text in re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
            is_session = re.search(r"^(\$|# kvmctl) ", text, re.MULTILINE)
            assert language == "console" or not is_session, f"{page.name}: {text}"

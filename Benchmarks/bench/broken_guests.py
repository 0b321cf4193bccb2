"""What libvirt and kvmctl say of one broken guest of the tests' catalogue."""

import json
import os
import pty
import re
import select
import shlex
import subprocess
import time
from collections import Counter

from bench.libvirt import URI
from bench.world import ENVIRONMENT, SetUpFailed, run
from rig.broken.scene import press_power_button, wait_shown
from rig.waiting import wait_until

# When libvirt is asked, in seconds from the start: at the latest if the console has not shown by then what is wrong.
# `virt-install --wait` counts whole minutes.
LOOK, LATEST, MINUTES = 40, 120, 1
# How long a command of libvirt's may take.
PATIENCE = 30
# What virsh says of itself, and what it says where there is no polkit.
OWN_WORDS = ("Connected to domain", "Escape character", "Authorization not available")
QUESTIONS = {
    "state": ("domstate", "{}", "--reason"), "lease": ("domifaddr", "{}"), "arp": ("domifaddr", "{}", "--source", "arp"),
    "agent": ("domifaddr", "{}", "--source", "agent"), "time": ("domtime", "{}"), "disks": ("domblkerror", "{}"),
}

ANSWERS = ("lease", "arp", "agent", "time", "disks", "shutdown", "start")


class Domain:
    """A guest of the catalogue as a domain that virt-install makes and starts."""

    def __init__(self, host, libvirt, guest, directory):
        """`directory` is made, and gets copies of the guest's files: kvmctl runs it too."""
        self._host, self._libvirt, self._guest = host, libvirt, guest
        source = host.vms / guest.name
        run("cp", "-a", "--sparse=always", source, directory)
        text = (directory / "vm.params").read_text().replace(str(source), str(directory))
        self._directory = directory
        self._keys = {key: " ".join(shlex.split(value)) if not key.startswith("QEMUARG") else shlex.split(value)[0]
                      for key, value in (line.split("=", 1) for line in text.splitlines())}

    def run(self):
        """Starts it, and says what libvirt says of it LOOK seconds later."""
        began = time.monotonic()
        self._install = subprocess.Popen(
            self._words(), env={**ENVIRONMENT, "HOME": str(self._directory)}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            wait_until(self._is_started, "domain that runs", timeout=PATIENCE)
        except AssertionError as error:
            self._install.kill()
            raise SetUpFailed(self._install.communicate()[0]) from error
        with _Terminal("virsh", "-c", URI, "console", self._guest.name, "--force") as console:
            console.read(until=began + LOOK / 2)
            said = {}
            if self._guest.is_pressed:
                said["shutdown"] = self._ask("shutdown", "{}")
            console.read(until=began + LOOK)
            if self._guest.where == "console":
                console.read(until=began + LATEST, text=self._guest.shows)
            said["console"] = console.last_lines()
            said |= {name: self._ask(*words) for name, words in QUESTIONS.items()}
        return said

    def finish(self, said):
        """Waits for the end of virt-install, and starts it once more with virsh."""
        output, _ = self._install.communicate(timeout=60 * MINUTES + PATIENCE)
        said["virt-install"] = {"exit": self._install.returncode, "says": _lines(output)}
        self._ask("destroy", "{}")
        said["start"] = self._ask("start", "{}")
        self._ask("destroy", "{}")

    def _is_started(self):
        if self._install.poll() is not None:
            raise SetUpFailed(self._install.communicate()[0])
        return self._ask("domstate", "{}") == "running"

    def _ask(self, *words):
        command = ["virsh", "-c", URI, *(word.format(self._guest.name) for word in words)]
        try:
            asked = subprocess.run(
                command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return f"(no answer in {PATIENCE} s)"
        return "\n".join(_lines(asked.stdout + asked.stderr))

    def _words(self):
        keys = self._keys
        words = ["virt-install", "--connect", URI, "--name", self._guest.name, "--virt-type", "qemu", "--osinfo",
                 "linux2022", "--memory", keys["MEMORY"], "--import", "--check", "all=off", "--graphics", "vnc",
                 "--noautoconsole", "--wait", str(MINUTES), "--disk", self._disk(), "--network", self._network()]
        extra = [keys[f"QEMUARG{number}"] for number in range(9) if f"QEMUARG{number}" in keys]
        if "-bios" in extra:
            words += ["--boot", f"loader={extra[1]},loader.readonly=yes,loader.type=rom"]
        elif extra:
            # virt-install 4.1 escapes quotation marks twice, so that JSON does not get through.
            plain = [_dotted(json.loads(word)) if word.startswith("{") else word for word in extra]
            # libvirt has given the first slots away, and does not know of this device.
            plain = [f"{word},addr=0x1e" if word.startswith("virtio-blk-pci,") else word for word in plain]
            words.append(f"--qemu-commandline={shlex.join(plain)}")
        if "KERNEL" in keys:
            files = "".join(f",{ours}={self._path(keys[key])}" for key, ours in (("KERNEL", "kernel"), ("INITRD", "initrd"))
                            if key in keys)
            words += ["--boot", f"{files[1:]},kernel_args={keys['APPEND']}"]
        return words

    def _disk(self):
        if "DISK0" not in self._keys:
            return "none"
        path = self._path(self._keys["DISK0"])
        if not path.exists():
            run("truncate", "-s", self._keys["DISK0_SIZE"], path)
        return f"path={path},format=raw"

    def _network(self):
        kind, _, bridge = self._keys["NET0"].partition(":") if "NET0" in self._keys else ("none", "", "")
        return f"bridge={bridge},model={self._keys.get('NET0_MODEL', 'virtio')}" if kind == "bridge" else "none"

    def _path(self, name):
        return self._directory / name


class _Terminal:
    """A program on a terminal, and what it writes there."""

    def __init__(self, *words):
        self._pid, self._descriptor = pty.fork()
        if self._pid == 0:
            os.execvpe(words[0], words, {**ENVIRONMENT, "TERM": "vt100"})
        self._written = b""

    def read(self, until, text=None):
        """Until then, or until it has written this text."""
        while (rest := until - time.monotonic()) > 0 and not (text and text.encode() in self._written):
            if not select.select([self._descriptor], [], [], rest)[0]:
                continue
            try:
                self._written += os.read(self._descriptor, 65536)
            except OSError:  # it has ended
                if text:
                    break
                time.sleep(rest)

    def last_lines(self, count=3):
        """The last lines that are not empty, without control sequences."""
        text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()c][B0]?", b"", self._written).decode(errors="replace")
        return [line for line in _lines(text) if not line.startswith(OWN_WORDS)][-count:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self._pid, 9)
        os.waitpid(self._pid, 0)
        os.close(self._descriptor)


def kvmctl(host, guest):
    """What `kvmctl wait` says, asked at once if it may end early, else when the guest is as bad as it gets."""
    host.kvmctl("start", guest.name)
    if not guest.is_dead_end:
        wait_shown(host, guest, 90)
    if guest.is_pressed:
        press_power_button(host, guest)
    began = time.monotonic()
    asked = host.kvmctl(
        "wait", guest.name, "--for", guest.condition, "--timeout", "80s" if guest.is_dead_end else "12s", "--json",
        expect=None)
    [said] = json.loads(asked.stdout)
    doctor = json.loads(host.kvmctl("doctor", guest.name, "--json", expect=None).stdout)
    host.kvmctl("stop", "--now", guest.name)
    return {
        "exit": asked.returncode, "seconds": round(time.monotonic() - began), "says": _lines(asked.stderr),
        **{key: said[key] for key in ("stage", "symptom", "cause", "remedy")},
        "doctor": [one["text"] for one in doctor if one["subject"] == guest.name and one.get("symptom")],
    }


def _dotted(value, name=""):
    """JSON in QEMU's other syntax: driver=…,image.driver=…,inject-error.0.event=…"""
    match value:
        case dict(): members = value.items()
        case list(): members = enumerate(value)
        case bool(): return f"{name}={'on' if value else 'off'}"
        case _: return f"{name}={value}"
    return ",".join(_dotted(one, f"{name}.{key}" if name else str(key)) for key, one in members)


def table(results):
    """What each said, as a table of Markdown, and how often each answer of libvirt's was given."""
    lines = ["| guest | `virsh domstate --reason`; others | last line on `virsh console` | `kvmctl wait` |", "|---|---|---|---|"]
    for name, said in results.items():
        if "failed" in said:
            lines.append(f"| {name} | could not be run | | |")
            continue
        libvirt, ours = said["libvirt"], said["kvmctl"]
        cause = ours["cause"] or "; ".join(["up", *(f"`doctor`: {text}" for text in ours["doctor"])])
        last = libvirt["console"][-1:] or [""]
        lines.append(f"| {name} | {'; '.join([libvirt['state'], *_more(libvirt)])} | {_quoted(last[0])} | {ours['exit']}: {cause} |")
    counts = Counter()
    for name, said in results.items():
        libvirt = said.get("libvirt", {})
        counts.update(f"{what}: {' / '.join(_lines(libvirt[what])).replace(name, 'NAME')}" for what in ANSWERS if what in libvirt)
        if "virt-install" in libvirt:
            counts[f"virt-install: exit {libvirt['virt-install']['exit']}: {libvirt['virt-install']['says'][-1]}"] += 1
    return "\n".join(lines + [""] + [f"{count} × {what}" for what, count in counts.most_common()])


def _more(libvirt):
    """What libvirt says of few guests."""
    if "shutdown" in libvirt:
        yield f"`shutdown`: {libvirt['shutdown']}"
    if libvirt["time"].startswith("Time:"):
        yield f"`domtime`: {libvirt['time']}"
    if "not available" in libvirt["agent"]:
        yield f"`domtime`: {_lines(libvirt['time'])[-1]}"
    if libvirt["disks"] not in ("No errors found", libvirt["time"]):
        yield f"`domblkerror`: {libvirt['disks']}"


def _quoted(line):
    line = re.sub(r"^\[ *[\d.]+\] ", "", line)
    return f"`{line if len(line) <= 60 else line[:59] + '…'}`" if line else "nothing"


def _lines(text):
    return [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]

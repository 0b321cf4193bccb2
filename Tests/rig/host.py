"""A private host for a test: a network namespace, and directories for VMs and run-time files."""

import fcntl
import json
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from rig.namespaces import NetworkNamespace
from rig.process import Process, ending, in_namespace
from rig.vm import Reports, params, tiny
from rig.waiting import wait_until

NOBODY = 65534
# no_timer_check: the kernel counts the timer's ticks while it spins, and panics where an emulated CPU on a busy machine
# was not given the time to see enough of them.
KERNEL_WORDS = "console=ttyS0 no_timer_check"


def _put(file, path):
    """Makes the file available at another path: a link where that can be, as a copy takes longer than many a test."""
    try:
        os.link(file, path)
    except OSError:
        shutil.copy(file, path)
    return path


class Host(NetworkNamespace, Reports):
    """Runs kvmctl as root, or as `uid`, where nothing of the machine's own network or VMs can be met."""

    def __init__(self, binary, guests, uid=0):
        # A short path: the sockets below it have to fit into 108 bytes.
        self.root = Path(tempfile.mkdtemp(prefix="kv", dir="/tmp"))
        super().__init__(f"kvmctl-{self.root.name}")
        self.guests = guests
        self.uid = uid
        # Options of nsenter(1) for other namespaces that a test has made.
        self.more_namespaces = []
        self.vms = self._directory("vms")
        self.run = self._directory("run")
        # An unprivileged user may not be able to reach the build directory.
        self.binary = _put(binary, self._directory("bin") / "kvmctl")
        self.old_command = self.binary.with_name("start_a_kvm.sh")
        self.old_command.symlink_to("kvmctl")
        # Programs that kvmctl starts run as other users, and have to reach their files below.
        os.chmod(self.root, 0o755 if uid else 0o711)
        self.environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "KVMCTL_VMS": str(self.vms),
            "KVMCTL_RUN": str(self.run),
            "KVMCTL_IMAGES": str(self.root / "images"),
            # Without XDG_CONFIG_HOME: the settings of whoever runs the tests have no effect.
            "HOME": str(self.root),
        }
        self.open()
        self.ip("link", "set", "lo", "up")

    def _directory(self, name):
        path = self.root / name
        path.mkdir()
        os.chown(path, self.uid, self.uid)
        return path

    def close(self):
        super().close()
        shutil.rmtree(self.root)

    def use_own_mounts(self):
        """From now on all that runs here sees mounts of its own, which nothing else sees."""
        keeper = self.popen("unshare", "--mount", "--propagation", "private", "sleep", "infinity")
        wait_until(lambda: (Process(keeper.pid).executable or "").endswith("/sleep"), "mount namespace")
        self.more_namespaces.append(f"--mount=/proc/{keeper.pid}/ns/mnt")

    # Running things

    def command(self, *arguments, uid=None):
        """The same as `uid`, and in the other namespaces."""
        uid = self.uid if uid is None else uid
        others = ["nsenter", *self.more_namespaces, "--"] if self.more_namespaces else []
        user = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--"] if uid else []
        return super().command(*others, *user, *arguments)

    def popen(self, *arguments, uid=None, **options):
        return subprocess.Popen(
            self.command(*arguments, uid=uid), env=self.environment, cwd=self.root, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    # Longer than any --wait of a test: what kvmctl itself then says is worth reading.
    PATIENCE = 90

    def execute(self, *arguments, timeout=PATIENCE, uid=None):
        return subprocess.run(
            self.command(*arguments, uid=uid), env=self.environment, cwd=self.root, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)

    def kvmctl(self, *arguments, expect=0, timeout=PATIENCE, uid=None):
        """Runs kvmctl, which must exit with the code `expect`; None: with any code."""
        result = self.execute(self.binary, *arguments, timeout=timeout, uid=uid)
        assert expect is None or result.returncode == expect, (
            f"kvmctl {' '.join(map(str, arguments))} exited {result.returncode}, not {expect}\n"
            f"stdout: {result.stdout}\nstderr: {result.stderr}")
        return result

    # VMs

    def write_vm(self, name, *lines, directory=None, **keys):
        """Writes a vm.params of the given lines and keys; returns its path."""
        directory = directory or self.vms / name
        directory.mkdir(exist_ok=True)
        os.chown(directory, self.uid, self.uid)
        path = directory / "vm.params"
        path.write_text(params(keys, lines))
        return path

    def write_tiny_vm(self, name, words="", **keys):
        """A VM that boots the tiny guest with these words for its init."""
        return self.write_vm(name, **{**tiny(self.guests, f"{KERNEL_WORDS} {words}"), **keys})

    def write_firmware_vm(self, name, **keys):
        """A VM that gets no further than its firmware: quick to start, and small."""
        return self.write_vm(name, **{"MEMORY": 32, "NET0": "none", "VNCDISP": "none", **keys})

    def state(self, name):
        states = [vm["state"] for vm in self.json("list") if vm["name"] == name]
        assert len(states) == 1, f"{name} is listed {len(states)} times"
        return states[0]

    def console_log(self, name):
        path = self.run / "log" / name / "console.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_console(self, name, text, timeout=90):
        """Waits for `text` on the guest's serial console."""
        wait_until(
            lambda: text in self.console_log(name),
            lambda: f"{text!r} on the console of {name}, which ends:\n{self.console_log(name)[-2000:]}", timeout)

    # What exists, as the kernel reports it

    def qemus(self):
        found = in_namespace(self.namespace)
        return [process for process in found if "/qemu-system-" in (process.executable or "")]

    def wait_for_the_end_of_qemus(self):
        """Waits until none runs here, and none holds a VM's lock any more."""
        wait_until(lambda: self.qemus() == [] and ending("qemu-system-x86") == [], "end of QEMU")

    def qemu(self):
        """The one QEMU that runs here."""
        found = self.qemus()
        assert len(found) == 1, f"{len(found)} QEMUs run: {found}"
        return found[0]

    def kvmctls(self):
        """Processes that still run kvmctl's own code."""
        return [process for process in in_namespace(self.namespace) if process.executable == str(self.binary)]

    def lock_is_held(self, name):
        try:
            descriptor = os.open(self.run / "vms" / name / "lock", os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            question = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, question)
            return struct.unpack("hhqqi4x", answer)[0] != fcntl.F_UNLCK
        finally:
            os.close(descriptor)

    def lock_of_command_is_held(self, name):
        """Whether a command changes the VM."""
        locks = self.run / "vms" / name / "locks"
        return locks.exists() and any(
            f":{locks.stat().st_ino} " in line for line in Path("/proc/locks").read_text().splitlines())

    def links(self):
        """{name: what `ip -details -json link` reports}."""
        shown = subprocess.run(
            ["ip", "-n", self.namespace, "-details", "-json", "link", "show"], check=True, capture_output=True)
        return {link["ifname"]: link for link in json.loads(shown.stdout)}

    def network(self):
        """The kernel's whole network configuration, and the processes other than QEMU that run there."""
        def told(*arguments):
            return self.execute(*arguments).stdout

        return {
            "links": sorted(self.links()), "addresses": told("ip", "-brief", "address"),
            "routes": told("ip", "route", "show", "table", "all"), "rules": told("ip", "rule"),
            "nftables": told("nft", "list", "ruleset"), "forwarding": told("cat", "/proc/sys/net/ipv4/ip_forward"),
            "dnsmasq": [process for process in in_namespace(self.namespace) if "dnsmasq" in (process.executable or "")],
        }

    def taps(self):
        return {name: link for name, link in self.links().items() if link.get("linkinfo", {}).get("info_kind") == "tun"}

    def assert_nothing_left(self):
        assert self.qemus() == []
        assert self.kvmctls() == []
        assert self.taps() == {}

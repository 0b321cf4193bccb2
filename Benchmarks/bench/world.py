"""An isolated world for the benchmarks: fresh namespaces (network, mounts, processes) and temporary directories."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measuring import milliseconds_of
from rig.namespaces import apart
from rig.tree import TREE
from rig.vm import params

BENCHMARKS = TREE / "Benchmarks"

_MARK = "KVMCTL_BENCH_WORLD"

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}


def enter():
    """Runs this program again in new namespaces (network, mounts, processes), and ends with its exit code.

    Inside, returns the directory, which exists for that long. When the program ends, however it ends, the kernel ends
    every process that it left behind.
    """
    if _MARK in os.environ:
        return Path(os.environ[_MARK])
    # If it is ended from outside, the directory and the inner program have to go too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # On a disk, not in /tmp, which may be in memory: direct I/O is needed.
    with tempfile.TemporaryDirectory(prefix="kvb", dir="/var/tmp") as directory:
        inner = [*apart("--net"), sys.executable, *sys.argv]
        sys.exit(subprocess.run(inner, env={**os.environ, _MARK: directory}, check=False).returncode)


class World:
    """The inside: a bridge br0 with an address, and the binary under test."""

    def __init__(self, directory, binary):
        self.directory = directory
        self.binary = directory / "kvmctl"
        # As it is installed: stripped.
        run("strip", "-o", self.binary, binary)
        self.tap_bench = binary.with_name("TapBench")
        run("ip", "link", "set", "lo", "up")
        self.kvmctl(Home(directory / "host"), "net", "up", "br0")
        run("ip", "address", "add", "10.9.0.1/24", "dev", "br0")
        directory.chmod(0o755)

    def home(self, name, *more_roots):
        """A separate set of VMs, in a separate directory."""
        return Home(self.directory / name, *more_roots)

    def kvmctl(self, home, *arguments):
        """Runs kvmctl, which must succeed, and returns its standard output."""
        return run(self.binary, *arguments, environment=home.environment)

    def seconds_of(self, home, *arguments):
        """How long kvmctl takes, which must succeed."""
        return milliseconds_of([self.binary, *arguments], home.environment) / 1000

    def kvmctl_json(self, home, *arguments):
        return json.loads(self.kvmctl(home, *arguments, "--json"))


class Home:
    """Where kvmctl finds VMs, and where it keeps their run-time files."""

    def __init__(self, directory, *more_roots):
        self.vms = directory / "vms"
        self.vms.mkdir(parents=True, exist_ok=True)
        self.run = Path("/run") / directory.name
        roots = ":".join(str(root) for root in (self.vms, *more_roots))
        self.environment = {**ENVIRONMENT, "KVMCTL_VMS": roots, "KVMCTL_RUN": str(self.run)}

    def with_roots(self, *roots):
        """The environment in which kvmctl also sees the VMs under these roots."""
        return {**self.environment, "KVMCTL_VMS": ":".join(str(root) for root in (self.vms, *roots))}

    def write_vm(self, name, root=None, **keys):
        """Writes the vm.params of a VM; returns its path."""
        directory = (root or self.vms) / name
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "vm.params"
        path.write_text(params(keys))
        return path

    def monitor(self, name):
        """The path of a running VM's QMP socket."""
        return self.run / "vms" / name / "qmp.sock"

    def console_log(self, name):
        return self.run / "log" / name / "console.log"


class SetUpFailed(Exception):
    """A step that is needed, but not measured, failed."""


def run(*arguments, environment=None, **options):
    """Runs a command that must succeed, and returns its standard output."""
    words = [str(argument) for argument in arguments]
    result = subprocess.run(
        words, env=environment or ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        **options)
    if result.returncode:
        raise SetUpFailed(f"{' '.join(words)}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout

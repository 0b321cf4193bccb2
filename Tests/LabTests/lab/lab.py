"""A lab: hosts of one image on one wire, with their disks."""

import os
import shutil
import subprocess
from pathlib import Path

from lab.host import LabHost
from lab.wire import ADDRESS, BRIDGE, Wire
from rig.tree import TREE
from rig.vm import Reports, params

RELEASE = TREE / ".build/release/kvmctl"


class Lab(Reports):
    """The lab of this name; what is found of it is gone on with."""

    def __init__(self, name, suite="bookworm", binary=RELEASE):
        self.suite = suite
        self.binary = binary
        self.directory = Path("/var/tmp/kvmctl-lab", name)
        self.wire = Wire(f"kvmctl-lab-{name}")
        self.image = _output(TREE / "Tests/LabTests/image/build", suite)

    # Opening and closing it

    def open(self):
        """Creates the wire and the payload; hosts are created one by one."""
        (self.directory / "vms").mkdir(parents=True, exist_ok=True)
        self.wire.open()
        self.kvmctl("net", "up", BRIDGE, "--address", f"{ADDRESS}/24")
        self._make_payload()

    def close(self):
        """Kills its hosts and removes everything."""
        if self.wire.exists:
            for host in self.hosts():
                host.cut_power()
            self.kvmctl("net", "down", BRIDGE)
            self.wire.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def hosts(self):
        """Its hosts, running or not."""
        return [LabHost(self, int(path.name.removeprefix("lab"))) for path in sorted(self.directory.glob("vms/lab*"))]

    def host(self, number, **keys):
        """Host `number`, running and with kvmctl installed; created if it does not exist, with these keys in its vm.params."""
        host = LabHost(self, number)
        if not self._home(host).exists():
            self.make_host(number, **keys)
            host.start()
            host.run("/lab/setup")
        elif host.state != "running":
            host.start()
        return host

    def update_host(self, number):
        """Host `number`, running and with the payload's current kvmctl."""
        host = LabHost(self, number)
        if not self._home(host).exists() or host.state != "running":
            # A start gives it the payload disk as it was last made.
            return self.host(number)
        archive = subprocess.run(["tar", "-C", self.directory / "payload", "-cz", "install"], check=True, stdout=subprocess.PIPE).stdout
        subprocess.run([*host.ssh(), "tar -C /run -xz && /lab/setup /run"], input=archive, check=True)
        return host

    def make_host(self, number, **keys):
        """Creates a host that has never run, without kvmctl."""
        host = LabHost(self, number)
        home = self._home(host)
        home.mkdir()
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", self.image / "root.raw", home], check=True)
        for shared in (self.image / "vmlinuz", self.image / "initrd", self.directory / "payload.raw"):
            (home / shared.name).symlink_to(shared)
        (home / "vm.params").write_text(_params(number, keys))
        return host

    def lose_host(self, number):
        """Kills the host and removes its disk."""
        host = LabHost(self, number)
        host.cut_power()
        shutil.rmtree(self._home(host))

    def _home(self, host):
        return self.directory / "vms" / host.name

    # kvmctl, outside the hosts

    def kvmctl(self, *arguments, timeout=120):
        environment = {**os.environ, "KVMCTL_RUN": str(self.directory / "run"), "KVMCTL_VMS": str(self.directory / "vms")}
        result = subprocess.run(self.wire.command(self.binary, *arguments), env=environment, text=True, timeout=timeout,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert result.returncode == 0, f"kvmctl {' '.join(map(str, arguments))} exited {result.returncode}: {result.stderr}"
        return result

    # What is tested

    def _make_payload(self):
        """Creates the disk that its hosts mount at /lab: kvmctl as installed by `make install`, the test rig's guests, programs.

        A running host keeps the disk that it was started with.
        """
        content = self.directory / "payload"
        shutil.rmtree(content, ignore_errors=True)
        shutil.copytree(TREE / "Tests/LabTests/payload", content)
        shutil.copytree(_output(TREE / "Tests/rig/guests/build"), content / "guests")
        subprocess.run(["make", "--silent", "-C", TREE, "install", f"DESTDIR={content / 'install'}"], check=True)
        for package in TREE.glob(".build/*.deb"):
            shutil.copy(package, content)
        image = self.directory / "payload.new"
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "payload", "-d", content, image, "300M"], check=True,
                       stdout=subprocess.DEVNULL)
        image.rename(self.directory / "payload.raw")


def _output(*command):
    """The directory whose path a command prints."""
    return Path(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


def _params(number, keys):
    """The vm.params of a host: the example for host 1, with this host's number, and these keys."""
    text = (TREE / "examples/lab/vm.params").read_text()
    text = text.replace("lab1", f"lab{number}").replace("10.8.0.11:", f"10.8.0.{10 + number}:").replace(
        "52:54:00:00:08:01", f"52:54:00:00:08:{number:02x}")
    lines = [line for line in text.splitlines() if line.partition("=")[0] not in keys]
    return params(keys, lines)

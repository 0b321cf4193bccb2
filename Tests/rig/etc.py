"""A host with a private /etc and /run, so that a test can configure network services there."""

import shutil
import subprocess
from pathlib import Path

from rig.vm import Reports

# Reads key files as NetworkManager does.
READER = Path(__file__).with_name("keyfile.py")


class HostWithEtc(Reports):
    """Wraps a Host: what runs through it sees a copy of /etc, an empty /run, and the /sys of the host's network."""

    def __init__(self, host):
        self.host = host
        self.etc = host.root / "etc"
        self.run = host.root / "runtime"
        shutil.copytree("/etc", self.etc, symlinks=True)
        self.run.mkdir()
        for service in ("network/interfaces.d", "systemd/network", "systemd/system", "NetworkManager"):
            shutil.rmtree(self.etc / service, ignore_errors=True)
        (self.etc / "network/interfaces").unlink(missing_ok=True)

    def command(self, *arguments):
        script = (f"mount --bind {self.etc} /etc && mount --bind {self.run} /run && mount -t sysfs -o ro sysfs /sys"
                  ' && exec "$@"')
        return self.host.command("unshare", "--mount", "sh", "-c", script, "sh", *arguments)

    @property
    def binary(self):
        return self.host.binary

    def execute(self, *arguments):
        return subprocess.run(
            self.command(*arguments), env=self.host.environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60, check=False)

    def kvmctl(self, *arguments, expect=0):
        result = self.execute(self.host.binary, *arguments)
        assert result.returncode == expect, f"{arguments}: {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result

    # What a host has where a service is in use

    def write(self, path, text):
        """Writes a file of /etc; returns its path as the host sees it."""
        file = self.etc / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return f"/etc/{path}"

    def enable(self, unit):
        wants = self.etc / "systemd/system/multi-user.target.wants"
        wants.mkdir(parents=True, exist_ok=True)
        (wants / unit).symlink_to(f"/lib/systemd/system/{unit}")

    def use_networkd(self):
        self.enable("systemd-networkd.service")
        return self.write("systemd/network/10-up0.network", "[Match]\nName=up*\n[Network]\nDHCP=yes\nDNS=192.0.2.53\n")

    def use_ifupdown(self):
        self.write("network/interfaces", "auto lo\niface lo inet loopback\nsource /etc/network/interfaces.d/*\n")
        self.write("network/interfaces.d/.keep", "")
        return self.write("network/interfaces.d/up0", "auto up0\niface up0 inet dhcp\n    dns-search example.org\n")

    def use_network_manager(self):
        self.enable("NetworkManager.service")
        return self.write(
            "NetworkManager/system-connections/up0.nmconnection", "[connection]\nid=up0\ninterface-name=up0\n"
            "[ipv4]\nmethod=auto\ndns=192.0.2.53;\n")

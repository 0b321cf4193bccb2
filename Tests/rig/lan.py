"""A LAN outside the host: a separate namespace, connected to the host's br0 as by an uplink."""

import contextlib
import subprocess

from rig.namespaces import NetworkNamespace
from rig.waiting import wait_until


class Lan(NetworkNamespace):
    """What is on the LAN has the interface `lan0`."""

    def __init__(self, host):
        super().__init__(f"{host.namespace}-lan")
        self.host = host
        self.servers = []

    def open(self):
        super().open()
        self.host.ip("link", "add", "uplink0", "type", "veth", "peer", "name", "lan0", "netns", self.namespace)
        self.host.ip("link", "set", "uplink0", "master", "br0", "up")
        self.ip("link", "set", "lan0", "up")

    def close(self):
        for server in self.servers:
            server.kill()
            server.wait()
        super().close()

    def serve_addresses(self):
        """A DHCP server that is not kvmctl's, and a router for IPv6 too: 10.7.0.0/24 and fd07::/64."""
        self.ip("address", "add", "fd07::1/64", "dev", "lan0", "nodad")
        self._serve(50, 99, "--enable-ra", "--dhcp-range=fd07::,ra-only,64,1h", "--ra-param=lan0,4,1200")

    def serve_one_address(self, number):
        """A DHCP server that gives away no other address than 10.7.0.`number`."""
        self._serve(number, number)

    def _serve(self, first, last, *options):
        self.ip("address", "add", "10.7.0.1/24", "dev", "lan0")
        leases = self.host.root / "lan-leases"
        self.servers.append(subprocess.Popen(self.command(
            "dnsmasq", "--keep-in-foreground", "--conf-file=", "--port=0", "--user=root", "--interface=lan0",
            "--bind-interfaces", "--no-ping", "--dhcp-authoritative", f"--dhcp-leasefile={leases}",
            f"--dhcp-range=10.7.0.{first},10.7.0.{last},1h", f"--pid-file={self.host.root}/lan-pid", *options),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        wait_until(lambda: (self.host.root / "lan-pid").exists(), "DHCP server of the LAN")

    def run_python(self, script):
        subprocess.run(self.command("/usr/bin/python3", "-c", script), check=True)


@contextlib.contextmanager
def lan_of(host):
    lan = Lan(host)
    lan.open()
    try:
        yield lan
    finally:
        lan.close()

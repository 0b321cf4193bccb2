"""The world outside a host: another network namespace at the far end of a cable."""

import contextlib
import subprocess

HOST_ADDRESS = "192.0.2.1"
ADDRESS = "192.0.2.2"


class Outside:
    """A machine that knows the host's address, but nothing behind it."""

    def __init__(self, host):
        self.host = host
        self.namespace = f"{host.namespace}-out"

    def execute(self, *arguments, timeout=30):
        return subprocess.run(
            ["nsenter", f"--net=/run/netns/{self.namespace}", "--", *map(str, arguments)], capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=timeout)


@contextlib.contextmanager
def outside(host):
    """Plugs a cable into the host's eth0."""
    there = Outside(host)
    subprocess.run(["ip", "netns", "add", there.namespace], check=True)
    try:
        host.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", there.namespace)
        host.ip("address", "add", f"{HOST_ADDRESS}/24", "dev", "eth0")
        # Without IPv6: its addresses and routes come and go by themselves while a test compares states.
        host.ip("link", "set", "eth0", "addrgenmode", "none")
        host.ip("link", "set", "eth0", "up")
        there.execute("ip", "address", "add", f"{ADDRESS}/24", "dev", "eth0")
        there.execute("ip", "link", "set", "eth0", "up")
        yield there
    finally:
        subprocess.run(["ip", "netns", "delete", there.namespace], check=True)

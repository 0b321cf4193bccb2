"""The world outside a host: another network namespace at the far end of a cable."""

import contextlib
import subprocess

from rig.namespaces import NetworkNamespace

HOST_ADDRESS = "192.0.2.1"
ADDRESS = "192.0.2.2"


class Outside(NetworkNamespace):
    """A machine that knows the host's address, and nothing of what is behind it."""

    def __init__(self, host):
        super().__init__(f"{host.namespace}-out")

    def execute(self, *arguments, timeout=30):
        return subprocess.run(
            self.command(*arguments), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=timeout)


@contextlib.contextmanager
def outside(host):
    """Plugs a cable into the host's eth0."""
    there = Outside(host)
    there.open()
    try:
        host.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", there.namespace)
        host.ip("address", "add", f"{HOST_ADDRESS}/24", "dev", "eth0")
        # Without IPv6: its addresses and routes come and go by themselves while a test compares states.
        host.ip("link", "set", "eth0", "addrgenmode", "none")
        host.ip("link", "set", "eth0", "up")
        there.ip("address", "add", f"{ADDRESS}/24", "dev", "eth0")
        there.ip("link", "set", "eth0", "up")
        yield there
    finally:
        there.close()

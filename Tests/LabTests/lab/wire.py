"""The wire between lab hosts: a bridge in a network namespace, with nothing of the machine's own network on it."""

import subprocess
from pathlib import Path

# The rig's own address on the wire.
ADDRESS = "10.8.0.1"
BRIDGE = "wire"
_TABLE = "kvmctl-lab"


def tap(number):
    """The name of the tap that the host of this number has on the wire; Examples/lab/vm.params gives it."""
    return f"lab{number}"


class Wire:
    def __init__(self, namespace):
        self.namespace = namespace

    def command(self, *arguments):
        """The command line that runs a program on the wire."""
        return ["nsenter", f"--net=/run/netns/{self.namespace}", "--", *map(str, arguments)]

    def execute(self, *arguments, check=True, **options):
        return subprocess.run(self.command(*arguments), check=check, **options)

    @property
    def exists(self):
        return Path("/run/netns", self.namespace).exists()

    def open(self):
        """A namespace whose bridge kvmctl has yet to make."""
        if not self.exists:
            subprocess.run(["ip", "netns", "add", self.namespace], check=True)
            self.execute("ip", "link", "set", "lo", "up")

    def close(self):
        if self.exists:
            subprocess.run(["ip", "netns", "delete", self.namespace], check=True)

    def cut(self, one, other):
        """Nothing gets from one host to the other any more; everybody else hears both."""
        self._nft(f"add table bridge {_TABLE}",
                  f"add chain bridge {_TABLE} forward {{ type filter hook forward priority 0; }}",
                  *(f"add rule bridge {_TABLE} forward iifname {tap(a)} oifname {tap(b)} drop"
                    for a, b in ((one, other), (other, one))))

    def mend(self):
        """Undoes every cut."""
        self._nft(f"add table bridge {_TABLE}", f"delete table bridge {_TABLE}")

    def _nft(self, *lines):
        self.execute("nft", "-f", "-", input="\n".join(lines), text=True)

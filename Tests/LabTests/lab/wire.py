"""The wire between lab hosts: a bridge in a network namespace, apart from the machine's own network."""

import subprocess

from rig.namespaces import NetworkNamespace

# The rig's own address on the wire.
ADDRESS = "10.8.0.1"
BRIDGE = "wire"
_TABLE = "kvmctl-lab"


def tap(number):
    """The name of the host's tap on the wire, as set in examples/lab/vm.params."""
    return f"lab{number}"


class Wire(NetworkNamespace):
    def execute(self, *arguments, check=True, **options):
        return subprocess.run(self.command(*arguments), check=check, **options)

    def open(self):
        """Creates a namespace in which kvmctl will create the bridge."""
        if not self.exists:
            super().open()
            self.ip("link", "set", "lo", "up")

    def close(self):
        if self.exists:
            super().close()

    def cut(self, one, other):
        """Cuts the two hosts off from each other; all others still reach both."""
        self._nft(f"add table bridge {_TABLE}",
                  f"add chain bridge {_TABLE} forward {{ type filter hook forward priority 0; }}",
                  *(f"add rule bridge {_TABLE} forward iifname {tap(a)} oifname {tap(b)} drop"
                    for a, b in ((one, other), (other, one))))

    def mend(self):
        """Undoes every cut."""
        self._nft(f"add table bridge {_TABLE}", f"delete table bridge {_TABLE}")

    def _nft(self, *lines):
        self.execute("nft", "-f", "-", input="\n".join(lines), text=True)

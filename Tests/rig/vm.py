"""Definitions of VMs, and what kvmctl reports of them."""

import json


def params(keys, lines=()):
    """The text of a vm.params: these lines, then these keys."""
    return "".join(f"{line}\n" for line in [*lines, *(f"{key}={value}" for key, value in keys.items())])


def tiny(guests, words):
    """The keys of a VM that boots the tiny guest, with these words for its kernel and its init."""
    return {
        "MEMORY": 128, "NET0": "none", "VNCDISP": "none",
        "KERNEL": f"{guests}/vmlinuz", "INITRD": f"{guests}/initrd.gz", "APPEND": f"'{words}'",
    }


class Reports:
    """What is reported as JSON where `kvmctl()` runs it."""

    def json(self, *arguments):
        return json.loads(self.kvmctl(*arguments, "--json").stdout)

    def show(self, name):
        [shown] = self.json("show", name)
        return shown

"""NICs of every kind, and what a NIC can be told: queues, limits, filters."""

import contextlib
import os

from rig.terminal import console


def descriptors(process):
    """What the descriptors of a process are, but for those that close meanwhile."""
    directory = f"/proc/{process.pid}/fd"
    for number in os.listdir(directory):
        with contextlib.suppress(FileNotFoundError):
            yield os.readlink(f"{directory}/{number}")


def ask(host, vm, question, answer, timeout=30):
    """Types a line at the guest's shell, which must answer with a line that is `answer`, a regular expression."""
    with console(host, vm) as terminal:
        terminal.sendline(question)
        terminal.expect(r"\n" + answer + r"\r", timeout=timeout)
        return terminal.match


def test_queues_in_the_guest(bridged_host):
    host = bridged_host
    host.write_tiny_vm("vm", NET0="bridge:br0", NET0_QUEUES=3, CPUS=3)
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    ask(host, "vm", "ls /sys/class/net/eth0/queues | grep -c tx", "3")


def test_most_queues_of_most_nics(bridged_host):
    host = bridged_host
    nics = {f"NET{n}": "bridge:br0" for n in range(8)}
    host.write_firmware_vm("vm", **nics, **{f"NET{n}_QUEUES": 16 for n in range(8)})
    host.kvmctl("start", "vm")
    opened = list(descriptors(host.qemu()))
    assert opened.count("/dev/net/tun") == 8 * 16
    assert len(host.taps()) == 8 and all(tap["master"] == "br0" for tap in host.taps().values())
    assert "16 queues" in host.kvmctl("start", "vm", "--dry-run").stdout
    host.kvmctl("stop", "--now", "vm")
    host.assert_nothing_left()

"""What the broken guests of the catalogue meet: their networks, and somebody who looks at what they show."""

import contextlib

from rig.lan import lan_of
from rig.namespaces import NetworkNamespace
from rig.qmp import Monitor
from rig.waiting import wait_until


@contextlib.contextmanager
def network(host):
    """The bridge br1, and the bridge br0 with a DHCP server that gives away one address, which somebody has."""
    for bridge in "br0", "br1":
        host.kvmctl("net", "up", bridge)
    host.ip("address", "add", "10.9.0.1/24", "dev", "br0")
    with lan_of(host) as lan, _twin_of(host, "10.7.0.60/24"):
        lan.serve_one_address(60)
        yield


@contextlib.contextmanager
def _twin_of(host, address):
    """Somebody on br0 who has that address."""
    twin = NetworkNamespace(f"{host.namespace}-twin")
    twin.open()
    try:
        host.ip("link", "add", "twin0", "type", "veth", "peer", "name", "eth0", "netns", twin.namespace)
        host.ip("link", "set", "twin0", "master", "br0", "up")
        twin.ip("address", "add", address, "dev", "eth0")
        twin.ip("link", "set", "eth0", "up")
        yield
    finally:
        twin.close()


def shown(host, guest):
    """What the guest has shown where it shows that it is broken."""
    match guest.where:
        case "console": return host.console_log(guest.name)
        case "screen": return host.kvmctl("screenshot", guest.name, "--text", expect=None).stdout
        case "firmware": return host.kvmctl("logs", guest.name, "--firmware").stdout
        case "record": return host.kvmctl("logs", guest.name, "--record").stdout


def wait_shown(host, guest, timeout):
    wait_until(
        lambda: guest.shows in shown(host, guest),
        lambda: f"{guest.shows!r} on the {guest.where} of {guest.name}, which ends:\n{shown(host, guest)[-2000:]}", timeout)


def press_power_button(host, guest):
    with Monitor(host.run / "vms" / guest.name / "qmp.sock") as monitor:
        monitor.execute("system_powerdown")

"""The host's own NIC becomes a bridge's uplink, under the SSH session that asks for it."""

import json
import subprocess
import textwrap

import pytest

from rig.waiting import wait_until


class Session:
    """A separate SSH session, which echoes what is sent to it."""

    def __init__(self, host):
        self.process = subprocess.Popen(
            [*host.ssh("-o", "ControlPath=none"), "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def echo(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self):
        self.process.stdin.close()
        return self.process.wait(timeout=60)


def addresses(host):
    """{device: its IPv4 addresses}"""
    lines = host.run("ip -4 -o address").stdout.splitlines()
    found = {}
    for fields in (line.split() for line in lines):
        found.setdefault(fields[1], []).append(fields[3])
    del found["lo"]
    return found


def routes(host):
    return sorted((route["dst"], route.get("gateway"), route["dev"]) for route in json.loads(host.run("ip -j route").stdout))


@pytest.fixture
def moved_host(lab_host):
    yield lab_host
    lab_host.run("kvmctl net unpersist br0; kvmctl net down br0; networkctl reload", expect=None)


def test_session_survives_the_move_of_its_address(moved_host):
    host = moved_host
    address = f"{host.address}/24"
    session = Session(host)
    assert session.echo("before") == "before"

    trial = host.start_running("kvmctl net up br0 --uplink eth0 --try 5m")
    wait_until(lambda: addresses(host) == {"br0": [address]}, f"{address} on br0", timeout=60)
    assert session.echo("on br0") == "on br0"
    host.kvmctl("net", "confirm", "br0")
    said, _ = trial.communicate(timeout=60)
    assert trial.returncode == 0, said

    host.kvmctl("net", "down", "br0")
    assert addresses(host) == {"eth0": [address]}
    assert session.echo("back on eth0") == "back on eth0"
    assert session.close() == 0


# A file and its content that give eth0 the address which systemd-networkd otherwise takes from the kernel command line.
FILES = {
    "NetworkManager": ("/etc/NetworkManager/system-connections/wire.nmconnection", """
        [connection]
        id=wire
        type=ethernet
        interface-name=eth0

        [ipv4]
        method=manual
        address1={address}/24,10.8.0.1

        [ipv6]
        method=link-local
        """),
    "networking": ("/etc/network/interfaces.d/eth0", """
        auto eth0
        iface eth0 inet static
            address {address}/24
            gateway 10.8.0.1
        """),
}


@pytest.fixture
def served_host(network_service, lab, request):
    """A host whose network is set up by this service."""
    if network_service == "systemd-networkd":
        yield request.getfixturevalue("moved_host")
        return
    host = lab.host(7)
    path, text = FILES[network_service]
    host.write(path, textwrap.dedent(text.format(address=host.address)).lstrip())
    host.run(f"chmod 600 {path}; systemctl disable systemd-networkd.service systemd-networkd.socket; "
             f"systemctl enable {network_service}")
    host.reboot()
    assert host.run(f"systemctl is-active systemd-networkd {network_service}", expect=None).stdout.split() == ["inactive", "active"]
    yield host
    lab.lose_host(7)


def test_persisted_bridge_is_there_after_a_reboot(served_host, network_service):
    host = served_host
    # Not the state after `net up`: NetworkManager 1.52 adds its own routes as long as it considers eth0 its own.
    own = routes(host)
    host.kvmctl("net", "up", "br0", "--uplink", "eth0")
    said = host.kvmctl("net", "persist", "br0").stderr
    if network_service == "networking":
        # ifupdown alone would configure eth0 too; kvmctl changes no file that it did not write.
        path, _ = FILES[network_service]
        assert f"{path}, lines 2-4, configures eth0 too" in said
        host.run(f"sed -i 's/^/#/' {path}")
    host.reboot()
    assert addresses(host) == {"br0": [f"{host.address}/24"]}
    assert routes(host) == [(destination, gateway, "br0") for destination, gateway, _ in own]
    assert host.kvmctl("doctor").stdout.endswith("no problems, no warnings\n")

    host.kvmctl("net", "unpersist", "br0")
    if network_service == "networking":
        host.run(f"sed -i 's/^#//' {path}")
    host.reboot()
    assert addresses(host) == {"eth0": [f"{host.address}/24"]}

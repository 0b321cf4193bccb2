"""`net persist`: the files for each network service, which of them are kvmctl's, and the services themselves that read them."""

import json
import subprocess
from pathlib import Path

import pytest

from rig.documented import assert_documented
from rig.etc import READER, HostWithEtc
from rig.waiting import wait_until

SERVICES = {
    "networkd": ("use_networkd", "systemd/network", {
        "05-kvmctl-br0.netdev", "05-kvmctl-br0.network", "05-kvmctl-br0+up0.network"}),
    "ifupdown": ("use_ifupdown", "network/interfaces.d", {"kvmctl-br0"}),
    "networkmanager": ("use_network_manager", "NetworkManager/system-connections", {
        "kvmctl-br0.nmconnection", "kvmctl-br0+up0.nmconnection"}),
}
every_service = pytest.mark.parametrize("service", SERVICES)


@pytest.fixture
def etc(host):
    """A host with br0, which has an uplink, addresses and routes."""
    host.ip("link", "add", "up0", "type", "veth", "peer", "name", "far0")
    host.ip("link", "set", "far0", "up")
    host.kvmctl("net", "up", "br0", "--mtu", "1400")
    # Without an address, as `net up --uplink` leaves it.
    host.ip("link", "set", "up0", "addrgenmode", "none", "mtu", "1400")
    host.ip("link", "set", "up0", "master", "br0", "up")
    for address in ("192.0.2.2/24", "192.0.2.3/24", "2001:db8::2/64"):
        host.ip("address", "add", address, "dev", "br0")
    host.ip("route", "add", "default", "via", "192.0.2.1", "dev", "br0", "metric", "100")
    host.ip("route", "add", "198.51.100.0/24", "via", "192.0.2.9", "dev", "br0", "table", "77", "src", "192.0.2.3")
    host.ip("route", "add", "2001:db8:1::/48", "via", "2001:db8::1", "dev", "br0", "metric", "512")
    return HostWithEtc(host)


def use(etc, service):
    """Sets the host up to use the service; returns the directory of its files, and the file about the uplink."""
    method, directory, _ = SERVICES[service]
    return etc.etc / directory, getattr(etc, method)()


def texts(directory):
    return {path.name: path.read_text() for path in directory.iterdir()} if directory.exists() else {}


# Which service, and which files are kvmctl's


@every_service
def test_written_for_what_the_host_uses_and_removed_again(etc, service):
    directory, other = use(etc, service)
    before = texts(directory)
    planned = etc.json("net", "persist", "br0", "--dry-run")
    assert_documented([planned])
    assert texts(directory) == before
    shown = etc.kvmctl("net", "persist", "br0", "--dry-run").stdout
    assert all(file["path"] in shown and file["text"] in shown for file in planned["written"])

    written = etc.json("net", "persist", "br0")
    assert written == {**planned, "dryRun": False} and written["service"] == service
    new = {name: text for name, text in texts(directory).items() if name not in before}
    assert set(new) == SERVICES[service][2]
    for file in written["written"]:
        path = directory / Path(file["path"]).name
        assert path.read_text() == file["text"] and path.stat().st_mode & 0o777 == file["mode"]
        assert file["mode"] == (0o600 if service == "networkmanager" else 0o644)
    assert any(other in notice for notice in written["notices"]), "the file that configures the uplink is named"
    assert "example.org" in str(new) or "192.0.2.53" in str(new), "the name servers come along"

    assert etc.json("net", "persist", "br0")["written"] == []
    assert "already" in etc.kvmctl("net", "persist", "br0").stdout
    gone = etc.json("net", "unpersist", "br0")
    assert_documented([gone])
    assert {Path(path).name for path in gone["removed"]} == set(new) and texts(directory) == before
    assert etc.json("net", "unpersist", "br0")["removed"] == []


@every_service
def test_an_edited_file_is_left_alone(etc, service):
    directory, _ = use(etc, service)
    etc.kvmctl("net", "persist", "br0")
    name = max(SERVICES[service][2])
    edited = directory / name
    edited.write_text(edited.read_text() + "# mine\n")
    before = texts(directory)
    etc.host.ip("address", "add", "192.0.2.4/24", "dev", "br0")
    for command, code in (("persist", 73), ("unpersist", 75)):
        said = etc.kvmctl("net", command, "br0", expect=code).stderr
        assert name in said and "edited" in said
        assert etc.kvmctl("net", command, "br0", "--dry-run", expect=code).stderr == said
    assert texts(directory) == before


@every_service
def test_a_file_of_somebody_else_is_never_overwritten(etc, service):
    directory, _ = use(etc, service)
    name = max(SERVICES[service][2])
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text("# somebody's\n")
    before = texts(directory)
    said = etc.kvmctl("net", "persist", "br0", expect=73).stderr
    assert name in said and "did not write it" in said and texts(directory) == before
    etc.kvmctl("net", "unpersist", "br0")
    assert texts(directory) == before


def test_refused_where_it_is_not_clear_which(etc):
    etc.use_networkd()
    etc.use_network_manager()
    said = etc.kvmctl("net", "persist", "br0", expect=75).stderr
    assert "systemd-networkd and NetworkManager" in said and "--for networkd" in said
    assert etc.json("net", "persist", "br0", "--for", "networkmanager")["service"] == "networkmanager"
    # A choice persists, and another choice removes the files of the first.
    assert etc.json("net", "persist", "br0")["service"] == "networkmanager"
    changed = etc.json("net", "persist", "br0", "--for", "networkd")
    assert {Path(path).name for path in changed["removed"]} == SERVICES["networkmanager"][2]


def test_refused_where_no_service_sets_the_network_up(etc):
    said = etc.kvmctl("net", "persist", "br0", expect=69).stderr
    assert "no network service" in said and "--for networkd, --for ifupdown, --for networkmanager" in said
    assert etc.json("net", "persist", "br0", "--for", "networkd", "--dry-run")["service"] == "networkd"
    etc.write("network/interfaces", "auto lo\niface lo inet loopback\nsource /etc/network/interfaces.d/*\n")
    assert "no network service" in etc.kvmctl("net", "persist", "br0", "--dry-run", expect=69).stderr


def test_a_file_for_several_links_stays_for_the_others(etc):
    etc.enable("systemd-networkd.service")
    etc.write("systemd/network/01-all.network", "[Match]\nName=up* en*\n[Network]\nDHCP=yes\n")
    [notice] = [text for text in etc.json("net", "persist", "br0")["notices"] if "01-all" in text]
    assert "other links may need it" in notice
    etc.execute("sh", "-c", notice.split("`")[1])
    [notice] = [text for text in etc.json("net", "persist", "br0")["notices"] if "01-all" in text]
    assert "kvmctl's file comes first" in notice


def test_usage_and_missing_bridges(etc):
    etc.use_networkd()
    said = etc.kvmctl("net", "persist", "br0", "--for", "netplan", expect=64).stderr
    assert "networkd, ifupdown, networkmanager" in said
    assert "kvmctl net up br9" in etc.kvmctl("net", "persist", "br9", expect=66).stderr


def test_a_bridge_without_an_address(etc):
    """A bridge that lost the address of its last port: no file can pin it."""
    etc.use_networkd()
    etc.execute("ip", "link", "add", "bare", "type", "bridge")
    etc.execute("sh", "-c", "ip tuntap add port mode tap; ip link set port master bare; ip link del port")
    said = etc.kvmctl("net", "persist", "bare", expect=75).stderr
    assert "has no MAC address" in said
    etc.execute("sh", "-c", said.split("`")[1])
    etc.kvmctl("net", "persist", "bare")


def test_ifupdown_that_does_not_read_our_directory(etc):
    etc.use_ifupdown()
    etc.write("network/interfaces", "auto lo\niface lo inet loopback\niface up0 inet dhcp\n")
    said = etc.kvmctl("net", "persist", "br0", expect=69).stderr
    etc.execute("sh", "-c", said.split("`")[1])
    notices = etc.json("net", "persist", "br0")["notices"]
    assert any("/etc/network/interfaces, lines 3-3" in notice for notice in notices)


def test_a_failure_half_way_leaves_every_file_as_it_was(etc):
    directory, _ = use(etc, "networkd")
    etc.kvmctl("net", "persist", "br0")
    before = texts(directory)
    etc.host.ip("address", "add", "192.0.2.4/24", "dev", "br0")
    etc.host.ip("link", "set", "br0", "type", "bridge", "forward_delay", "200")
    planned = etc.json("net", "persist", "br0", "--dry-run")["written"]
    assert [Path(file["path"]).suffix for file in planned] == [".netdev", ".network"]
    # A mount point can't be replaced: the second file fails after the first was written.
    last = planned[1]["path"]
    result = etc.execute("sh", "-c", 'mount --bind "$1" "$1" && exec "$0" net persist br0', etc.host.binary, last)
    assert result.returncode == 75 and last in result.stderr, result.stderr
    assert texts(directory) == before


def test_a_leased_address_is_asked_for_by_dhcp_again(etc):
    etc.host.ip("address", "flush", "dev", "br0", "scope", "global")
    etc.host.ip("address", "add", "192.0.2.7/24", "dev", "br0", "valid_lft", "3600", "preferred_lft", "3600")
    etc.host.ip("route", "add", "default", "via", "192.0.2.1", "dev", "br0")
    words = {"networkd": "DHCP=ipv4", "ifupdown": "iface br0 inet dhcp", "networkmanager": "method=auto"}
    mac = etc.host.links()["br0"]["address"]
    for service, word in words.items():
        if service == "ifupdown":
            etc.use_ifupdown()
        text = str(etc.json("net", "persist", "br0", "--for", service, "--dry-run")["written"])
        assert word in text and mac in text and "192.0.2.7" not in text and "192.0.2.1" not in text


# The services themselves


def snapshot(host):
    """The properties of the bridge that must persist."""
    links = host.links()
    bridge, uplink = links.get("br0"), links["up0"]
    if bridge is None:
        return None
    data = bridge["linkinfo"]["info_data"]
    return {
        "bridge": [bridge["address"], bridge["mtu"], "UP" in bridge["flags"], data["stp_state"], data["forward_delay"]],
        "uplink": [uplink.get("master"), uplink["mtu"], "UP" in uplink["flags"], addresses(host, "up0")],
        "addresses": addresses(host, "br0"),
        "routes": [routes(host, "-4"), routes(host, "-6")],
    }


def shown(host, *arguments):
    result = subprocess.run(["ip", "-n", host.namespace, "-j", *arguments], check=True, capture_output=True)
    return json.loads(result.stdout or b"[]")


def addresses(host, link):
    [found] = [one for one in shown(host, "address", "show", "dev", link) if one]
    return sorted(
        f"{one['local']}/{one['prefixlen']}" for one in found["addr_info"] if not one.get("tentative"))


def routes(host, family):
    found = shown(host, family, "route", "show", "table", "all", "dev", "br0")
    return sorted(
        str([route.get(key) for key in ("dst", "gateway", "metric", "table", "prefsrc")])
        for route in found if route.get("protocol") != "kernel")


def take_down(etc):
    """Brings the host to its state after a boot, before the network service starts."""
    host = etc.host
    host.ip("link", "delete", "br0")
    host.ip("link", "set", "up0", "down", "addrgenmode", "eui64", "mtu", "1500")


def persisted(etc, service):
    """Persists the bridge and takes it down; returns how it was."""
    # Wait for duplicate address detection: first of the uplink's address, later of the bridge's own.
    wait_until(lambda: [one for one in addresses(etc.host, "br0") if one.startswith(("2001:db8::2/", "fe80:"))][1:],
               lambda: f"two addresses of IPv6 on br0: {addresses(etc.host, 'br0')}")
    use(etc, service)
    etc.kvmctl("net", "persist", "br0")
    before = snapshot(etc.host)
    take_down(etc)
    return before


def test_ifup_makes_the_same_bridge(etc):
    before = persisted(etc, "ifupdown")
    (etc.run / "network").mkdir()
    for _ in range(2):
        up = etc.execute("ifup", "br0")
        assert up.returncode == 0, up.stderr
        wait_until(lambda: snapshot(etc.host) == before, lambda: f"{before}\n{snapshot(etc.host)}")
        down = etc.execute("ifdown", "br0")
        assert down.returncode == 0 and "br0" not in etc.host.links(), down.stderr


def test_networkd_makes_the_same_bridge(etc):
    before = persisted(etc, "networkd")
    script = ("mkdir -p /run/systemd/netif && chown systemd-network:systemd-network /run/systemd/netif"
              " && exec /lib/systemd/systemd-networkd")
    networkd = etc.command("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script)
    with open(etc.host.root / "networkd.log", "w+", encoding="utf-8") as log:
        process = subprocess.Popen(networkd, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(
                lambda: snapshot(etc.host) == before,
                lambda: f"{before}\n{snapshot(etc.host)}\n{Path(log.name).read_text()}")
        finally:
            process.kill()
            process.wait()


def test_network_manager_understands_the_files(etc):
    directory, _ = use(etc, "networkmanager")
    etc.kvmctl("net", "persist", "br0")
    read = subprocess.run(
        ["/usr/bin/python3", READER, *sorted(directory.glob("kvmctl-br0*"))],
        capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stderr
    port, bridge = json.loads(read.stdout)
    assert (port["master"], port["slaveType"], port["mtu"]) == ("br0", "bridge", 1400)
    assert bridge["mac"] == etc.host.links()["br0"]["address"] and bridge["mtu"] == 1400
    assert bridge["addresses"] == ["192.0.2.2/24", "192.0.2.3/24", "2001:db8::2/64"]
    assert sorted(bridge["routes"]) == [
        "0.0.0.0/0 via 192.0.2.1 metric 100", "198.51.100.0/24 via 192.0.2.9 metric -1 src 192.0.2.3 table 77",
        "2001:db8:1::/48 via 2001:db8::1 metric 512"]

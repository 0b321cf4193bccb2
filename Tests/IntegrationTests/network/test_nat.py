"""The network that VMs share and that reaches the outside through the host: created by the first VM, removed with the last."""

import re

import pytest

from rig.outside import ADDRESS, HOST_ADDRESS, outside
from rig.terminal import run_inside
from rig.waiting import wait_until


def lease(host, vm):
    """The address that the guest reports."""
    host.wait_console(vm, "tiny: eth0 ")
    return re.search(r"tiny: eth0 ([0-9.]+)/24", host.console_log(vm)).group(1)


def hello(execute, address, port):
    """What a guest's server says to a client."""
    return execute("busybox", "nc", "-w", "5", address, str(port)).stdout


def dnsmasq(host):
    [process] = host.network()["dnsmasq"]
    return process


def write_idle_vm(host, name, **keys):
    """A VM on nat whose guest never asks for a lease: quick to start."""
    return host.write_firmware_vm(name, **{"NET0": "nat", **keys})


def test_guests_reach_each_other_and_the_outside_and_leave_nothing(host):
    with outside(host) as there:
        before = host.network()
        host.write_tiny_vm(
            "web", "tiny.dhcp=0 tiny.serve=22", NET0="nat", FORWARD0="tcp:127.0.0.1:2222:22", FORWARD1="tcp::2223:22")
        host.write_tiny_vm("my_db", "tiny.dhcp=0", NET0="nat")
        started = host.kvmctl("start", "web", "my_db")
        assert "ip_forward" in started.stderr

        web, database = lease(host, "web"), lease(host, "my_db")
        assert run_inside(host, "my_db", "hostname")[0].strip() == "my-db"
        assert run_inside(host, "my_db", "nslookup my-db")[0].count(database) == 1
        assert host.show("web")["nics"][0]["address"] == web
        assert f"tap0@nat:{web}" in host.kvmctl("list", "-o", "nics").stdout

        for target in ("web", "web.kvmctl.internal", ADDRESS):
            printed, code = run_inside(host, "my_db", f"ping -c 1 -w 10 {target}")
            assert code == 0, printed
        # The outside has no route to the guests: the answer came back only by the host's address.
        assert there.execute("ping", "-c", "1", "-w", "1", web).returncode != 0

        assert hello(host.execute, "127.0.0.1", 2222) == "hello from web\n"
        assert hello(host.execute, HOST_ADDRESS, 2223) == "hello from web\n"
        assert hello(there.execute, HOST_ADDRESS, 2223) == "hello from web\n"
        assert hello(there.execute, HOST_ADDRESS, 2222) == ""
        assert run_inside(host, "my_db", f"nc -w 5 {HOST_ADDRESS} 2223")[0].strip() == "hello from web"
        # A port on 127.0.0.1 is reachable only from the host, even if a neighbour uses that address.
        there.execute("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1")
        there.execute("ip", "address", "del", "127.0.0.1/8", "dev", "lo")
        there.execute("ip", "route", "add", "127.0.0.1", "via", HOST_ADDRESS)
        assert hello(there.execute, "127.0.0.1", 2222) == ""
        # A forward is the only way in, even for a machine that has a route.
        there.execute("ip", "route", "add", "10.213.0.0/24", "via", HOST_ADDRESS)
        assert hello(there.execute, web, 22) == ""

        for qemu in host.qemus():
            qemu.kill()
        host.kvmctl("list")
        assert host.network() == before
        assert list((host.run / "resources").iterdir()) == [] and not (host.run / "nat").exists()


def test_the_last_stop_removes_it(host):
    before = host.network()
    for name in ("a", "b"):
        write_idle_vm(host, name, FORWARD0=f"tcp::222{ord(name) % 10}:22")
    host.kvmctl("start", "a", "b")
    with_both = host.network()
    host.kvmctl("stop", "--now", "a")
    assert "kvmnat0" in host.links() and len(host.network()["dnsmasq"]) == 1
    assert "kvmctl_forward.a" in with_both["nftables"] and "kvmctl_forward.a" not in host.network()["nftables"]
    assert [entry.name for entry in (host.run / "nat" / "hosts").iterdir()] == ["b"]
    host.kvmctl("stop", "--now", "b")
    assert host.network() == before


def test_settings_beside_forwarding_are_as_before(host):
    settings = {"all/accept_redirects": "0", "lo/forwarding": "1"}
    for key, value in settings.items():
        host.execute("sysctl", "-qw", f"net/ipv4/conf/{key}={value}")
    write_idle_vm(host, "vm")
    host.kvmctl("start", "vm")
    host.kvmctl("stop", "--now", "vm")
    for key, value in settings.items():
        assert host.execute("sysctl", "-n", f"net/ipv4/conf/{key}").stdout.strip() == value


@pytest.mark.parametrize("name", ["ignore", pytest.param("1h", marks=pytest.mark.deep)])
def test_no_name_means_something_to_the_server(host, name):
    host.write_tiny_vm(name, "tiny.dhcp=0", NET0="nat")
    host.kvmctl("start", name)
    assert lease(host, name) == host.show(name)["nics"][0]["address"]


def test_a_failed_start_leaves_nothing(host):
    before = host.network()
    write_idle_vm(host, "vm", QEMUARG0="-nonsense", FORWARD0="tcp::2222:22")
    host.kvmctl("start", "vm", expect=69)
    assert host.network() == before


def test_its_addresses_are_nobody_elses(host):
    host.ip("link", "add", "lan0", "type", "veth", "peer", "name", "lan1")
    host.ip("link", "set", "lan0", "up")
    host.ip("link", "set", "lan1", "up")
    host.ip("address", "add", "10.213.0.9/24", "dev", "lan0")
    host.ip("route", "add", "10.213.1.128/25", "via", "10.213.0.1", "table", "100")
    write_idle_vm(host, "vm")
    host.kvmctl("start", "vm")
    assert host.show("vm")["nics"][0]["address"].startswith("10.213.2.")
    assert "10.213.2.1/24" in host.network()["addresses"]


@pytest.mark.parametrize("program, package", [("dnsmasq", "dnsmasq-base"), ("nft", "nftables")])
def test_a_missing_program_is_named_before_anything_is_made(host, program, package):
    tools = host.root / "tools"
    tools.mkdir()
    other = {"dnsmasq": "nft", "nft": "dnsmasq"}[program]
    (tools / other).symlink_to(f"/usr/sbin/{other}")
    before = host.network()
    write_idle_vm(host, "vm")
    for command in ("start", "check"):
        result = host.execute("env", f"PATH={tools}", host.binary, command, "vm")
        assert result.returncode == 69 and f"apt-get install {package}" in result.stderr + result.stdout
    assert host.network() == before and not (host.run / "resources").exists()


def test_what_died_or_was_flushed_is_made_again(host):
    write_idle_vm(host, "a")
    host.kvmctl("start", "a")
    dnsmasq(host).kill()
    host.execute("nft", "flush", "ruleset")
    host.ip("address", "flush", "dev", "kvmnat0")
    write_idle_vm(host, "b")
    host.kvmctl("start", "b")
    assert dnsmasq(host).pid and "kvmctl_nat" in host.network()["nftables"]
    assert "10.213.0.1/24" in host.network()["addresses"]


def test_dnsmasq_has_no_more_rights_than_it_needs(host):
    write_idle_vm(host, "vm")
    host.kvmctl("start", "vm")
    status = dnsmasq(host).status
    assert status["Uid"].split()[0] != "0" and status["Groups"] == ""
    listening = host.execute("ss", "-Hlntu").stdout
    assert {line.split()[4].rsplit(":", 1)[0] for line in listening.splitlines()} == {"10.213.0.1", "0.0.0.0%kvmnat0"}


def test_a_bridge_of_somebody_elses_is_left_alone(host):
    host.ip("link", "add", "kvmnat0", "type", "bridge")
    before = host.network()
    write_idle_vm(host, "vm")
    assert "rename or remove that one" in host.kvmctl("start", "vm", expect=75).stderr
    assert host.network() == before


def test_another_dns_server_on_every_address(host):
    other = host.popen("dnsmasq", "--keep-in-foreground", "--conf-file=", "--user=root", "--pid-file=")
    wait_until(lambda: ":53" in host.execute("ss", "-Hlnt").stdout, "the other server")
    before = host.network()["links"]
    write_idle_vm(host, "vm")
    assert "except-interface=kvmnat0" in host.kvmctl("check", "vm", expect=75).stderr
    error = host.kvmctl("start", "vm", expect=75).stderr
    assert "except-interface=kvmnat0" in error and "already in use" in error
    assert host.network()["links"] == before
    other.kill()
    other.wait()


def test_another_dns_server_in_the_place_of_one_that_died(host):
    write_idle_vm(host, "a")
    host.kvmctl("start", "a")
    dnsmasq(host).kill()
    other = host.popen("dnsmasq", "--keep-in-foreground", "--conf-file=", "--user=root", "--pid-file=")
    wait_until(lambda: ":53" in host.execute("ss", "-Hlnt").stdout, "the other server")
    write_idle_vm(host, "b")
    # The bridge is there, so only dnsmasq's own failure tells.
    error = host.kvmctl("start", "b", expect=75).stderr
    assert "dnsmasq failed" in error and "except-interface=kvmnat0" in error
    other.kill()
    other.wait()


def test_a_run_directory_that_dnsmasq_can_not_get_to(host):
    host.root.chmod(0o700)
    write_idle_vm(host, "vm")
    for command in ("check", "start"):
        said = host.kvmctl(command, "vm", expect=69).stderr
        assert f"it may not enter {host.root}" in said and "let other users enter that one (mode o+x)" in said
    host.root.chmod(0o711)
    host.kvmctl("check", "vm")


def test_a_dns_server_of_the_loopback_is_not_in_the_way(host):
    other = host.popen(
        "dnsmasq", "--keep-in-foreground", "--conf-file=", "--user=root", "--pid-file=", "--interface=lo", "--bind-interfaces")
    wait_until(lambda: ":53" in host.execute("ss", "-Hlnt").stdout, "the other server")
    write_idle_vm(host, "a")
    write_idle_vm(host, "b")
    host.kvmctl("start", "a")
    # Nor is kvmctl's own in the way of the next VM.
    host.kvmctl("check", "b")
    host.kvmctl("start", "b")
    other.kill()
    other.wait()


def test_names_that_are_one_to_guests(host):
    write_idle_vm(host, "a.b")
    write_idle_vm(host, "A-b")
    host.kvmctl("start", "a.b")
    for command in ("check", "start"):
        said = host.kvmctl(command, "A-b", expect=75)
        assert "know A-b as A-b, but already know a.b by that name" in said.stderr
    host.kvmctl("check", "a.b")
    host.kvmctl("stop", "--now", "a.b")
    host.kvmctl("start", "A-b")


def test_a_host_port_leads_to_one_guest(host):
    write_idle_vm(host, "a", FORWARD0="tcp:127.0.0.1:2222:22", FORWARD1="udp::5353:53")
    host.kvmctl("start", "a")
    # The port is seen to be taken, and by whom, by other kinds of networks too.
    assert f"pid={host.qemu().pid}" in host.execute("ss", "-Hlntp", "sport = :2222").stdout
    write_idle_vm(host, "b", FORWARD0="tcp::2222:22")
    assert "in use by the running VM a (" in host.kvmctl("start", "b", expect=75).stderr
    host.write_firmware_vm("c", NET0="user", FORWARD0="udp:127.0.0.1:5353:53")
    assert "UDP port 5353" in host.kvmctl("start", "c", expect=75).stderr
    host.kvmctl("stop", "--now", "a")
    host.kvmctl("start", "b")


def test_many_at_once_leave_one_network_or_none(host):
    before = host.network()
    names = [f"vm{number}" for number in range(8)]
    for name in names:
        write_idle_vm(host, name)
    for verb in (["start"], ["stop", "--now"]):
        running = [host.popen(host.binary, *verb, name) for name in names]
        for process in running:
            output, error = process.communicate(timeout=120)
            assert process.returncode == 0, error
        if verb == ["start"]:
            addresses = {nic["address"] for vm in host.json("list") for nic in vm["nics"]}
            assert len(addresses) == len(names) and None not in addresses
            assert dnsmasq(host).pid
    assert host.network() == before
    assert list((host.run / "resources").iterdir()) == []


def test_a_start_killed_half_way_leaves_nothing_after_the_next_command(host):
    before = host.network()
    write_idle_vm(host, "vm", FORWARD0="tcp::2222:22", NET1="isolated:lab")
    resources = host.run / "resources"
    for name in ("nat", "nat.vm", "isolated.lab"):
        start = host.popen(host.binary, "start", "vm")
        wait_until(lambda: (resources / name).exists() or start.poll() is not None, f"beginning of {name}", interval=0.001)
        start.kill()
        start.communicate()
        host.kvmctl("stop", "--now", "vm")
        assert host.network() == before and list(resources.iterdir()) == []


def test_forwarding_that_others_may_rely_on_stays(host):
    """A container network that was set up meanwhile found it on, and would silently lose it."""
    host.execute("sysctl", "-qw", "net.ipv4.ip_forward=0")
    host.write_firmware_vm("vm", NET0="nat")
    host.kvmctl("start", "vm")
    host.ip("link", "add", "docker0", "type", "bridge")
    host.ip("addr", "add", "172.17.0.1/16", "dev", "docker0")
    host.kvmctl("stop", "--now", "vm")
    assert host.execute("sysctl", "-n", "net.ipv4.ip_forward").stdout == "1\n"
    # What existed before does not count.
    host.execute("sysctl", "-qw", "net.ipv4.ip_forward=0")
    host.kvmctl("start", "vm")
    host.kvmctl("stop", "--now", "vm")
    assert host.execute("sysctl", "-n", "net.ipv4.ip_forward").stdout == "0\n"

"""The Debian package on a host with systemd: what happens to VMs, and what a removal leaves behind."""

import re

import pytest

HOST = 9
INSTALL = "dpkg --install /lab/kvmctl_*.deb"
# The same package with a higher version, built from the installed files, so that only the version changes.
MAKE_NEWER = """
    dpkg-deb --raw-extract /lab/kvmctl_*.deb /root/newer
    sed -i 's/^Version: .*/&+newer/' /root/newer/DEBIAN/control
    dpkg-deb --root-owner-group -Znone --build /root/newer /root/newer.deb
"""
# Files that the host itself changes while a test runs.
RESTLESS = ("/var/lib/dpkg", "/var/lib/systemd", "/var/log/journal", "/var/log/dpkg.log", "/var/cache/man", "/root", "/tmp", "/vms",
            "/var/tmp")


@pytest.fixture
def pristine_host(lab):
    """A host that never had kvmctl installed."""
    host = lab.make_host(HOST)
    host.start()
    host.run("ls /lab/kvmctl_*.deb || { echo 'no package in the payload: run `make deb` first' >&2; exit 1; }")
    yield host
    lab.lose_host(HOST)


def traces(host):
    """Every file of the host that does not always change, its accounts, and systemd's units."""
    pruned = " -o ".join(f"-path {path}" for path in RESTLESS)
    return set(host.run(f"""
        find / -xdev \\( {pruned} \\) -prune -o -print
        find /run -maxdepth 1
        cat /etc/passwd /etc/group
        systemctl list-units --all --plain --no-legend 'kvmctl*'
        nft list tables
        ip -brief link show
    """).stdout.splitlines())


def pids(host, *names):
    return [host.show(name)["pid"] for name in names]


def are_running(host, processes):
    return host.run(f"ps -o pid= -p {','.join(map(str, processes))}", expect=None).stdout.split() == [
        str(process) for process in sorted(processes)]


def test_package_starts_and_stops_no_guest_and_leaves_no_trace(pristine_host):
    host = pristine_host
    before = traces(host)
    host.run(INSTALL)
    assert host.run("stat -c '%a %G' /run/kvmctl").stdout == "750 kvmctl\n"
    host.run("dpkg --purge kvmctl")
    assert traces(host) == before

    host.run(INSTALL)
    host.run(MAKE_NEWER)
    for name in ("in-unit", "by-hand"):
        # It only matters that they keep running: firmware alone is enough, and quick to start.
        host.write(f"/vms/{name}/vm.params", "MEMORY=32\nNET0=none\nVNCDISP=none\nACCEL=tcg\n")
    host.run("systemctl enable --now kvmctl@in-unit")
    host.kvmctl("start", "by-hand")
    guests = pids(host, "in-unit", "by-hand")

    host.run("dpkg --install /root/newer.deb")
    assert pids(host, "in-unit", "by-hand") == guests
    host.run("systemctl is-active kvmctl@in-unit")
    # VMs that an older kvmctl started belong to this one too.
    assert "QEMU was told to quit" in host.kvmctl("stop", "by-hand", "--now").stdout
    host.kvmctl("start", "by-hand")
    guests = pids(host, "in-unit", "by-hand")

    host.run("dpkg --remove kvmctl")
    assert are_running(host, guests)
    purge = host.run("dpkg --purge kvmctl").stderr
    assert are_running(host, guests) and "VMs run" in purge
    host.run("systemctl is-active kvmctl@in-unit; test -S /run/kvmctl/vms/by-hand/qmp.sock")
    # A unit that was removed has no ExecStop: systemd tells QEMU to end.
    host.run(f"systemctl stop kvmctl@in-unit; kill {guests[1]}; while pgrep qemu-system; do sleep 0.1; done")
    host.run(re.search(r"^ +(rm .*)$", purge, re.MULTILINE)[1])
    assert traces(host) == before

"""QEMU's privileges and descriptors, as the kernel reports them."""

import re

CAPABILITY_SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def start_with_everything(host, name):
    """A VM that has a disk, a CD, a NIC, a display."""
    params = host.write_firmware_vm(name, NET0="bridge:br0", VNCDISP="auto", DISK0="disk", DISK0_SIZE="1G")
    host.kvmctl("start", name, "--cdrom", host.guests / "install.iso")
    return params


def test_qemu_runs_unprivileged(bridged_host):
    host = bridged_host
    start_with_everything(host, "vm")
    status = host.qemu().status
    uids, gids = set(status["Uid"].split()), set(status["Gid"].split())
    assert len(uids) == 1 and "0" not in uids
    assert len(gids) == 1 and "0" not in gids
    assert "0" not in status["Groups"].split()
    assert {name: int(status[name], 16) for name in CAPABILITY_SETS} == dict.fromkeys(CAPABILITY_SETS, 0)
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def test_each_vm_has_a_user_of_its_own(host):
    for name in ("a", "b"):
        host.write_firmware_vm(name)
    host.kvmctl("start", "a", "b")
    assert len({qemu.status["Uid"] for qemu in host.qemus()}) == 2


def test_runas_names_the_user(host):
    host.write_firmware_vm("vm", RUNAS="nobody")
    host.kvmctl("start", "vm")
    assert set(host.qemu().status["Uid"].split()) == {"65534"}


def test_qemu_holds_only_what_was_meant(bridged_host):
    host = bridged_host
    params = start_with_everything(host, "vm")
    held = host.qemu().descriptors.values()

    paths = {path for path in held if path.startswith("/") and not path.startswith(("/dev/", "/memfd:"))}
    logs = {path for path in paths if path.startswith(f"{host.run}/log/vm/")}
    assert paths - logs == {
        str(params.with_name("disk")),
        str(host.guests / "install.iso"),
        str(host.run / "vms" / "vm" / "lock"),
        str(host.run / "uids" / host.qemu().status["Uid"].split()[0]),  # the lock of its uid
        str(host.run / "resources" / "taps.vm"),  # read-only
    }
    devices = {path for path in held if path.startswith("/dev/")}
    assert "/dev/net/tun" in devices
    assert devices <= {"/dev/net/tun", "/dev/null", "/dev/kvm", "/dev/vhost-net", "/dev/urandom"}
    assert [path for path in held if path.startswith("pipe:")] == []
    assert sockets_in(host, "netlink", held) == []


def sockets_in(host, table, held):
    """The held sockets that are in the namespace's /proc/net/TABLE."""
    content = host.execute("cat", f"/proc/net/{table}").stdout
    inodes = {line.split()[-1] for line in content.splitlines()[1:]}
    return [path for path in held if (match := re.match(r"socket:\[(\d+)\]", path)) and match.group(1) in inodes]


def test_other_users_may_not_read_the_sockets(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    for path in (host.run / "vms" / "vm").glob("*.sock"):
        assert path.stat().st_mode & 0o007 == 0, path

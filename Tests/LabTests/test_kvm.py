"""Real KVM: guests run under it, and reach the network by vhost-net and the host's own NIC."""

import pytest


@pytest.fixture
def uplinked_host(lab, lab_host):
    """The host with its own NIC under br0, and 10.9.0.0/24 beside its own network on the wire."""
    lab_host.kvmctl("net", "up", "br0", "--uplink", "eth0")
    lab.wire.execute("ip", "address", "add", "10.9.0.3/24", "dev", "wire")
    yield lab_host
    lab.wire.execute("ip", "address", "delete", "10.9.0.3/24", "dev", "wire")
    lab_host.run("kvmctl stop --all --now; rm -rf /vms/1", expect=None)
    lab_host.kvmctl("net", "down", "br0")


def assert_installed_system_is_up(lab, host):
    host.wait_console("1", "tiny: marker written by the installer", timeout=300)
    host.wait_console("1", "tiny: up")
    # From the other end of the wire: through the host's NIC, the bridge and the tap.
    lab.wire.execute("ping", "-q", "-c", "1", "-w", "20", "10.9.0.2")


def threads(host):
    """The names of all threads. vhost's belong to the kernel, or since Linux 6.4 to QEMU."""
    return host.run("cat /proc/[0-9]*/task/*/comm 2>/dev/null; true").stdout.splitlines()


def test_doctor_finds_nothing(lab_host):
    checks = lab_host.json("doctor")
    assert checks
    assert [check for check in checks if check["severity"] != "ok"] == []


def test_auto_chooses_kvm(lab_host):
    lab_host.write_tiny_vm("auto")
    lab_host.kvmctl("start", "auto")
    shown = lab_host.show("auto")
    assert shown["accelerator"] == "kvm"
    assert "anon_inode:kvm-vcpu:0" in lab_host.run(f"ls -l /proc/{shown['pid']}/fd").stdout
    lab_host.wait_console("auto", "tiny: up")
    lab_host.kvmctl("stop", "auto")
    lab_host.kvmctl("rm", "auto")


def test_each_queue_has_its_vhost(lab_host):
    lab_host.kvmctl("net", "up", "br0")
    lab_host.write("/vms/queues/vm.params", "MEMORY=64\nCPUS=3\nVNCDISP=none\nNET0=bridge:br0\nNET0_QUEUES=3\n")
    lab_host.kvmctl("start", "queues")
    pid = lab_host.show("queues")["pid"]
    assert threads(lab_host).count(f"vhost-{pid}") == 3
    tap = lab_host.show("queues")["nics"][0]["tap"]
    assert "multi_queue" in lab_host.run(f"ip -d link show {tap}").stdout
    lab_host.run("kvmctl stop queues --now && kvmctl rm queues && kvmctl net down br0")


def test_install_walk_through(lab, uplinked_host):
    host = uplinked_host
    host.kvmctl("create", "/vms/1", "--disk", "8G", "--disk", "8G", "--memory", "512", "--vnc", "0")
    host.kvmctl("start", "/vms/1/vm.params", "--cdrom", "/lab/guests/install.iso")
    shown = host.show("1")
    assert shown["accelerator"] == "kvm"
    assert f"vhost-{shown['pid']}" in threads(host)
    host.wait_console("1", "tiny: installed, rebooting", timeout=300)
    assert_installed_system_is_up(lab, host)

    host.kvmctl("stop", "1")
    host.kvmctl("start", "1")
    assert_installed_system_is_up(lab, host)
    host.kvmctl("stop", "1")


def test_warm_starts(lab_host):
    """A guest under KVM is saved, and each run goes on from it with random numbers, a clock and an address of its own."""
    lab_host.write_tiny_vm(
        "warm", "tiny.agent", MEMORY=192, NET0="user", ACCEL="kvm", INITRD="/lab/guests/initrd-agent.gz")
    words = "grep -c hypervisor /proc/cpuinfo; head -c 16 /dev/urandom | od -An -tx1; cat /sys/class/net/eth0/address; date +%s"
    # With the image made, and from it.
    told = [lab_host.kvmctl("run", "warm", "--warm", "--", "sh", "-c", words, timeout=300) for _ in range(3)]
    assert [one.stderr for one in told[1:]] == ["", ""]
    lines = [one.stdout.splitlines() for one in told]
    for part in 1, 2:
        assert len({line[part] for line in lines}) == 3, lines
    assert int(lines[0][3]) <= int(lines[1][3]) <= int(lines[2][3]) <= int(lab_host.run("date +%s").stdout)
    [image] = lab_host.json("warm", "list")
    assert image["model"] == "/vms/warm/vm.params"
    assert '"the host\'s processor"' in lab_host.run(f"cat {image['path']}/image.json").stdout
    lab_host.run("kvmctl warm rm --all && kvmctl rm warm")

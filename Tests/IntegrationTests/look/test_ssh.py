"""`ssh` and `vnc --open`: kvmctl turns into the program that connects."""

from rig.host import NOBODY


def program(host, name, body):
    """A program that is found first, on this host."""
    path = host.binary.with_name(name)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    host.environment["PATH"] = f"{host.binary.parent}:{host.environment['PATH']}"


def test_the_forward_of_a_user_network(host):
    host.write_firmware_vm("vm", NET0="user", FORWARD0="tcp:127.0.0.1:2222:22")
    host.write_firmware_vm("none", NET0="user")
    host.kvmctl("start", "vm", "none")
    program(host, "ssh", 'echo "$@"; exit 7')
    alias = f"HostKeyAlias=kvmctl-vm-{host.show('vm')['uuid']}"
    words = f"-o {alias} -o CheckHostIP=no -p 2222 -l root 127.0.0.1"
    run = host.kvmctl("ssh", "--user", "root", "vm", "uname", "-a", expect=7)
    assert run.stdout == f"{words} uname -a\n"
    assert host.kvmctl("ssh", "-u", "root", "vm", "--", "-t", "top", expect=7).stdout == f"{words} -t top\n"
    assert host.kvmctl("ssh", "-u", "root", "--dry-run", "vm").stdout == f"ssh {words}\n"
    assert "come before it" in host.kvmctl("ssh", "vm", "--user", "root", expect=64).stderr
    assert "FORWARD0=tcp:127.0.0.1:2222:22" in host.kvmctl("ssh", "none", expect=69).stderr
    host.kvmctl("stop", "--now", "vm")
    host.kvmctl("ssh", "vm", expect=75)
    host.kvmctl("ssh", "other", expect=66)


def test_the_address_that_ip_finds(host):
    host.kvmctl("net", "up", "br0", "--address", "192.0.2.1/24")
    host.write_tiny_vm("vm", "tiny.ip=192.0.2.7/24", NET0="bridge:br0")
    host.kvmctl("start", "vm")
    assert "no address is known" in host.kvmctl("ssh", "vm", expect=69).stderr
    host.kvmctl("ip", "--wait", "60s", "vm")
    assert host.kvmctl("ssh", "--dry-run", "vm", "true").stdout.endswith(" -p 22 192.0.2.7 true\n")


def test_the_viewer_that_is_there(host):
    host.write_firmware_vm("vm", VNCDISP="auto", ACCEL="tcg")
    host.kvmctl("start", "vm")
    assert "no display here" in host.kvmctl("vnc", "--open", "vm", expect=69).stderr
    host.environment["DISPLAY"] = ":9"
    assert "apt-get install" in host.kvmctl("vnc", "--open", "vm", expect=69).stderr
    program(host, "xtigervncviewer", 'echo "$1 with $VNC_PASSWORD"; exit 3')
    password = host.kvmctl("vnc", "--password", "vm").stdout.strip()
    lines = host.kvmctl("vnc", "--open", "vm", expect=3).stdout.splitlines()
    assert lines[-1] == f"127.0.0.1::5900 with {password}" and lines[0].startswith("address ")
    host.environment["SUDO_UID"] = str(NOBODY)
    assert "another user's display" in host.kvmctl("vnc", "--open", "vm", expect=77).stderr
    host.kvmctl("vnc", "--open", "--json", "vm", expect=64)

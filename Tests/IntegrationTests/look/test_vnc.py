"""An independent VNC client sees the guest's screen, if its user may."""

import json
import re
import stat

import pytest
from PIL import Image

from rig.fake import fake_qemu
from rig.host import NOBODY
from rig.tree import TREE
from rig.vnc import password_file
from rig.waiting import wait_until


def test_vncsnapshot_captures_the_screen(host):
    host.write_tiny_vm("screen", VNCDISP=3, words="console=tty0 console=ttyS0")
    host.kvmctl("start", "screen")
    host.wait_console("screen", "tiny: up")

    picture = host.root / "screen.jpg"
    result = host.execute("vncsnapshot", "-quiet", "-quality", "100", "127.0.0.1:3", picture)
    assert result.returncode == 0, result.stderr

    brightness = Image.open(picture).convert("L").histogram()
    lit = sum(brightness[128:]) / sum(brightness)
    assert 0.01 < lit < 0.5, f"{lit:.1%} of the screen is lit: not text on a dark ground"


def test_vnc_listens_on_loopback_only(host):
    host.write_firmware_vm("screen", VNCDISP=3)
    host.kvmctl("start", "screen")
    listening = host.execute("ss", "-Hltn").stdout
    addresses = wait_until(lambda: [line.split()[3] for line in listening.splitlines()], "listening socket")
    assert addresses == ["127.0.0.1:5903"]


def test_without_a_display_nothing_listens(host):
    host.write_firmware_vm("blind", VNCDISP="none")
    host.kvmctl("start", "blind")
    assert host.execute("ss", "-Hltn").stdout == ""


def test_taken_display_is_busy(host):
    host.write_firmware_vm("first", VNCDISP=3)
    host.write_firmware_vm("second", VNCDISP=3)
    host.kvmctl("start", "first")
    assert "5903" in host.kvmctl("start", "second", expect=75).stderr
    assert host.state("second") == "stopped"


# What a program on the host finds at a port: the security types offered, and whether it gets in.
TRY = """
import sys
sys.path.insert(0, sys.argv[1])
from rig.vnc import Connection
connection = Connection(int(sys.argv[2]))
print(sorted(connection.offered), connection.log_in(*sys.argv[3:]))
"""


def knock(host, port, *password, uid=None):
    command = ["/usr/bin/python3", "-c", TRY, TREE / "Tests", port, *password]
    result = host.execute(*command, uid=uid)
    return result.stdout.strip() or result.stderr.strip().splitlines()[-1]


def password_of(host, vm="vm"):
    return host.kvmctl("vnc", vm, "--password").stdout.strip()


@pytest.mark.parametrize("keys", [{"VNCDISP": "auto"}, {}], ids=["auto", "default"])
def test_a_display_that_is_chosen_at_start_has_a_password_of_that_start(host, keys):
    host.write_vm("vm", MEMORY=32, NET0="none", ACCEL="tcg", **keys)
    said = host.kvmctl("start", "vm")
    assert "VNC at 127.0.0.1:5900 (password: `kvmctl vnc vm`)" in said.stdout
    assert said.stderr.count("\n") == 0 or "VNC" not in said.stderr
    first = password_of(host)
    assert re.fullmatch("[A-Za-z0-9._]{8}", first)
    assert first not in said.stdout
    assert knock(host, 5900, first) == "[2] True"
    assert knock(host, 5900, "wrong") == "[2] False"
    # There is no login without a password, whatever a client asks for.
    assert not knock(host, 5900).endswith("True")
    file = host.run / "vms" / "vm" / "vnc.password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and file.stat().st_uid == 0
    # And the password is nowhere that others can read: not in QEMU's arguments, not in its log.
    assert not any(first in word for word in host.qemu().arguments)
    host.kvmctl("stop", "--now", "vm")
    host.kvmctl("start", "vm")
    assert password_of(host) != first


def test_a_display_in_the_foreground_has_one_too(host):
    host.write_firmware_vm("vm", VNCDISP="auto", ACCEL="tcg")
    start = host.popen(host.binary, "start", "--foreground", "vm")
    wait_until(lambda: host.state("vm") == "running", "running VM")
    assert knock(host, 5900, password_of(host)) == "[2] True"
    start.terminate()
    start.communicate(timeout=30)


def test_the_password_of_a_file(host):
    (host.vms / "secret").write_text("from-me\n")
    host.write_firmware_vm("vm", VNCDISP=3, VNCPASSWORD_FILE="../secret", ACCEL="tcg")
    assert host.kvmctl("start", "vm").stderr == ""
    (host.vms / "secret").write_text("another")
    # The password of this run, whatever the file holds by now.
    assert password_of(host) == "from-me"
    assert knock(host, 5903, "from-me") == "[2] True"


def test_a_numbered_display_says_what_protects_it(host):
    """As in a file of 2010: every account gets in, and one line says so and how to change that."""
    params = host.write_firmware_vm("vm", VNCDISP=0, ACCEL="tcg")
    [line] = host.kvmctl("start", "vm").stderr.splitlines()
    for part in (f"{params}:3: VNCDISP", "127.0.0.1:5900", "has no password", "any local account", "VNCDISP=auto",
                 "VNCPASSWORD_FILE"):
        assert part in line
    assert knock(host, 5900, uid=NOBODY) == "[1] True"
    assert "any local account" in host.kvmctl("check", "vm").stdout
    # It has nothing to boot either.
    findings = json.loads(host.kvmctl("doctor", "vm", "--json", expect=69).stdout)
    [found] = [entry for entry in findings if "has no password" in entry["text"]]
    assert found["severity"] == "warning" and "any local account" in found["text"]
    shown = host.kvmctl("vnc", "vm").stdout
    assert "none: has no password" in shown
    assert "VNCDISP=auto" in host.kvmctl("vnc", "vm", "--password", expect=69).stderr
    # A start without a password removes the password of the run before.
    host.kvmctl("stop", "--now", "vm")
    host.write_firmware_vm("vm", VNCDISP="auto", ACCEL="tcg")
    host.kvmctl("start", "vm")
    host.kvmctl("stop", "--now", "vm")
    host.write_firmware_vm("vm", VNCDISP=0, ACCEL="tcg")
    host.kvmctl("start", "vm")
    assert not (host.run / "vms" / "vm" / "vnc.password").exists()


def test_what_vnc_says(host):
    host.write_firmware_vm("vm", VNCDISP="auto", VNCBIND="127.0.0.2", ACCEL="tcg")
    host.kvmctl("start", "vm")
    told = host.json("vnc", "vm")
    name = host.execute("hostname").stdout.strip()
    assert told == {
        "schema": "kvmctl.vnc/1", "name": "vm", "address": "127.0.0.2", "port": 5900, "display": 0,
        "password": password_of(host), "tunnel": f"ssh -L 5900:127.0.0.2:5900 {name}"}
    text = host.kvmctl("vnc", "vm").stdout
    for part in ("127.0.0.2:5900", told["password"], told["tunnel"]):
        assert part in text
    shown = host.kvmctl("show", "vm").stdout
    assert "with a password: `kvmctl vnc vm`" in shown and told["password"] not in shown
    assert host.show("vm")["vnc"]["hasPassword"] is True
    assert told["password"] not in str(host.json("show", "vm")) + str(host.json("list"))


def test_who_may_not_know_it(host):
    """Neither another account nor the group that may look at VMs; and of these VMs there is no password to know."""
    host.root.chmod(0o755)
    host.run.chmod(0o755)
    host.write_firmware_vm("vm", VNCDISP="auto", ACCEL="tcg")
    host.kvmctl("start", "vm")
    for place in ("vms", "vms/vm"):
        (host.run / place).chmod(0o755)
    for file in (host.run / "vms" / "vm").iterdir():
        if file.name != "vnc.password" and file.suffix != ".sock":
            file.chmod(0o644)
    refused = host.execute(host.binary, "vnc", "vm", uid=NOBODY)
    assert refused.returncode == 77 and refused.stdout == "", refused
    host.kvmctl("stop", "--now", "vm")
    assert f"`kvmctl start {host.vms}/vm/vm.params`" in host.kvmctl("vnc", "vm", expect=75).stderr
    host.write_firmware_vm("vm", VNCDISP="none", ACCEL="tcg")
    host.kvmctl("start", "vm")
    assert "VNCDISP=none" in host.kvmctl("vnc", "vm", expect=69).stderr
    host.kvmctl("rm", "vm", expect=75)
    host.kvmctl("stop", "--now", "vm")
    host.kvmctl("rm", "vm")
    assert not (host.run / "vms" / "vm").exists()


def test_vncsnapshot_with_the_password(host):
    host.write_firmware_vm("vm", VNCDISP="auto", ACCEL="tcg")
    host.kvmctl("start", "vm")
    secret = password_file(host.root / "secret", password_of(host))
    picture = host.root / "screen.jpg"
    result = host.execute("vncsnapshot", "-quiet", "-passwd", secret, "127.0.0.1:0", picture)
    assert result.returncode == 0, result.stderr
    assert Image.open(picture).size[0] >= 640


def test_a_host_without_des_says_what_is_left(host):
    """In FIPS mode QEMU has no VNC passwords (ui/vnc.c), and ends."""
    qemu = fake_qemu(host, "echo 'qemu: -vnc 127.0.0.1:0: Cipher backend does not support DES algorithm' >&2; exit 1\n")
    host.write_firmware_vm("vm", VNCDISP="auto", QEMU=qemu)
    told = host.kvmctl("start", "vm", expect=69).stderr
    assert "DES" in told and "VNCDISP=none" in told

"""A VNC client that is not ours sees the guest's screen."""

from PIL import Image

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

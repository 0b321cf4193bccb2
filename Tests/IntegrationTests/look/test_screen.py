"""The screen's picture and its text, and the keyboard."""

import os
import stat
import subprocess

from PIL import Image

from rig.host import NOBODY
from rig.terminal import spawn, wait_for_exit
from rig.waiting import wait_until


def text_on(host, vm):
    return host.kvmctl("screenshot", vm, "--text").stdout


def text_while_it_changes(host, vm, booting=True):
    """What the screen shows; nothing if the guest has not set it up yet, or writes faster than that can be read."""
    done = host.kvmctl("screenshot", vm, "--text", expect=None)
    reasons = ["changes all the time", *(["graphics mode"] if booting else [])]
    assert done.returncode == 0 or done.returncode == 75 and any(why in done.stderr for why in reasons), done.stderr
    return done.stdout


def test_pictures_of_the_screen(host):
    host.write_firmware_vm("vm")
    host.kvmctl("screenshot", "vm", host.root / "vm.png", expect=75)
    host.kvmctl("start", "vm")
    wait_until(lambda: "SeaBIOS" in text_while_it_changes(host, "vm"), "text of the firmware")
    said = host.kvmctl("screenshot", "vm", "vm.png").stdout
    assert said == f"vm: screen saved to {host.root}/vm.png\n"
    assert Image.open(host.root / "vm.png").size == (720, 400)
    # A file that is there is replaced; one that others share through a link is not written to.
    os.link(host.root / "vm.png", host.root / "other")
    before = (host.root / "other").read_bytes()
    told = host.json("screenshot", "vm", "vm.ppm")
    assert (told["format"], told["size"]) == ("ppm", (host.root / "vm.ppm").stat().st_size)
    host.kvmctl("screenshot", "vm", "vm.png")
    assert (host.root / "other").read_bytes() == before and (host.root / "vm.png").stat().st_nlink == 1
    piped = subprocess.run(
        host.command(host.binary, "screenshot", "vm", "-"), env=host.environment, capture_output=True, check=True)
    assert piped.stdout.startswith(b"\x89PNG")
    terminal = spawn(host, "screenshot", "vm", "-")
    terminal.expect("is a terminal")
    wait_for_exit(terminal, expect=64)
    assert not list(host.root.glob(".*"))


def test_where_a_picture_is_not_written(host):
    host.root.chmod(0o755)
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    target = host.root / "target"
    target.write_text("mine")
    (host.root / "link.png").symlink_to(target)
    os.mkfifo(host.root / "fifo.png")
    for name, code in ("link.png", 73), ("fifo.png", 73), ("vms", 73), ("none/vm.png", 73), ("/dev/null", 73):
        said = host.kvmctl("screenshot", "vm", host.root / name, expect=code).stderr
        assert name.split("/")[0] in said or name in said
    assert target.read_text() == "mine" and stat.S_ISCHR(os.stat("/dev/null").st_mode)
    theirs = host.root / "theirs"
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)
    assert "nobody" in host.kvmctl("screenshot", "vm", theirs / "vm.png", expect=77).stderr
    assert not list(theirs.iterdir())


def test_keys_and_text(host):
    # The last console has the shell: the screen.
    host.write_tiny_vm("vm", "console=tty0")
    host.kvmctl("start", "vm")
    wait_until(lambda: "/ #" in text_while_it_changes(host, "vm"), "shell")
    line = "echo 'A-z_0'=~$((6*7)) \"{|}\""
    assert host.kvmctl("sendkey", "vm", "ctrl-c", "--text", line + "\\n").stdout == (
        f"vm: pressed ctrl-c, typed {len(line) + 1} characters\n")
    wait_until(lambda: "A-z_0=~42 {|}\n" in text_on(host, "vm"), lambda: text_on(host, "vm"))
    assert host.kvmctl("sendkey", "vm", "ctrl-d", "f2", "--dry-run").stdout == "vm: would press ctrl-d, f2\n"
    host.kvmctl("sendkey", "vm", "ctrl-alt-delete")
    wait_until(lambda: '"RESET"' in (host.run / "log/vm/record").read_text(), "reset")


def test_screen_that_changes_all_the_time(host):
    host.write_tiny_vm("vm", "console=tty0")
    host.kvmctl("start", "vm")
    wait_until(lambda: "/ #" in text_while_it_changes(host, "vm"), "shell")
    host.kvmctl("sendkey", "vm", "--text", "yes kvmctl\\n")
    for _ in range(3):
        # Never "it is in graphics mode".
        assert set(text_while_it_changes(host, "vm", booting=False).split()[1:-1]) <= {"kvmctl"}
    host.kvmctl("sendkey", "vm", "ctrl-c")
    wait_until(lambda: text_while_it_changes(host, "vm").rstrip().endswith("/ #"), "shell again")


def test_keys_that_are_refused(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    for words, said in (["ctrl-alt-delet"], "delete"), (["--text", "ä"], "US layout"), ([], "name keys"):
        assert said in host.kvmctl("sendkey", "vm", *words, expect=64).stderr
    host.kvmctl("stop", "--now", "vm")
    host.kvmctl("sendkey", "vm", "f2", expect=75)


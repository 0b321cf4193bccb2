"""Whatever VMs left on the host is removed by the next command, and nothing else."""

import json
import os
import socket
import subprocess

import pytest

from rig.host import NOBODY
from rig.waiting import wait_until

MAC = "02:5a:00:00:00:01"


def leave(host, name, *remnants):
    """A resource that nothing holds, as left by a kvmctl or a QEMU that was killed."""
    directory = host.run / "resources"
    directory.mkdir(mode=0o700, exist_ok=True)
    path = directory / name
    path.write_text("".join(f"\n{json.dumps(remnant)}\n" for remnant in remnants))
    return path


def sysctl(host):
    return host.execute("cat", "/proc/sys/net/ipv4/ip_forward").stdout.strip()


def test_the_next_command_removes_all_that_is_listed(host):
    pid_file = host.root / "pid"
    daemon = host.popen("sh", "-c", f"echo $$ >{pid_file}; exec python3 -c 'import time; time.sleep(600)' --pid-file={pid_file}")
    wait_until(lambda: pid_file.exists() and pid_file.read_text(), "pid file")
    wait_until(lambda: b"--pid-file=" in open(f"/proc/{daemon.pid}/cmdline", "rb").read().split(b"\0", 3)[-1], "daemon")
    host.ip("link", "add", "left0", "address", MAC, "type", "bridge")
    host.execute("nft", "add", "table", "ip", "left")
    host.execute("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    journal = leave(
        host, "net", {"setting": "net/ipv4/ip_forward", "was": "0", "now": "1"}, {"link": "left0", "mac": MAC},
        {"family": "ip", "table": "left"}, {"daemon": str(pid_file)})

    # A command that only looks leaves it there.
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm", "--dry-run")
    host.kvmctl("check", "vm")
    assert "left0" in host.links() and journal.exists()

    assert host.kvmctl("list").stderr == ""
    assert "left0" not in host.links()
    assert host.execute("nft", "list", "tables").stdout == ""
    assert sysctl(host) == "0"
    daemon.wait(timeout=10)
    assert not journal.exists() and not pid_file.exists()


def test_what_somebody_else_made_is_left_alone(host):
    other = subprocess.Popen(["sleep", "600"])
    try:
        pid_file = host.root / "pid"
        pid_file.write_text(f"{other.pid}\n")
        host.ip("link", "add", "left0", "address", "02:5a:00:00:00:02", "type", "bridge")
        host.execute("sh", "-c", "echo 2 >/proc/sys/net/ipv4/conf/all/rp_filter")
        leave(
            host, "net", {"setting": "net/ipv4/conf/all/rp_filter", "was": "0", "now": "1"},
            {"link": "left0", "mac": MAC}, {"family": "ip", "table": "never-made"}, {"daemon": str(pid_file)})
        assert host.kvmctl("list").stderr == ""
        assert "left0" in host.links()
        assert host.execute("cat", "/proc/sys/net/ipv4/conf/all/rp_filter").stdout == "2\n"
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


STRANGE = ("fifo", "directory", "link", "socket", "foreign", "open")


def make_strange(path, kind):
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("/etc/passwd")
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(path))
    else:
        path.write_text('{"link": "left0", "mac": "%s"}' % MAC)
        if kind == "foreign":
            os.chown(path, NOBODY, NOBODY)
        else:
            path.chmod(0o622)


@pytest.mark.parametrize("directory", ["resources", "net"])
def test_what_kvmctl_did_not_write_is_named_and_passed_over(host, directory):
    host.ip("link", "add", "left0", "address", MAC, "type", "bridge")
    (host.run / directory).mkdir(mode=0o700)
    paths = [host.run / directory / kind for kind in STRANGE]
    for path in paths:
        make_strange(path, path.name)
    host.ip("link", "add", "left1", "address", MAC, "type", "bridge")
    leave(host, "web", {"link": "left1", "mac": MAC})
    said = host.kvmctl("list", timeout=20).stderr
    for path in paths:
        [line] = [line for line in said.splitlines() if f"{path}:" in line]
        assert ("belongs to" if path.name in STRANGE[-2:] else "is not the regular file") in line
        assert str(path) in said and "if nobody needs it, remove it" in said
    # Everything else is done, and nothing that these entries ask for.
    assert "left0" in host.links() and "left1" not in host.links()
    for path in paths:
        subprocess.run(["rm", "-r", path], check=True)
    assert host.kvmctl("list").stderr == ""


def test_a_run_directory_that_somebody_else_can_change_is_refused(host):
    theirs = host.root / "theirs"
    (theirs / "run").mkdir(parents=True)
    link = host.root / "link"
    link.symlink_to(theirs / "run")
    os.chown(theirs, NOBODY, NOBODY)
    journal = theirs / "run" / "resources" / "net"
    journal.parent.mkdir(mode=0o700)
    journal.write_text(json.dumps({"link": "left0", "mac": MAC}))
    host.ip("link", "add", "left0", "address", MAC, "type", "bridge")
    for run in (theirs, theirs / "run", theirs / "new" / "run", link):
        host.environment["KVMCTL_RUN"] = str(run)
        said = host.kvmctl("list", expect=77).stderr
        assert "nobody" in said and "sudo env -u KVMCTL_RUN" in said
    os.chown(theirs, 0, 0)
    theirs.chmod(0o775)
    assert "mode 775" in host.kvmctl("list", expect=77).stderr
    assert "left0" in host.links()
    # In a directory where everybody may write, but nobody may replace root's files.
    theirs.chmod(0o1777)
    host.kvmctl("list")
    assert "left0" not in host.links()


def test_a_program_that_hangs_is_waited_for_once(host):
    tools = host.root / "tools"
    tools.mkdir()
    (tools / "nft").write_text("#!/bin/sh\necho run >>$0.log\nexec sleep 600\n")
    (tools / "nft").chmod(0o755)
    for number in range(5):
        leave(host, f"rules.{number}", {"family": "ip", "table": f"left{number}"})
    said = host.execute("env", f"PATH={tools}", host.binary, "list", timeout=60).stderr
    assert (tools / "nft.log").read_text() == "run\n"
    assert said.count("did not end in time") == 1 and said.count("was not run") == 4
    assert host.kvmctl("list").stderr == "" and host.execute("nft", "list", "tables").stdout == ""


def test_what_can_not_be_removed_is_said_and_tried_again(host):
    host.execute("nft", "add", "table", "ip", "left")
    journal = leave(host, "net", {"family": "ip", "table": "left"})
    assert "apt-get install nftables" in host.execute("env", "PATH=/nonexistent", host.binary, "list").stderr
    assert journal.exists()
    assert host.kvmctl("list").stderr == ""
    assert not journal.exists()

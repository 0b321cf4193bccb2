"""What VMs left on the host is removed by the next command, and nothing else is."""

import json
import subprocess

from rig.waiting import wait_until

MAC = "02:5a:00:00:00:01"


def leave(host, name, *remnants):
    """A resource that nobody holds, as a kvmctl or a QEMU that was killed leaves it."""
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

    # What only looks leaves it there.
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


def test_what_can_not_be_removed_is_said_and_tried_again(host):
    host.execute("nft", "add", "table", "ip", "left")
    journal = leave(host, "net", {"family": "ip", "table": "left"})
    assert "apt-get install nftables" in host.execute("env", "PATH=/nonexistent", host.binary, "list").stderr
    assert journal.exists()
    assert host.kvmctl("list").stderr == ""
    assert not journal.exists()

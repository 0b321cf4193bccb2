"""What `list`, `show` and `explain` tell people and programs of real VMs."""

import os
import re
from datetime import UTC, datetime

from rig.terminal import spawn, wait_for_exit

SUBNET = "192.0.2.{}/24"


def test_columns_filters_and_names(host):
    host.write_firmware_vm("run", NET0="user", FORWARD0="tcp:127.0.0.1:2222:22", VNCDISP=3)
    host.write_firmware_vm("off")
    broken = host.write_firmware_vm("sick", MEMORY="much")
    host.kvmctl("start", "run")
    listed = host.kvmctl("list").stdout
    assert [line.split()[:2] for line in listed.splitlines()] == [
        ["NAME", "STATE"], ["off", "stopped"], ["run", "running"], ["sick", "broken"]]
    row = listed.splitlines()[2].split()
    assert row[2:6] == ["32M", "1", "127.0.0.1:5903", "127.0.0.1:2222->22"]
    assert host.kvmctl("list", "-q").stdout == host.kvmctl("list", "--names").stdout == "off\nrun\nsick\n"
    assert host.kvmctl("list", "--names", "--state", "running,broken").stdout == "run\nsick\n"
    table = host.kvmctl("list", "-o", "file,state", "sick").stdout.splitlines()
    assert [line.split() for line in table] == [["FILE", "STATE"], [str(broken), "broken"]]
    [one] = host.json("list", "run")
    assert (one["name"], one["forwards"], one["addresses"]) == ("run", ["tcp:127.0.0.1:2222:22"], [])
    assert abs((datetime.now(UTC) - datetime.fromisoformat(one["startTime"])).total_seconds()) < 3600
    missing = host.kvmctl("list", "--names", "off", "none", expect=66)
    assert missing.stdout == "off\n" and "none" in missing.stderr
    for words, said in (["-o", "nam"], "name"), (["--state", "runing"], "running"), (["-o", "name", "--json"], "-o"):
        assert said in host.kvmctl("list", *words, expect=64).stderr


def test_colour_is_for_terminals(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    host.environment["TERM"] = "xterm"
    for word, coloured in ("", True), ("1", False):
        host.environment["NO_COLOR"] = word
        terminal = spawn(host, "list")
        wait_for_exit(terminal)
        assert ("\x1b[32mrunning\x1b[0m" in terminal.before) == coloured
    assert "\x1b" not in host.kvmctl("list").stdout


def test_addresses_that_the_host_remembers(host):
    host.kvmctl("net", "up", "br0", "--address", SUBNET.format(1))
    host.write_tiny_vm("vm", f"tiny.ip={SUBNET.format(7)}", NET0="bridge:br0")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    assert host.execute("ping", "-c", "1", "-W", "10", "192.0.2.7").returncode == 0
    assert "192.0.2.7" in host.kvmctl("list").stdout
    shown = host.show("vm")
    assert [(one["address"], one["sources"]) for one in shown["addresses"] if one["scope"] == "global"] == [
        ("192.0.2.7", ["neighbour"])]
    assert re.search(r"(?m)^  address +192\.0\.2\.7$", host.kvmctl("show", "vm").stdout)


def test_what_show_looks_at(host):
    host.write_firmware_vm("vm", DISK0="disk", DISK0_SIZE="16M", DISK1="image", DISK1_FORMAT="qcow2")
    host.execute("qemu-img", "create", "-q", "-f", "qcow2", host.vms / "vm/image", "1G")
    host.kvmctl("start", "vm")
    shown = host.show("vm")
    assert [(disk["key"], disk["format"], disk["size"]) for disk in shown["disks"]] == [
        ("DISK0", "raw", 16 << 20), ("DISK1", "qcow2", 1 << 30)]
    assert all(disk["allocated"] < 1 << 20 for disk in shown["disks"])
    assert shown["uid"] == os.stat(f"/proc/{host.qemu().pid}").st_uid and shown["memoryInUse"] > 1 << 20
    text = host.kvmctl("show", "vm").stdout
    assert "16M (" in text and "1G (" in text and "console log" not in text
    assert "console log" in host.kvmctl("show", "-v", "vm").stdout
    host.kvmctl("stop", "--now", "vm")
    stopped = host.show("vm")
    assert (stopped["uid"], stopped["startTime"], stopped["disks"][1]["size"]) == (None, None, 1 << 30)


def test_explain_what_is_asked_for(host):
    host.write_firmware_vm("vm", DISK0="disk", DISK0_SIZE="16M", DISK1="other", DISK1_SIZE="16M")
    short, whole = (host.kvmctl("explain", *words, "vm").stdout for words in ([], ["-v"]))
    assert "-sandbox" in whole and "-sandbox" not in short and "-m size=32M" in short
    disk = host.kvmctl("explain", "--only", "DISK0", "vm").stdout
    assert "disk0" in disk and "disk1" not in disk and "-m " not in disk
    assert "nothing" in host.kvmctl("explain", "--only", "FORWARD0", "vm", expect=66).stderr
    assert "DISK0" in host.kvmctl("explain", "--only", "DISC0", "vm", expect=64).stderr

"""`enable`, `disable` and `autostart run`: VMs that start with the host."""

import json
import os
import re
import time

import pytest

from rig.documented import assert_documented
from rig.etc import HostWithEtc
from rig.faults import kill_sometime
from rig.tree import TREE
from rig.waiting import wait_until


@pytest.fixture
def etc(host):
    """A host with the unit of the package, without a running systemd, as during an installation."""
    etc = HostWithEtc(host)
    unit = (TREE / "packaging/kvmctl@.service.in").read_text()
    etc.write("systemd/system/kvmctl@.service", unit.replace("@BINDIR@", "/usr/bin").replace("@WANTEDBY@", "multi-user.target"))
    return etc


def test_a_vm_starts_with_the_host_or_no_longer(host, etc):
    host.write_firmware_vm("db")
    host.write_firmware_vm("web", START_AFTER="db", LIMIT_CPU="50%")
    link = etc.etc / "systemd/system/multi-user.target.wants/kvmctl@web.service"
    drop_in = etc.etc / "systemd/system/kvmctl@web.service.d/kvmctl.conf"
    planned = etc.kvmctl("enable", "web", "--dry-run").stdout
    assert "web: would run systemctl enable kvmctl@web.service\n" in planned and "After=kvmctl@db.service" in planned
    assert not link.is_symlink() and not drop_in.exists()

    assert etc.kvmctl("enable", "web", "db").stdout == "web: enabled\ndb: enabled\n"
    assert link.is_symlink()
    host.write_firmware_vm("off")
    assert "MARKS" not in etc.kvmctl("list", "off").stdout
    assert [line.split() for line in etc.kvmctl("list", "-o", "name,marks").stdout.splitlines()] == [
        ["NAME", "MARKS"], ["db", "enabled"], ["off", "-"], ["web", "enabled"]]
    for command in ("list", "show"):
        listed = json.loads(etc.kvmctl(command, "off", "web", "--json").stdout)
        assert [vm["enabled"] for vm in listed] == [False, True]
    (host.vms / "off/vm.params").unlink()
    assert "CPUQuota=50%\n" in drop_in.read_text() and f'"KVMCTL_VMS={host.vms}"' in drop_in.read_text()
    [report] = json.loads(etc.kvmctl("enable", "web", "--json").stdout)
    assert_documented([report])
    assert (report["enabled"], report["changed"]) == (True, False)
    # What the file says by now.
    host.write_firmware_vm("web", LIMIT_CPU="70%")
    assert etc.kvmctl("enable", "web").stdout == "web: enabled\n"
    assert "CPUQuota=70%\n" in drop_in.read_text() and "After" not in drop_in.read_text()

    assert "until kvmctl disable web" in etc.kvmctl("rm", "web", "--dry-run").stderr
    assert etc.kvmctl("disable", "--all").stdout == "db: disabled\nweb: disabled\n"
    assert not link.is_symlink() and not drop_in.parent.exists()
    assert etc.kvmctl("disable", "web").stdout == "web: already disabled\n"


def test_what_is_left_of_a_vm_that_is_gone(host, etc):
    host.write_firmware_vm("web", LIMIT_CPU="50%")
    etc.kvmctl("enable", "web")
    assert "until kvmctl disable web" in etc.kvmctl("rm", "web").stderr
    assert etc.kvmctl("disable", "web").stdout == "web: disabled\n"
    assert not (etc.etc / "systemd/system/kvmctl@web.service.d").exists()
    etc.kvmctl("disable", "web", expect=66)


def test_what_the_unit_could_not_start_is_not_enabled(host, etc):
    elsewhere = host.write_firmware_vm("far", directory=host.root / "far")
    assert "is not found" in etc.kvmctl("enable", elsewhere, expect=75).stderr
    host.write_vm("bad", "MEMORY=lots")
    assert etc.kvmctl("enable", "bad", expect=65).stdout == ""
    # A dry run finds what the real one would.
    unit = etc.etc / "systemd/system/kvmctl@.service"
    host.write_firmware_vm("plain")
    unit.rename(unit.with_suffix(".off"))
    said = [etc.kvmctl("enable", "plain", *words, expect=69).stderr for words in ([], ["--dry-run"])]
    assert said[0] == said[1] and "kvmctl's units are not installed" in said[0]
    unit.with_suffix(".off").rename(unit)
    # The unit would refuse what belongs to another account.
    theirs = host.write_firmware_vm("theirs")
    for path in (theirs.parent, theirs):
        os.chown(path, 65534, 65534)
    assert "act for root alone" in etc.kvmctl("enable", "--trust-owner", "theirs", expect=77).stderr
    # Somebody else's file of that name is left alone.
    host.write_firmware_vm("web", LIMIT_CPU="50%")
    mine = etc.write("systemd/system/kvmctl@web.service.d/kvmctl.conf", "[Service]\nNice=5\n")
    assert f"{mine}: was not written by kvmctl" in etc.kvmctl("enable", "web", expect=73).stderr
    assert not (etc.etc / "systemd/system/multi-user.target.wants/kvmctl@web.service").is_symlink()


def test_a_unit_that_starts_has_what_its_file_says(host, etc):
    host.write_firmware_vm("vm", LIMIT_CPU="50%")
    tools = host.root / "tools"
    tools.mkdir()
    (tools / "systemctl").write_text("#!/bin/sh\nexit 1\n")
    (tools / "systemctl").chmod(0o755)
    path = host.environment["PATH"]
    place = etc.etc / "systemd/system/kvmctl@vm.service.d"
    host.environment["PATH"] = f"{tools}:{path}"
    etc.kvmctl("enable", "vm", expect=69)
    assert not place.exists()
    host.environment["PATH"] = path
    etc.kvmctl("enable", "vm")
    host.environment["PATH"] = f"{tools}:{path}"
    etc.kvmctl("disable", "vm", expect=69)
    assert (place / "kvmctl.conf").exists()
    # It can't be said there.
    odd = host.write_firmware_vm("odd", LIMIT_IO="1M", DISK0=host.root / "a\x01b/disk", DISK0_SIZE="1M")
    assert "control character" in etc.kvmctl("enable", odd.parent, expect=65).stderr


def test_without_systemd_the_vms_start_in_order(host, etc):
    host.write_firmware_vm("a", AUTOSTART="yes", START_AFTER="db,web", LIMIT_IO="1M", AUTOSTART_DELAY="1s")
    host.write_firmware_vm("db", AUTOSTART="yes")
    host.write_firmware_vm("off")
    host.write_firmware_vm("web")
    host.write_vm("broken", "AUTOSTART=yes", "MEMORY=lots")
    etc.kvmctl("enable", "web")
    planned = etc.kvmctl("autostart", "run", "--dry-run", expect=65)
    assert re.findall("^start (.*) \\(", planned.stdout, re.MULTILINE) == ["db", "web", "a"]
    assert "a: would wait until the guest agents of db, web answer" in planned.stderr
    # In one file, each message stands between lines of results.
    both = host.execute("sh", "-c", f"{host.binary} autostart run --dry-run 2>&1").stdout.splitlines()
    assert [line for line in both if "would wait" in line][0].startswith("kvmctl: a: would wait")
    shown = host.show("a")
    assert (shown["autostart"], shown["startAfter"], shown["autostartDelay"]) == (True, ["db", "web"], 1)
    assert "autostart  yes, after db, web, 1s later" in host.kvmctl("show", "a").stdout
    # They have none, and would be waited for.
    host.write_firmware_vm("a", AUTOSTART="yes", LIMIT_IO="1M", AUTOSTART_DELAY="1s")
    ran = etc.kvmctl("autostart", "run", expect=65)
    assert [line.split(":")[0] for line in ran.stdout.splitlines()] == ["a", "db", "web"]
    assert "LIMIT_IO holds only if systemd starts it" in ran.stderr and "MEMORY" in ran.stderr
    (host.vms / "broken/vm.params").unlink()
    again = json.loads(etc.kvmctl("autostart", "run", "--json").stdout)
    assert [vm["result"] for vm in again] == 3 * ["alreadyRunning"]
    host.kvmctl("stop", "--all", "--now")
    host.write_firmware_vm("db", AUTOSTART="yes", START_AFTER="a")
    host.write_firmware_vm("a", AUTOSTART="yes", START_AFTER="db")
    planned = etc.kvmctl("autostart", "run", "--dry-run", expect=65)
    assert "wait for one another" in planned.stderr and planned.stdout.count("\nstart ") == 2
    host.write_firmware_vm("a", AUTOSTART="yes")
    host.write_firmware_vm("db", AUTOSTART="yes")
    # A file of another account keeps none of root's from starting, by its name, its order or its delay.
    host.kvmctl("stop", "--all", "--now")
    foreign = host.write_vm("0foreign", "NAME=web", "AUTOSTART=yes", "AUTOSTART_DELAY=1h")
    os.chown(foreign.parent, 1000, 1000)
    os.chown(foreign, 1000, 1000)
    ran = etc.kvmctl("autostart", "run", expect=77)
    assert str(foreign) in ran.stderr and "web: started" in ran.stdout


def test_one_that_fails_is_said_to_those_that_come_after(host, etc):
    host.write_firmware_vm("db", AUTOSTART="yes", DISK0="missing")
    host.write_firmware_vm("web", AUTOSTART="yes", START_AFTER="db,nosuch")
    # Nothing of that name could be waited for.
    planned = etc.kvmctl("autostart", "run", "--dry-run", expect=66).stderr
    assert "web: would wait until the guest agents of db answer" in planned
    ran = etc.kvmctl("autostart", "run", expect=66)
    assert "web: is started, though db, which it starts after, was not" in ran.stderr and "web: started" in ran.stdout


def test_the_one_after_waits_for_the_agent(host, etc):
    agent = {"INITRD": host.guests / "initrd-agent.gz", "AUTOSTART": "yes"}
    host.write_tiny_vm("db", "tiny.agent", **agent)
    host.write_firmware_vm("web", AUTOSTART="yes", START_AFTER="db")
    assert "web: would wait until the guest agents of db answer" in etc.kvmctl("autostart", "run", "--dry-run").stderr
    ran = etc.kvmctl("autostart", "run")
    assert "web: waits until the guest agent of db answers, at most " in ran.stderr and "any longer" not in ran.stderr
    # Its agent answers before web starts.
    assert "tiny: agent" in host.console_log("db")
    assert host.kvmctl("thaw", "db").stdout == "db: already thawed\n"

    # One that never answers, in a guest that has nearly had its time.
    host.kvmctl("stop", "--all", "--now")
    host.write_tiny_vm("db", "tiny.agent=hung", **agent)
    host.kvmctl("start", "db")
    host.wait_console("db", "tiny: up")
    record = host.run / "log/db/record"
    aged = re.sub(r'("seconds": )\d+', rf"\g<1>{int(time.time()) - 45}", record.read_text())
    with record.open("r+") as file:
        file.write(aged)
    # As the unit starts it.
    line = f"SYSTEMD_EXEC_PID=$$ exec {host.binary} start --foreground web"
    start = host.popen("sh", "-c", line)
    wait_until(lambda: host.state("web") == "running", "start")
    host.kvmctl("stop", "--now", "web")
    _, said = start.communicate(timeout=30)
    assert "web: waits until the guest agent of db answers, at most " in said
    assert "web: does not wait for the guest agent of db any longer: it does not answer" in said
    # One that does not run, or has had its time, is not waited for.
    assert "waits" not in etc.kvmctl("autostart", "run").stderr
    assert (host.state("db"), host.state("web")) == ("running", "running")


def test_an_enabled_vm_is_not_renamed(host, etc):
    host.write_firmware_vm("web")
    etc.kvmctl("enable", "web")
    assert "kvmctl disable web" in etc.kvmctl("rename", "web", "db", expect=75).stderr
    etc.kvmctl("disable", "web")
    etc.kvmctl("rename", "web", "db")


def test_a_vm_is_enabled_or_not(host, etc):
    host.write_firmware_vm("vm", LIMIT_CPU="50%")
    units = etc.etc / "systemd/system"

    def found():
        return sorted(str(path.relative_to(units)) for path in units.rglob("*") if not path.is_dir())

    etc.kvmctl("enable", "vm")
    enabled = found()
    etc.kvmctl("disable", "vm")
    disabled = found()
    assert enabled != disabled
    for seed in range(6):
        for verb, wanted in (("enable", enabled), ("disable", disabled)):
            kill_sometime(etc, seed, verb, "vm")
            etc.kvmctl(verb, "vm")
            assert found() == wanted, (verb, seed)

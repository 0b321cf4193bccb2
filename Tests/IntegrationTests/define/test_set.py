"""`set`, `edit` and `diff`: the file, the machine that runs, and what is said of both."""

import json
import os
import random
import shutil
from pathlib import Path

import pytest

from rig import terminal
from rig.faults import strike, system_calls, was_killed
from rig.qmp import Monitor

KEYS = {
    "CPUS": ["1", "2", "3"], "MEMORY": ["32", "48", "64M"], "DESCRIPTION": ["one", "'a  b'", "\"it's\""],
    "DISK0_IOPS": ["100", "200"], "DISK0_BPS": ["1M", "2000000"], "BOOT": ["disk", "cdrom,disk"], "RTC": ["localtime"],
}
TEXT = "# the lab's\nMEMORY=32   # small\nNET0=none\nVNCDISP=none\nDISK0=disk\nDISK0_SIZE=1M\nDISK0_IOPS=100\n"
LIMITS = {"DISK0_IOPS", "DISK0_BPS"}


def write(host, text=TEXT, name="vm"):
    path = host.write_vm(name)
    path.write_text(text)
    return path


def values(path, host):
    """What sh reads in the file."""
    said = host.execute("env", "-i", "sh", "-c", f"set -a; . {path}; env -0").stdout
    found = dict(line.split("=", 1) for line in said.split("\0") if line)
    return {key: found[key] for key in found if key in KEYS}


def limits(host):
    with Monitor(host.run / "vms/vm/qmp.sock") as monitor:
        found = monitor.execute("qom-get", path="/objects/disk0-limits", property="limits")
    return found["iops-total"], found["bps-total"]


def bytes_of(text):
    return int(text[:-1]) << 20 if text.endswith("M") else int(text)


@pytest.mark.parametrize("rounds", [12, pytest.param(50, marks=pytest.mark.deep)])
def test_file_and_machine_agree_after_each_change(host, rounds):
    path, chance = write(host), random.Random(rounds)
    host.kvmctl("start", "vm")
    meant = values(path, host)
    running = dict(meant)
    for _ in range(rounds):
        keys = chance.sample(sorted(KEYS), 2)
        removed = keys[1] if chance.random() < 0.4 else None
        words = [f"{key}={chance.choice(KEYS[key])}" for key in keys if key != removed]
        said = host.json("set", "vm", *[word.replace("'a  b'", "a  b").replace("\"it's\"", "it's") for word in words],
                         *(["--unset", removed] if removed else []))
        meant = {key: value for key, value in meant.items() if key != removed}
        meant |= {key: value.strip("'\"") for key, value in (word.split("=", 1) for word in words)}
        assert values(path, host) == meant and path.read_text().startswith("# the lab's\n")
        # The machine has what it could take, and the rest is pending. Limits can be changed where there are some.
        taken = {"DESCRIPTION"} | (LIMITS if LIMITS & running.keys() else set())
        running = {key: (meant if key in taken else running).get(key) for key in KEYS}
        running = {key: value for key, value in running.items() if value is not None}
        assert limits(host) == (int(running.get("DISK0_IOPS", 0)), bytes_of(running.get("DISK0_BPS", "0")))
        shown = host.show("vm")
        assert shown["description"] == meant.get("DESCRIPTION")
        pending = {key for key in KEYS if meant.get(key) != running.get(key)}
        assert set(shown["pending"]) == pending
        effects = {change["key"]: change["effect"] for change in said[0]["changes"]}
        assert {key for key in effects if effects[key] == "pending"} == pending & set(keys)
        assert {change["key"] for change in host.json("diff", "vm")[0]["changes"]} == pending
    host.kvmctl("stop", "vm", "--now")
    host.kvmctl("start", "vm")
    assert host.show("vm")["pending"] == [] and host.kvmctl("diff", "vm").stdout == "vm: runs as its file says\n"
    # After a start without limits there is nothing that could have some.
    if LIMITS & meant.keys():
        assert limits(host) == (int(meant.get("DISK0_IOPS", 0)), bytes_of(meant.get("DISK0_BPS", "0")))
    assert host.show("vm")["cpus"] == int(meant.get("CPUS", 1))
    host.kvmctl("stop", "vm", "--now")


@pytest.mark.parametrize("words, code, said", [
    (["CPUS=x", "MEMORY=9Q"], 65, "2 errors"), (["DISK1=nowhere/disk"], 66, "does not exist"), (["CPUZ=1"], 64, "CPUS"),
    (["NAME=other"], 64, "rename"), (["CPUS=1", "--unset", "CPUS"], 64, "named twice"), (["CPUS="], 65, "remove it: --unset CPUS")])
def test_a_refused_change_changes_neither_file_nor_machine(host, words, code, said):
    path = write(host)
    host.kvmctl("start", "vm")
    before = host.show("vm")
    assert said in host.kvmctl("set", "vm", *words, "DESCRIPTION=new", expect=code).stderr
    assert path.read_text() == TEXT
    varies = {"uptime": 0, "memoryInUse": 0, "cpuTime": 0}
    assert {**host.show("vm"), **varies} == {**before, **varies}
    host.kvmctl("stop", "vm", "--now")


def test_what_was_wrong_before_is_no_reason(host):
    """And a file with an error can be corrected."""
    path = write(host, TEXT + "NET1=bridge:none\nCPUS=x\n")
    host.kvmctl("set", "vm", "MEMORY=64", expect=65)
    host.kvmctl("set", "vm", "CPUS=2", expect=69)
    path.write_text(path.read_text().replace("CPUS=x\n", ""))
    host.kvmctl("set", "vm", "MEMORY=64")
    assert "MEMORY=64   # small" in path.read_text()
    host.kvmctl("set", "vm", "NET2=bridge:other", expect=69)


def test_several_vms_and_dry_run(host):
    paths = [write(host, name=name) for name in ("a", "b")]
    host.kvmctl("set", "a", "b", "CPUS=2", "--dry-run")
    assert [path.read_text() for path in paths] == [TEXT, TEXT]
    assert list(host.run.iterdir()) == []
    host.kvmctl("set", "--all", "CPUS=2")
    assert all("CPUS=2\n" in path.read_text() for path in paths)
    host.kvmctl("set", "a", "nope", "CPUS=3", expect=1)
    assert ["CPUS=3\n" in path.read_text() for path in paths] == [True, False]
    assert "KEY=VALUE" in host.kvmctl("set", "a", expect=64).stderr


def test_a_users_file_keeps_its_owner(host):
    path = write(host)
    os.chown(path.parent, 65534, 65534)
    os.chown(path, 65534, 65534)
    path.chmod(0o640)
    host.kvmctl("set", path, "CPUS=2", expect=77)
    host.kvmctl("set", path, "CPUS=2", "--trust-owner")
    found = path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (65534, 65534, 0o640)
    assert "CPUS=2" in path.read_text() and os.listdir(path.parent) == ["vm.params"]


def test_a_killed_set_leaves_the_old_text_or_the_new(host):
    path = write(host)
    words = ["set", "vm", "CPUS=2"]
    steps = ("write", "linkat", "renameat", "fsync", "fchmod")
    calls = [call for call in system_calls(host, *words) if call[0] in steps]
    new = path.read_text()
    assert new == TEXT.replace("NET0", "CPUS=2\nNET0")
    assert {"linkat", "renameat", "fsync"} <= {name for name, _ in calls}
    for call in calls:
        path.write_text(TEXT)
        # Where it is, is noted anew each time.
        (host.run / "data/places").unlink(missing_ok=True)
        assert was_killed(strike(host, call, "signal=SIGKILL", *words))
        assert path.read_text() in (TEXT, new)
        # Only what the next change removes is left.
        assert set(os.listdir(path.parent)) <= {"vm.params", ".vm.params.kvmctl"}
        host.kvmctl("set", "vm", "CPUS=2")
        assert path.read_text() == new and os.listdir(path.parent) == ["vm.params"]


def test_what_only_this_run_has(host):
    write(host)
    host.kvmctl("start", "vm", "--cdrom", host.guests / "install.iso")
    assert f"{host.guests}/install.iso is attached for this run only" in host.kvmctl("diff", "vm").stdout
    # An earlier version's manifest says nothing of the keys.
    manifest = host.run / "vms/vm/manifest.json"
    content = json.loads(manifest.read_text())
    del content["given"]
    manifest.write_text(json.dumps(content))
    assert "earlier version" in host.kvmctl("diff", "vm", expect=69).stderr
    assert host.show("vm")["pending"] is None
    assert host.json("set", "vm", "DESCRIPTION=x")[0]["changes"][0]["effect"] == "unknown"
    host.kvmctl("stop", "vm", "--now")
    assert host.kvmctl("diff", "vm").stdout == "vm: not running\n"


def test_another_password(host):
    path = write(host, TEXT.replace("VNCDISP=none", "VNCDISP=auto"))
    secret = path.with_name("secret")
    secret.write_text("swordfis\n")
    host.kvmctl("start", "vm")
    assert "at once" in host.kvmctl("set", "vm", f"VNCPASSWORD_FILE={secret}").stdout
    assert host.json("vnc", "vm")["password"] == "swordfis"
    secret.write_text("far too long\n")
    host.kvmctl("stop", "vm", "--now")


def editor(host, script):
    path = host.root / "editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    host.environment["EDITOR"] = str(path)


def test_edit(host):
    path = write(host)
    host.kvmctl("start", "vm")
    editor(host, "true")
    assert host.kvmctl("edit", "vm").stdout == "vm: nothing changed\n"
    editor(host, "sed -i s/MEMORY=32/MEMORY=64/ \"$1\"; echo DESCRIPTION=x >>\"$1\"; touch \"$1~\"")
    assert host.kvmctl("edit", "vm").stdout == (
        "vm: DESCRIPTION=x, at once\nvm: MEMORY=64 from the next start (running with 32)\n")
    assert path.read_text() == TEXT.replace("=32", "=64") + "DESCRIPTION=x\n"
    host.kvmctl("stop", "vm", "--now")
    # VISUAL goes first, and may have options.
    host.environment["VISUAL"] = "sed -i s/MEMORY=64/MEMORY=48/"
    host.kvmctl("edit", "vm")
    assert "MEMORY=48" in path.read_text()
    # What is no key is saved too.
    host.environment["VISUAL"] = "sed -i 1i#new"
    assert host.kvmctl("edit", "vm").stdout == "vm: saved; no key has changed\n"
    assert path.read_text().startswith("#new\n")
    host.environment["VISUAL"] = "false"
    assert kept(host.kvmctl("edit", "vm", expect=69).stderr) == path.read_text()


def kept(said):
    """What the editor had written; it was kept where nobody else can read it."""
    path = Path(said.partition("hat you wrote is in ")[2].split()[0].rstrip("."))
    assert path.parent.stat().st_mode & 0o777 == 0o700
    text = path.read_text()
    shutil.rmtree(path.parent)
    return text


def test_edit_keeps_what_it_refuses(host):
    path = write(host)
    editor(host, "sed -i s/MEMORY=32/MEMORY=lots/ \"$1\"")
    refused = host.kvmctl("edit", "vm", expect=65).stderr
    assert "MEMORY" in refused and "lots" in kept(refused) and path.read_text() == TEXT
    editor(host, f"echo CPUS=2 >>\"$1\"; echo CPUS=3 >>{path}")
    refused = host.kvmctl("edit", "vm", expect=75).stderr
    assert "somebody else" in refused and "CPUS=2" in kept(refused)
    assert path.read_text() == TEXT + "CPUS=3\n"


def test_edit_does_not_rename(host):
    path = write(host)
    editor(host, "echo NAME=other >>\"$1\"")
    refused = host.kvmctl("edit", "vm", expect=65).stderr
    assert "its VM would be called other instead of vm" in refused and "kvmctl rename" in refused
    assert "NAME=other" in kept(refused) and path.read_text() == TEXT
    editor(host, "echo NAME=vm >>\"$1\"")
    host.kvmctl("edit", "vm")


def test_what_an_editor_loses_is_not_saved(host):
    path = write(host)
    editor(host, ": >\"$1\"")
    refused = host.kvmctl("edit", "vm", expect=65).stderr
    assert "is empty, so the file is as it was" in refused and "kvmctl rm" in refused and kept(refused) == ""
    editor(host, f"rm \"$1\"; dirname \"$1\" >{host.root}/copy")
    assert "the editor removed it" in host.kvmctl("edit", "vm", expect=66).stderr
    assert not Path((host.root / "copy").read_text().strip()).exists()
    assert path.read_text() == TEXT


def test_what_is_written_is_not_said_to_be_as_it_was(host):
    path = write(host)
    # The first change notes where the file is, which is not what is struck.
    host.kvmctl("set", "vm", "MEMORY=47")
    path.write_text(TEXT)
    calls = [call for call in system_calls(host, "set", "vm", "MEMORY=48") if call[0] == "fsync"]
    path.write_text(TEXT)
    failed = strike(host, calls[-1], "error=EIO", "set", "vm", "MEMORY=48")
    assert failed.returncode == 69 and "can't be written; it is as it was" in failed.stderr
    assert path.read_text() == TEXT and os.listdir(path.parent) == ["vm.params"]
    os.mkfifo(path.with_name(".vm.params.kvmctl"))
    failed = host.kvmctl("set", "vm", "MEMORY=48", expect=73).stderr
    assert f"something that is not a file has the name {path.parent}/.vm.params.kvmctl" in failed


def test_edit_again_on_a_terminal(host):
    path = write(host)
    editor(host, "case $(cat \"$1\") in *lots*) sed -i s/lots/64/ \"$1\";; *) sed -i s/=32/=lots/ \"$1\";; esac")
    asked = terminal.spawn(host, "edit", "vm")
    asked.expect(r"Edit it again\? \[y/N\] ")
    assert path.read_text() == TEXT
    asked.sendline("y")
    terminal.wait_for_exit(asked)
    assert path.read_text() == TEXT.replace("=32", "=64")
    path.write_text(TEXT)
    asked = terminal.spawn(host, "edit", "vm")
    asked.expect(r"Edit it again\? \[y/N\] ")
    assert "lots" in kept(asked.before)
    asked.sendline("n")
    terminal.wait_for_exit(asked, expect=65)
    assert path.read_text() == TEXT


def test_what_only_kvmctl_reads_counts_at_once(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    out = host.kvmctl("set", "vm", "TAGS=a,b", "PROTECT=yes", "AUTOSTART=yes", "AUTOSTART_DELAY=1s").stdout
    assert out.count(", at once\n") == 2, out
    # What is read when the host starts means nothing before.
    assert out.count(", when the host starts\n") == 2, out
    assert host.kvmctl("diff", "vm").stdout == "vm: runs as its file says\n"
    assert (host.show("vm")["tags"], host.show("vm")["protected"]) == (["a", "b"], True)
    host.kvmctl("stop", "--now", "vm", expect=77)
    assert host.kvmctl("set", "vm", "PROTECT=no", "--unset", "TAGS").stdout == (
        "vm: removed TAGS, at once\nvm: PROTECT=no, at once\n")


def test_a_running_vm_shows_what_it_has(host):
    host.write_firmware_vm("vm", DISK0="disk", DISK0_SIZE="1M")
    host.kvmctl("start", "vm")
    host.kvmctl("disk", "detach", "vm", "DISK0", "--config")
    assert [disk["key"] for disk in host.show("vm")["disks"]] == ["DISK0"]

"""`run`: a VM for one command, of which nothing is left."""

import hashlib
import json
import os
import random
import re
import signal
import subprocess
import time
import xml.etree.ElementTree

import pytest

from rig.ephemeral import PATIENCE, assert_nothing_left, begin, kvmctl_of, model, run
from rig.faults import numbered, strike
from rig.process import Process
from rig.waiting import wait_until


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_goes_through_and_what_stays(host):
    disk = model(host)
    before = digest(disk)
    source = host.root / "source"
    (source / "in").mkdir(parents=True)
    (source / "in/file").write_text("given")
    data = os.urandom(1 << 20)
    script = """cat /copied/in/file >&2; mkdir /left; echo result >/left/report
        head -c 4 /dev/vda | od -An -tx1 >/left/disk; dd if=/dev/zero of=/dev/vda bs=64k count=4 2>/dev/null; sync
        head -c 4 /dev/vda | od -An -tx1 >>/left/disk; cat; exit 7"""
    code, out, err = run(
        host, "sh", "-c", script, data=data, options=[
            "--copy-in", f"{source}:/copied", "--copy-out", f"/left:{source}/left", "--junit", "result.xml"])
    assert (code, err, out == data) == (7, "given", True)
    assert digest(disk) == before
    assert (source / "left/report").read_text() == "result\n"
    assert (source / "left/disk").read_text().split() == ["00", "01", "02", "03", "00", "00", "00", "00"]
    [suite] = xml.etree.ElementTree.parse(host.root / "result.xml").getroot()
    [case] = suite
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "1", "0")
    assert case.find("failure").text == "exit code 7" and case.get("classname") == "model"
    assert case.find("system-err").text == "given" and float(case.get("time")) > 0
    assert_nothing_left(host)


@pytest.mark.parametrize("way", [[], ["--serial"]], ids=["agent", "console"])
def test_as_whom_where_and_with_what(host, way):
    model(host)
    code, out, err = run(host, "sh", "-c", "pwd; echo \"$A\"", options=[*way, "--cwd", "/run", "--env", "A=1  2"])
    assert (code, out.split(b"\n")[:2]) == (0, [b"/run", b"1  2"]), err
    code, out, err = run(host, "id", options=[*way, "--user", "nosuch"])
    assert (code, out) == (125, b"") and "no user 'nosuch'" in err
    assert_nothing_left(host)


def test_two_at_once_of_one_model(host):
    disk = model(host, NET0="user", UUID="c4a6ce6f-4113-4c64-9149-82f512799d7b")
    before = digest(disk)
    script = "echo $1 | dd of=/dev/vda conv=notrunc 2>/dev/null; sync; cat /sys/class/dmi/id/product_uuid; read -r line; head -c 2 /dev/vda"
    # Neither fails, so neither stays.
    both = [begin(host, "sh", "-c", script, "sh", f"{i}x", options=["--keep-on-failure"], stdin=subprocess.PIPE) for i in range(2)]
    uuids = [process.stdout.readline() for process in both]
    assert uuids[0] != uuids[1] and b"c4a6ce6f" not in b"".join(uuids).lower()
    names = [vm["name"] for vm in host.json("list") if vm["state"] == "running"]
    assert len(names) == 2 and all(name.startswith("run-") for name in names)
    assert host.show(names[0])["state"] == "running" and "fault" not in str(host.kvmctl("show", names[0]).stdout)
    # Their disk is only read, so others may read it, and nobody write.
    assert "is in use by" in host.kvmctl("start", "model", expect=75).stderr
    for i, process in enumerate(both):
        out, err = process.communicate(b"\n", timeout=PATIENCE)
        assert (process.returncode, out, err) == (0, f"{i}x".encode(), b"")
    assert digest(disk) == before
    assert_nothing_left(host)


def test_a_model_that_runs_and_other_refusals(host):
    model(host)
    host.kvmctl("start", "model")
    code, out, err = run(host, "true", options=["--junit", "r.xml"])
    assert (code, out) == (75, b"") and "disk is in use by" in err and "model" in err
    [suite] = xml.etree.ElementTree.parse(host.root / "r.xml").getroot()
    assert suite.get("errors") == "1" and "in use" in suite[0].find("error").text
    for words in ["run", "model", "--", "true"], ["run", "model", "--warm", "--", "true"], ["warm", "model"]:
        said = host.kvmctl(*words, expect=75).stderr
        assert "model: it is running" in said and "shut it down first" in said and "that one" not in said, words
    host.kvmctl("stop", "model", "--now")
    assert_nothing_left(host)
    for words, code, message in [
        (["nosuch", "--", "true"], 66, "no VM of this name"), (["model"], 64, "which command?"),
        (["--", "true"], 64, "run what?"), (["model", "--kernel", "k", "--", "true"], 64, "run what?"),
        (["model", "--set", "NAME=x", "--", "true"], 64, "NAME"), (["model", "--copy-in", "a", "--", "true"], 64, "not FROM:TO"),
        (["model", "--set", "MEMORY=x", "--", "true"], 65, "MEMORY"), (["--kernel", "nosuch", "--", "true"], 66, "nosuch"),
        (["model", "--junit", "nosuch/r.xml", "--", "true"], 73, "no such directory"),
        (["model", "--junit", "-", "--", "true"], 64, "--junit takes the path of a file"),
    ]:
        assert message in host.kvmctl("run", *words, expect=code).stderr, words
    plan = host.kvmctl("run", "model", "--dry-run").stdout
    assert "unnamed file for what the guest writes to a disk of 1" in plan
    assert_nothing_left(host)


def test_a_guest_that_ends_under_the_command(host):
    model(host)
    cases = {
        "echo c >/proc/sysrq-trigger": "its kernel panicked", "poweroff -f": "it has ended", "reboot -f": "the guest was rebooted"}
    runs = [(begin(host, "sh", "-c", f"{command}; sleep 1000"), said) for command, said in cases.items()]
    for process, said in runs:
        err = process.communicate(timeout=PATIENCE)[1].decode()
        assert process.returncode == 125 and said in err and "kvmctl history" not in err, err
    assert_nothing_left(host)


def test_ends(host):
    model(host)
    # On a busy machine the boot alone takes longer.
    for limit in 10, 30, 90:
        options = ["--timeout", f"{limit}s", "--copy-out", "/init:init"]
        code, out, err = run(host, "sh", "-c", "echo begun; sleep 1000", options=options)
        if out:
            break
    assert (code, out) == (124, b"begun\n") and f"longer than {limit} s" in err and "the last stage it reached: up" in err
    assert (host.root / "init").exists()
    code, out, err = run(host, "true", options=["--timeout", "1s"])
    assert (code, out) == (124, b"") and "the last stage it reached" in err and "screen.png" not in err
    process = begin(host, "sh", "-c", "echo begun; exec sleep 1000", options=["--keep-on-failure"])
    assert process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=PATIENCE) == 130 and process.stderr.read() == b""
    # Already while it boots.
    process = begin(host, "true")
    wait_until(host.qemus, "QEMU")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE) == 143
    # A second one does not wait for a command that ignores the first.
    process = begin(host, "sh", "-c", "trap '' INT TERM; echo begun; while sleep 1; do :; done")
    assert process.stdout.readline() == b"begun\n"
    for number in signal.SIGINT, signal.SIGTERM:
        process.send_signal(number)
        time.sleep(0.5)
    assert process.wait(timeout=PATIENCE) == 130
    assert_nothing_left(host)


def test_without_an_agent_and_without_a_model(host):
    model(host)
    options = [
        "--kernel", host.guests / "vmlinuz", "--initrd", host.guests / "initrd.gz", "--append", "console=ttyS0 no_timer_check",
        "--memory", "128"]
    assert run(host, "sh", "-c", "cat; echo err >&2; exit 5", data=b"in\n", vm=None, options=[*options, "--serial"]) == (5, b"in\n", "err\n")
    code, _, err = run(host, "true", vm=None, options=[*options, "--copy-in", "/etc/hostname:/x"])
    assert code == 125 and "no guest agent answers" in err
    image = host.root / "image.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "1G"], check=True)
    before = digest(image)
    keys = [
        f"KERNEL={host.guests}/vmlinuz", f"INITRD={host.guests}/initrd-agent.gz", "APPEND=console=ttyS0 no_timer_check tiny.agent",
        "MEMORY=192"]
    script = "cat /sys/block/vda/size; dd if=/dev/urandom of=/dev/vda bs=1M count=3 2>/dev/null && sync"
    assert run(host, "sh", "-c", script, vm=None, options=["--image", image, *(word for key in keys for word in ("--set", key))]) == (
        0, b"2097152\n", "")
    assert digest(image) == before
    assert_nothing_left(host)


def test_a_vm_that_stays(host):
    disk = model(host)
    before = digest(disk)
    code, _, err = run(host, "sh", "-c", "echo kept >/left; exit 3", options=["--keep-on-failure"])
    [name] = set(re.findall(r"run-\w{6}", err))
    assert code == 3 and f"`kvmctl console {name}`" in err
    assert host.kvmctl("exec", name, "--", "cat", "/left").stdout == "kept\n"
    assert "ephemeral" in host.kvmctl("restart", name, "--hard", expect=None).stderr
    assert host.state(name) == "running"
    host.kvmctl("stop", name, "--now")
    assert_nothing_left(host)
    # Until it is known to have failed, it ends with kvmctl.
    process = begin(host, "sh", "-c", "echo begun; sleep 1000", options=["--keep-on-failure"])
    assert process.stdout.readline() == b"begun\n"
    os.kill(kvmctl_of(process), signal.SIGKILL)
    process.wait()
    host.wait_for_the_end_of_qemus()
    assert_nothing_left(host)
    assert digest(disk) == before


# What writes a definition or a saved state, or begins with a definition. {}: the VM.
WRITING = [
    "suspend {}", "suspend {} --dry-run", "disk attach {} more.raw --size 1M", "disk attach {} more.raw --size 1M --live", "disk detach {} DISK0",
    "disk detach {} DISK0 --live", "disk grow {} DISK0 +1M", "nic attach {} user", "nic attach {} user --live", "nic detach {} NET0 --live",
    "cdrom insert {} disc.iso", "cdrom eject {} --live", "set {} CPUS=2", "set {} CPUS=2 --dry-run", "edit {}", "rename {} other", "enable {}",
    "enable {} --dry-run", "rm {}", "rm {} --disks --force", "adopt {}", "start {} --dry-run", "restart {}", "check {}", "explain {}", "diff {}",
    "create other --from {}", "warm make {}", "run {} -- true", "run {} --memory 96 -- true",
]


def refuses_to_keep(host, name):
    """That nothing is written of the VM of a run, and that it can be looked at."""
    before = sorted(host.run.rglob("*")), sorted(host.vms.rglob("*"))
    for words in WRITING:
        said = host.kvmctl(*words.format(name).split(), expect=75).stderr
        assert f"{name}: it is ephemeral, for one run of kvmctl" in said, words
        assert "put the file back" not in said, words
    assert (sorted(host.run.rglob("*")), sorted(host.vms.rglob("*"))) == before
    again = host.kvmctl("start", name)
    assert "already running" in again.stdout and again.stderr == ""
    # All VMs are those that stay.
    for words in "suspend --all --dry-run", "set --all DESCRIPTION=x --dry-run", "diff --all", "rm --all --dry-run":
        said = host.kvmctl(*words.split()).stderr
        assert f"{name}: it is ephemeral" in said, words
    # The model's disk is in use.
    assert [vm["name"] for vm in json.loads(host.kvmctl("check", "--all", "--json", expect=1).stdout)] == ["model"]
    assert host.state(name) == "running" and host.show(name)["state"] == "running"
    findings = json.loads(host.kvmctl("doctor", "--json", expect=None).stdout)
    assert [found for found in findings if found["subject"] == name or "any longer" in found["text"]] == []
    assert "tiny: up" in host.kvmctl("logs", name).stdout
    assert host.kvmctl("exec", name, "--", "cat", "/left").stdout == "here\n"
    host.kvmctl("cp", f"{name}:/left", host.root / f"of-{name}")


def test_nothing_of_a_run_is_kept(host):
    model(host, NET0="user")
    (host.root / "disc.iso").write_bytes(bytes(1 << 20))
    process = begin(host, "sh", "-c", "echo here >/left; echo begun; read -r line; exit 3", options=["--keep-on-failure"], stdin=subprocess.PIPE)
    assert process.stdout.readline() == b"begun\n"
    [name] = [vm["name"] for vm in host.json("list") if vm["state"] == "running"]
    refuses_to_keep(host, name)
    process.communicate(b"\n", timeout=PATIENCE)
    assert process.returncode == 3
    # One that was left is no other.
    refuses_to_keep(host, name)
    host.kvmctl("stop", name, "--now")
    assert_nothing_left(host)


def test_one_that_was_left_and_has_ended_is_looked_at(host):
    model(host)
    code, _, err = run(host, "false", options=["--keep-on-failure"])
    [name] = set(re.findall(r"run-\w{6}", err))
    assert code == 1
    host.kvmctl("exec", name, "--", "poweroff", "-f", expect=None)
    host.wait_for_the_end_of_qemus()
    assert "tiny: up" in host.kvmctl("logs", name).stdout and host.show(name)["state"] == "stopped"
    assert "the guest" in host.kvmctl("history", name).stdout
    for words in "suspend", "start", "rm", "set CPUS=2":
        assert f"{name}: it is ephemeral" in host.kvmctl(*words.split(), name, expect=75).stderr


def kill_at_random(host, times, chance):
    for number in range(times):
        keeps = ["--keep-on-failure"] if chance.random() < 0.3 else []
        process = begin(host, "sh", "-c", "echo begun; exit 1", options=keeps)
        pid = kvmctl_of(process)
        # Mostly while it starts, where most happens.
        time.sleep(chance.choice([0.02, 0.1, 0.2, 0.3, 0.5, 1, 4]) * chance.random())
        os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
        # The kernel, or who watches, ends it; a start that was begun by then may have to be found by the next command.
        wait_until(lambda: host.kvmctl("list") and host.qemus() == [], f"end of QEMU {number}")
        host.wait_for_the_end_of_qemus()
    assert_nothing_left(host)


def test_killed_at_random_moments(bridged_host):
    disk = model(bridged_host, NET0="bridge:br0")
    before = digest(disk)
    kill_at_random(bridged_host, 12, random.Random())
    assert digest(disk) == before


def test_no_room_for_what_the_guest_writes(host):
    model(host, DISK0_SIZE="64M", DISK0="none-yet")
    host.use_own_mounts()
    host.execute("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", host.root / "tmp")
    code, _, err = run(host, "sh", "-c", "dd if=/dev/urandom of=/dev/vda bs=1M count=32; sync; echo done")
    assert code == 125 and "halted the guest" in err and "TMPDIR" in err, err
    assert not (host.vms / "model/none-yet").exists()
    assert_nothing_left(host)


def test_logs_that_can_not_be_removed_are_by_the_next_command(host):
    model(host)
    words, trace = ["run", "model", "--timeout", "1s", "--", "true"], host.root / "trace"
    # What is found out about the host is kept by the second run.
    for _ in range(2):
        host.execute("strace", "-o", trace, host.binary, *words)
    calls = numbered(trace.read_text(errors="replace").splitlines())
    last = [(name, number) for name, number, line in calls if name == "unlink" and "/log/run-" in line][-1]
    said = strike(host, last, "error=EROFS", *words)
    assert said.returncode == 124 and re.search("/log/run-[a-z0-9]+: can't be removed", said.stderr), said.stderr
    assert_nothing_left(host)


@pytest.mark.deep
def test_killed_fifty_times(bridged_host):
    model(bridged_host, NET0="bridge:br0")
    kill_at_random(bridged_host, 50, random.Random())


def test_a_login_prompt_that_has_scrolled_away(host):
    """As with Debian: other lines follow the prompt, and the agent comes later. Nothing there is a shell."""
    first = 'busybox echo Debian tty; busybox echo tiny login:; busybox echo a unit was started; busybox sleep 8; exec /init'
    model(host, words=f'tiny.agent tiny.login rdinit=/bin/busybox -- sh -c "{first}"')
    assert run(host, "echo", "through") == (0, b"through\n", "")

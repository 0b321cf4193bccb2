"""`wait`: what it ends with, and what it says."""

import contextlib
import json
import os
import random
from pathlib import Path

import pytest

from rig.terminal import run_inside
from rig.waiting import wait_until


def waits(host, *words, expect, timeout="60s"):
    done = host.kvmctl("wait", *words, "--timeout", timeout, "--json", expect=expect)
    return json.loads(done.stdout), done.stderr


def wait_listens(waiting):
    """Waits until a `wait` has begun to watch the VM's logs."""
    def watches():
        # A descriptor may be closed meanwhile.
        with contextlib.suppress(OSError):
            return any("inotify" in os.readlink(link) for link in Path(f"/proc/{waiting.pid}/fd").glob("*"))
    wait_until(watches, "a wait that watches the logs", 30)


def test_a_vm_that_runs_and_one_that_does_not(host):
    host.write_firmware_vm("vm")
    assert "it does not run" in host.kvmctl("wait", "vm", "--for", "stopped").stdout
    assert "start it" in host.kvmctl("wait", "vm", expect=75).stderr
    host.kvmctl("wait", "vm", "--for", "running", "--timeout", "1s", expect=124)
    waiting = host.popen(host.binary, "wait", "vm", "--for", "running", "--timeout", "60s")
    host.kvmctl("start", "vm")
    assert "vm: running: it runs" in waiting.communicate(timeout=60)[0]
    ending = host.popen(host.binary, "wait", "vm", "--for", "stopped", "--for", "boot", "--any", "--timeout", "60s")
    host.kvmctl("stop", "vm", "--now")
    ending.communicate(timeout=60)
    # It had nothing to boot, or was stopped, whichever came first: one that only waits for the end sees the end.
    assert host.kvmctl("wait", "vm", "--for", "stopped").returncode == 0


@pytest.mark.parametrize("word", ["tcp:0", "serial:/(/", "serial:x", "bott", "serial:/A{1,32767}B/", r"serial:/(.*)\1x/"])
def test_what_can_not_be_waited_for(host, word):
    assert host.kvmctl("wait", "vm", "--for", word, expect=64).stderr


def test_a_guest_does_not_fill_the_memory(host):
    """With each byte that it writes it leads the pattern to a state that was not there before."""
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    with open(host.run / "log/vm/console.log", "ab") as file:
        numbers = random.Random(1)
        for _ in range(250):
            file.write(bytes(numbers.choices(b"ab", k=1023)) + b"\n")
    waiting = host.popen(host.binary, "wait", "vm", "--for", "serial:/a(a|b){200}c/", "--for", "running", "--timeout", "6s")
    _, _, used = os.wait4(waiting.pid, 0)
    waiting.returncode = 0
    assert used.ru_maxrss < 300 << 10


def test_a_guest_with_an_agent(host):
    host.write_tiny_vm("vm", "tiny.agent", INITRD=host.guests / "initrd-agent.gz")
    host.kvmctl("start", "vm")
    [found], _ = waits(host, "vm", "--for", "boot", "--for", "agent", "--for", "serial:/^tiny: u[p]$/", expect=0)
    assert found["result"] == "met" and found["stage"] == "up" and found["agent"] == "answers"
    assert [one["met"] for one in found["conditions"]] == [True, True, True]
    assert found["conditions"][2]["how"] == "tiny: up"
    # The same again, as an answer from what is there.
    assert host.kvmctl("wait", "vm", "--timeout", "30s").stdout.startswith("vm: boot: the guest agent answers, after ")


def test_dead_ends(host):
    """All at once: each ends its wait long before the timeout."""
    host.write_tiny_vm("panic", "root=/dev/vda1")
    text = (host.vms / "panic/vm.params").read_text()
    (host.vms / "panic/vm.params").write_text("".join(line for line in text.splitlines(True) if "INITRD" not in line))
    host.write_tiny_vm("off", "tiny.poweroff")
    host.write_firmware_vm("empty")
    host.write_tiny_vm("loop", "panic=-1 init=/none rdinit=/none")
    names = {"panic": "panicNoRoot", "off": "poweredOff", "empty": "noBootableDevice", "loop": "panicNoRoot"}
    host.kvmctl("start", *names)
    found, said = waits(host, *names, expect=1, timeout="80s")
    assert {one["name"]: one["symptom"] for one in found} == names, said
    assert all(one["result"] == "deadEnd" and one["error"]["code"] == 69 for one in found)
    stages = {one["name"]: one["stage"] for one in found}
    assert stages["empty"] == "firmware" and stages["panic"] == "kernel"
    shown = next(one for one in found if one["name"] == "panic")
    assert "Unable to mount root fs" in shown["line"] and Path(shown["screenshot"]).read_bytes()[:4] == b"\x89PNG"
    assert "empty: its firmware found nothing to boot" in said and "kvmctl start --cdrom" in said


FORGED = "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)"


def forge_panic(host, name):
    """The guest goes on; so it is with a log of another machine that is shown there."""
    run_inside(host, name, f"echo '{FORGED}'")
    wait_until(lambda: FORGED in host.console_log(name).replace(f"echo '{FORGED}'", ""), "the line", 30)


def test_a_line_alone_is_no_panic(host):
    host.write_tiny_vm("agent", "tiny.agent", INITRD=host.guests / "initrd-agent.gz")
    host.write_tiny_vm("plain")
    host.kvmctl("start", "agent", "plain")
    host.kvmctl("wait", "agent", "--for", "agent", "--timeout", "60s")
    for name in "agent", "plain":
        host.wait_console(name, "tiny: up")
        forge_panic(host, name)
        # It waits on, also where it was there before the wait began.
        [found], said = waits(host, name, "--for", "serial:/never/", expect=124, timeout="4s")
        assert found["result"] == "timedOut" and "panicked" not in said
    [found] = [one for one in json.loads(host.kvmctl("doctor", "agent", "--json").stdout) if one["subject"] == "agent"]
    assert found["severity"] == "ok"
    # One that is to be stopped is asked.
    host.kvmctl("stop", "plain")
    assert "tiny: power button" in host.console_log("plain")


def test_a_busy_guest_that_shows_an_old_panic(host):
    """Its processors are never idle, as those of a kernel that has panicked; its programs go on writing."""
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    end = f"---[ end {FORGED} ]---"
    run_inside(
        host, "vm", f"(while :; do :; done) & echo '{FORGED}'; echo '{end}'; n=0; "
        "while [ $n -lt 20 ]; do n=$((n+1)); echo web: request $n; done")
    wait_until(lambda: "web: request 20" in host.console_log("vm"), "the last line", 60)
    [found], said = waits(host, "vm", "--for", "serial:/never/", expect=124, timeout="5s")
    assert found["result"] == "timedOut" and "panicked" not in said


def test_a_busy_guest_is_asked_whatever_its_console_says(host):
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    run_inside(host, "vm", f"(while :; do :; done) & echo '{FORGED}'; echo '---[ end {FORGED} ]---'")
    wait_until(lambda: f"\n---[ end {FORGED}" in host.console_log("vm").replace("\r", ""), "the line", 60)
    assert "the guest shut down" in host.kvmctl("stop", "vm").stdout
    assert "tiny: power button" in host.console_log("vm")


def test_a_panic_of_a_guest_whose_agent_has_answered(host):
    """What the agent said before counts no longer. There is no panic device that would tell."""
    host.write_tiny_vm("vm", "tiny.agent", INITRD=host.guests / "initrd-agent.gz")
    host.kvmctl("start", "vm")
    host.kvmctl("wait", "vm", "--for", "agent", "--timeout", "60s")
    waiting = host.popen(host.binary, "wait", "vm", "--for", "serial:/never/", "--timeout", "80s", "--json")
    wait_listens(waiting)
    run_inside(host, "vm", "rmmod pvpanic_mmio pvpanic; (sleep 1; echo c >/proc/sysrq-trigger) & true")
    [found] = json.loads(waiting.communicate(timeout=80)[0])
    assert waiting.returncode == 69 and found["symptom"].startswith("panic"), found


def test_a_guest_that_halts(host):
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    waiting = host.popen(host.binary, "wait", "vm", "--timeout", "60s", "--json")
    run_inside(host, "vm", "(sleep 1; halt -f) & true")
    [found] = json.loads(waiting.communicate(timeout=80)[0])
    # It says so, or its kernel was told not to: then its processors show it.
    assert waiting.returncode == 69 and found["symptom"] in ("halted", "frozen")


def test_started_and_waited_for_in_one(host):
    host.write_tiny_vm("up", "tiny.agent", INITRD=host.guests / "initrd-agent.gz")
    host.write_firmware_vm("empty")
    done = host.kvmctl("start", "up", "empty", "--wait", expect=1)
    assert "up: boot: the guest agent answers" in done.stdout and "empty: started" in done.stdout
    assert "empty: its firmware found nothing to boot" in done.stderr
    host.kvmctl("start", "up", "--wait", "--dry-run", expect=64)
    host.kvmctl("start", "up", "--wait-timeout", "1s", expect=64)


def test_a_start_is_told_before_the_wait(host):
    host.write_tiny_vm("vm", "tiny.nothing")
    starting = host.popen(host.binary, "start", "vm", "--wait", "--wait-timeout", "60s")
    assert starting.stdout.readline().startswith("vm: started")
    assert starting.poll() is None
    starting.terminate()
    starting.communicate(timeout=30)
    assert "vm: not boot after " in host.kvmctl("start", "vm", "--wait", "--wait-timeout", "1s", expect=124).stderr


def test_a_timeout_says_how_far_it_came(host):
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    [found], said = waits(host, "vm", "--for", "agent", "--for", "serial:/up/", expect=124, timeout="2s")
    assert [one["met"] for one in found["conditions"]] == [False, True]
    assert found["result"] == "timedOut" and found["stage"] == "initramfs" and found["agent"] == "absent"
    assert "not agent after 2 s; the last stage it reached: initramfs" in said
    assert "console: " in said and "screen.png" in said and len(said.splitlines()) <= 10
    assert host.kvmctl("wait", "vm", "--for", "agent", "--for", "serial:/up/", "--any").returncode == 0


def test_a_port(bridged_host):
    host = bridged_host
    host.write_tiny_vm("vm", "tiny.ip=10.9.0.2/24 tiny.serve=80", NET0="bridge:br0")
    host.write_tiny_vm("user", "tiny.serve=80", NET0="user")
    host.kvmctl("start", "vm", "user")
    [found], _ = waits(host, "vm", "--for", "ip", "--for", "tcp:80", expect=0)
    assert found["conditions"][0]["how"] == "10.9.0.2"
    [found], said = waits(host, "vm", "--for", "tcp:81", expect=124, timeout="3s")
    assert found["symptom"] == "portRefused" and "tcp:81: connection refused" in said
    assert "FORWARD0=tcp:" in waits(host, "user", "--for", "tcp:80", expect=69)[1]


def test_one_that_can_not_be_met_leaves_the_others(host):
    host.write_tiny_vm("vm", "tiny.agent", INITRD=host.guests / "initrd-agent.gz", NET0="user")
    host.write_tiny_vm("none", "tiny.agent", INITRD=host.guests / "initrd-agent.gz")
    host.kvmctl("start", "vm", "none")
    waits(host, "vm", "--any", "--for", "tcp:1", "--for", "agent", expect=0)
    # Both before and after the other is met.
    waits(host, "vm", "--any", "--for", "agent", "--for", "tcp:1", expect=0)
    waits(host, "none", "--any", "--for", "ip", "--for", "tcp:1", "--for", "agent", expect=0)
    assert "no FORWARDn" in waits(host, "vm", "--any", "--for", "tcp:1", "--for", "tcp:2", expect=69)[1]
    assert "no FORWARDn" in waits(host, "vm", "--for", "agent", "--for", "tcp:1", expect=69)[1]
    host.kvmctl("wait", "none", "--any", "--for", "ip", "--for", "tcp:1", "--timeout", "60s", expect=66)


def test_an_address_on_qemus_own_network(host):
    """The guest's agent may tell it, and nobody else."""
    host.write_tiny_vm("vm", NET0="user")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    said = host.kvmctl("wait", "vm", "--for", "ip", "--timeout", "3s", expect=124).stderr
    assert said.startswith("kvmctl: vm: it has only QEMU's own network, so that its guest agent alone can tell its address")
    assert "likely: no guest agent runs in it, and on QEMU's own network nobody else can tell its address" in said


def test_a_restart_does_not_end_it(host):
    """Nor does a moment in which it does not run."""
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    waiting = host.popen(host.binary, "wait", "vm", "--for", "serial:/tiny login:/", "--timeout", "80s", "--json")
    wait_listens(waiting)
    host.write_tiny_vm("vm", "tiny.login")
    host.kvmctl("restart", "--hard", "vm")
    [found] = json.loads(waiting.communicate(timeout=80)[0])
    assert waiting.returncode == 0 and found["result"] == "met"
    # One that stays away ends it.
    waiting = host.popen(host.binary, "wait", "vm", "--for", "serial:/never/", "--timeout", "80s", "--json")
    wait_listens(waiting)
    host.kvmctl("stop", "--now", "vm")
    [found] = json.loads(waiting.communicate(timeout=80)[0])
    assert waiting.returncode == 69 and found["symptom"] == "stopped"


def test_a_suspend_ends_it(host):
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    waiting = host.popen(host.binary, "wait", "vm", "--for", "serial:/never/", "--timeout", "80s", "--json")
    wait_listens(waiting)
    host.kvmctl("suspend", "vm")
    output, said = waiting.communicate(timeout=60)
    [found] = json.loads(output)
    assert waiting.returncode == 69 and (found["symptom"], found["state"]) == ("suspended", "suspended")
    assert "it was suspended" in said and "kvmctl start vm" in said
    assert "vm: stopped: it was suspended" in host.kvmctl("wait", "vm", "--for", "stopped").stdout
    [found] = [one for one in json.loads(host.kvmctl("doctor", "vm", "--json").stdout) if one["subject"] == "vm"]
    assert found["severity"] == "ok" and "it was suspended" in found["text"]


def test_a_long_log_costs_its_new_part(host):
    """What is read of it, not how long that takes."""
    host.write_firmware_vm("vm", CONSOLE_LOG="1G")
    host.kvmctl("start", "vm")
    log = host.run / "log/vm/console.log"
    with open(log, "ab") as file:
        for _ in range(101):
            file.write(b"x" * 1023 * 1024 + b"\n")
        file.write(b"ready\n")
    assert log.stat().st_size > 100 << 20
    trace = host.root / "trace"
    host.execute("strace", "-f", "-y", "-e", "trace=read,pread64", "-o", trace, host.binary, "wait", "vm",
                 "--for", "serial:/^ready$/", "--timeout", "30s")
    calls = [line for line in trace.read_text().splitlines() if "console.log>" in line and "= " in line]
    read = sum(int(line.rsplit("= ", 1)[1].split()[0]) for line in calls if not line.endswith("?"))
    assert 0 < read < 1 << 20


def test_it_rests_while_it_waits(host):
    """By how often it looks: no loop turns more than ten times a second."""
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    trace = host.root / "trace"
    host.execute("strace", "-f", "-e", "trace=pread64", "-o", trace, host.binary, "wait", "vm", "--for", "agent",
                 "--timeout", "5s")
    # Each look asks once where the record and the console go on.
    assert 0 < len(trace.read_text().splitlines()) < 2 * 5 * 10 * 2

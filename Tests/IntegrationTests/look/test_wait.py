"""`wait`: what it ends with, and what it says."""

import contextlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from rig.terminal import run_inside
from rig.waiting import wait_until


def waits(host, *words, expect, timeout="60s"):
    done = host.kvmctl("wait", *words, "--timeout", timeout, "--json", expect=expect)
    return json.loads(done.stdout), done.stderr


@contextlib.contextmanager
def paused_process(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


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


def test_all_are_those_that_run(host):
    host.write_firmware_vm("vm")
    for words in [], ["--for", "agent"], ["--for", "running"], ["--for", "stopped", "--for", "boot"]:
        done = host.kvmctl("wait", "--all", *words, expect=75)
        assert "no VM runs" in done.stderr and not done.stdout
    [found] = json.loads(host.kvmctl("wait", "--all", "--json", expect=75).stdout)
    assert found["name"] is None and found["error"]["code"] == 75
    done = host.kvmctl("wait", "--all", "--for", "stopped")
    assert "no VM runs" in done.stderr and not done.stdout
    host.write_firmware_vm("other")
    host.kvmctl("start", "vm")
    assert host.kvmctl("wait", "--all", "--for", "running").stdout.startswith("vm: running: it runs")
    for command in "wait", "fstrim", "suspend", "freeze", "pause", "restart", "diff", "ip":
        assert "All VMs that run." in host.kvmctl(command, "--help").stdout


@pytest.mark.parametrize("words", [["wait"], ["start", "--wait", "--wait-timeout", "60s"]])
def test_each_is_told_of_when_it_is_there(host, words):
    """The slow one is named first."""
    host.write_tiny_vm("slow")
    host.write_tiny_vm("fast", "tiny.agent", INITRD=host.guests / "initrd-agent.gz")
    host.kvmctl("start", "slow", "fast")
    host.kvmctl("pause", "slow")
    host.kvmctl("wait", "fast", "--for", "agent", "--timeout", "60s")
    waiting = host.popen(host.binary, *words, "slow", "fast")
    lines = iter(waiting.stdout.readline, "")
    assert next(line for line in lines if "boot:" in line).startswith("fast: boot: the guest agent answers")
    assert waiting.poll() is None
    host.kvmctl("stop", "slow", "--now")
    assert "slow: it was stopped" in waiting.communicate(timeout=60)[1] and waiting.returncode == 1


def test_one_that_was_stopped_did_not_power_itself_off(host):
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    waiting = host.popen(host.binary, "wait", "vm", "--for", "agent", "--timeout", "60s")
    wait_listens(waiting)
    host.kvmctl("stop", "vm")
    said = waiting.communicate(timeout=60)[1]
    assert waiting.returncode == 69 and "asked it to stop, and the guest shut down" in said, said
    [found], said = waits(host, "vm", "--for", "running", expect=124, timeout="1s")
    assert found["symptom"] == "stopped" and "asked it to stop" in found["cause"]
    assert "kvmctl start vm" in found["remedy"] and "kvmctl history vm" in found["remedy"]
    # What it showed in that run is shown.
    assert found["stage"] != "unknown" and any("tiny: " in line for line in found["console"]) and "nothing yet" not in said
    # Another one powers itself off.
    host.write_tiny_vm("off", "tiny.poweroff")
    host.kvmctl("start", "off")
    host.kvmctl("wait", "off", "--for", "stopped", "--timeout", "60s")
    [found], _ = waits(host, "off", "--for", "running", expect=124, timeout="1s")
    assert found["symptom"] == "poweredOff" and "powered itself off" in found["cause"]


def test_a_qemu_that_hangs_is_told_of(host):
    """Whatever is waited for, also without a question to QEMU; and a guest's agent is not blamed for it."""
    host.write_tiny_vm("vm", "tiny.agent", INITRD=host.guests / "initrd-agent.gz")
    host.kvmctl("start", "vm")
    host.kvmctl("wait", "vm", "--for", "agent", "--timeout", "60s")
    # What can't come is not waited for, though the VM is there.
    for condition in "ip", "tcp:22":
        assert "it runs without a NIC" in host.kvmctl("wait", "vm", "--for", condition, expect=69).stderr
    with paused_process(host.show("vm")["pid"]):
        for condition in "stopped", "serial:/never/":
            [found], said = waits(host, "vm", "--for", condition, expect=124, timeout="1s")
            assert found["state"] == "unresponsive" and found["symptom"] == "unresponsive", said
            assert "QEMU: unresponsive" in said and found["screenshot"] is None
        for command in "fstrim", "freeze":
            said = host.kvmctl(command, "vm", expect=124).stderr
            assert "QEMU" in said and "qemu-guest-agent" not in said, said


def test_a_word_of_start_wait_that_is_a_time(host):
    host.write_firmware_vm("vm")
    said = host.kvmctl("start", "vm", "--wait", "30s", expect=64).stderr
    assert "--wait-timeout 30s" in said and host.state("vm") == "stopped"
    host.write_firmware_vm("5s")
    assert "not reached" not in host.kvmctl("start", "--wait", "--wait-timeout", "60s", "5s", expect=69).stderr


def test_start_wait_as_json_says_what_the_wait_came_to(host):
    host.write_tiny_vm("off", "tiny.poweroff")
    [found] = json.loads(host.kvmctl("start", "--wait", "off", "--json", expect=69).stdout)
    assert found["result"] == "started" and found["error"]["code"] == 69
    assert found["wait"]["symptom"] == "poweredOff" and found["wait"]["cause"] and found["wait"]["remedy"]


@pytest.mark.parametrize("word", ["tcp:0", "serial:/(/", "serial:x", "bott", "serial:/A{1,32767}B/", r"serial:/(.*)\1x/"])
def test_what_can_not_be_waited_for(host, word):
    assert host.kvmctl("wait", "vm", "--for", word, expect=64).stderr


def test_resets_by_the_host_are_no_reboots(host):
    host.write_tiny_vm("vm", "tiny.agent", INITRD=host.guests / "initrd-agent.gz")
    host.kvmctl("start", "vm")
    for _ in range(4):
        # Its firmware resets it once more.
        host.kvmctl("reset", "vm")
        time.sleep(1)
    host.kvmctl("wait", "vm", "--for", "agent", "--timeout", "80s")


def test_a_guest_does_not_fill_the_memory(host):
    """With each byte that it writes it leads the pattern to a state that was not there before."""
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    with open(host.run / "log/vm/console.log", "ab") as file:
        numbers = random.Random(1)
        for _ in range(250):
            file.write(bytes(numbers.choices(b"ab", k=1023)) + b"\n")
    # By a small process: what a process has used counts for the program that it executes.
    measuring = "import resource, subprocess, sys; subprocess.run(sys.argv[1:]); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    words = "wait", "vm", "--for", "serial:/a(a|b){200}c/", "--for", "running", "--timeout", "6s"
    measured = host.execute(sys.executable, "-c", measuring, host.binary, *words)
    assert 0 < int(measured.stdout.split()[-1]) < 300 << 10


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
    assert "vm: boot: not reached after " in host.kvmctl("start", "vm", "--wait", "--wait-timeout", "1s", expect=124).stderr


def test_a_timeout_says_how_far_it_came(host):
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    [found], said = waits(host, "vm", "--for", "agent", "--for", "serial:/up/", expect=124, timeout="2s")
    assert [one["met"] for one in found["conditions"]] == [False, True]
    assert found["result"] == "timedOut" and found["stage"] == "initramfs" and found["agent"] == "absent"
    assert "agent: not reached after 2 s; the last stage it reached: initramfs" in said
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


def test_a_forwarded_port(host):
    """A service that closes each connection at once has accepted it."""
    ports = {80: 24080, 81: 24081, 82: 24082}
    host.write_tiny_vm(
        "vm", "tiny.agent", INITRD=host.guests / "initrd-agent.gz", NET0="user",
        **{f"FORWARD{n}": f"tcp:127.0.0.1:{there}:{here}" for n, (here, there) in enumerate(ports.items())})
    host.kvmctl("start", "vm", "--wait")
    network = "ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2"
    serve = "nc -ll -p 80 -e sleep 60 & nc -ll -p 81 -e true &"
    host.kvmctl("exec", "vm", "--", "sh", "-c", f"{network}; ({serve}) >/dev/null 2>&1 </dev/null")
    for port in 80, 81:
        [found], _ = waits(host, "vm", "--for", f"tcp:{port}", expect=0)
    [found], said = waits(host, "vm", "--for", "tcp:82", expect=124, timeout="3s")
    assert found["symptom"] == "portRefused" and "tcp:82: connection refused" in said
    # Connections of before, which it goes on with, are no answer.
    host.kvmctl("exec", "vm", "--", "killall", "nc")
    for port in 80, 81:
        assert "connection refused" in waits(host, "vm", "--for", f"tcp:{port}", expect=124, timeout="3s")[1]


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
    host.kvmctl("wait", "none", "--any", "--for", "ip", "--for", "tcp:1", "--timeout", "60s", expect=69)


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


def test_a_guest_that_goes_on_is_up_if_it_was(host):
    """It writes no login prompt again, and has no agent that would answer."""
    host.write_tiny_vm("vm", "tiny.login")
    host.kvmctl("start", "vm")
    host.kvmctl("wait", "vm", "--timeout", "60s")
    # Twice: what it wrote while it booted is then in no log any more.
    for _ in range(2):
        host.kvmctl("suspend", "vm")
        host.kvmctl("start", "vm")
        assert "up before it was suspended" in host.kvmctl("wait", "vm", "--timeout", "60s").stdout
    # A boot counts anew.
    host.kvmctl("reset", "vm")
    assert "before it was suspended" not in host.kvmctl("wait", "vm", "--timeout", "60s").stdout

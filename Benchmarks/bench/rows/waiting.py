"""`wait`: how soon it ends once the console has what it waits for, or what ends all hope, and what it costs until then."""

import os
import socket
import time
from contextlib import contextmanager
from pathlib import Path

from bench.measuring import spread
from bench.results import Results
from bench.world import SetUpFailed
from rig.vm import tiny
from rig.waiting import wait_until

NAME = "waiting"
GUESTS = ("tiny",)

TIMES = 5
# Nothing here has a peer: these are the longest delay, and the largest part of a processor.
LIMIT_SECONDS, LIMIT_PERCENT = 2, 1
IDLE_SECONDS = 30
# In two pieces, because the console echoes what the shell is told.
MET = "bench: he''re {}"
PANIC = "echo c >/proc/sysrq-trigger"


def measure(world, quick):
    home = world.home("waiting")
    times = 1 if quick else TIMES
    vms = [f"vm{number}" for number in range(times)]
    for vm in vms:
        home.write_vm(vm, **tiny(world.guests["tiny"], "console=ttyS0 no_timer_check"))
    results = Results()
    for vm in vms:
        world.kvmctl(home, "start", vm)
        wait_until(lambda: b"# " in _tail(home, vm), "shell on the console", timeout=180)
    met = [_met(world, home, vms[0], number) for number in range(times)]
    _idle(world, home, vms[0], results)
    panics = [_panic(world, home, vm) for vm in vms]
    for title, delays in ("the line waited for", met), ("a kernel's panic", panics):
        results.compare(f"wait: {title}, from the console to kvmctl's end", "s", {"kvmctl wait": delays})
        results.gate(f"wait, {title}, at worst", spread(delays).most, LIMIT_SECONDS, "s")
    world.kvmctl(home, "stop", "--now", "--all")
    return results


def _tail(home, vm):
    log = home.console_log(vm)
    return log.read_bytes()[-8:] if log.exists() else b""


def _met(world, home, vm, number):
    condition = f"serial:/^bench: here {number}$/"
    return _delay(world, home, vm, condition, f"echo {MET.format(number)}", f"\nbench: here {number}", code=0)


def _panic(world, home, vm):
    return _delay(world, home, vm, "serial:/never/", PANIC, "Kernel panic - not syncing", code=69)


def _delay(world, home, vm, condition, line, evidence, code):
    """The seconds from when the log has the evidence to the end of a `wait` that must end with this code."""
    log = home.console_log(vm)
    with _waiting(world, home, vm, condition, "120s") as pid, _console(home, vm) as console, log.open("rb") as file:
        wait_until(lambda: _watches_files(pid), "wait that watches the log")
        file.seek(0, os.SEEK_END)
        console.sendall(line.encode() + b"\n")
        text, appeared, deadline = "", None, time.perf_counter() + 120
        while True:
            text += file.read().decode(errors="replace")
            now = time.perf_counter()
            if appeared is None and evidence in text.replace("\r", ""):
                appeared = now
            ended, status, _ = os.wait4(pid, os.WNOHANG)
            if ended:
                break
            if now > deadline:
                raise SetUpFailed(f"the wait has not ended; the console's end is {text[-500:]!r}")
            time.sleep(0.002)
    _expect(status, code)
    if appeared is None:
        raise SetUpFailed(f"the console has no {evidence!r}; its end is {text[-500:]!r}")
    return now - appeared


def _expect(status, code):
    found = os.waitstatus_to_exitcode(status)
    if found != code:
        raise SetUpFailed(f"kvmctl wait: exit {found}, not {code}")


def _idle(world, home, vm, results):
    """A line is only waited for; without an agent, the agent's channel is asked after too. Both at once, by two processes."""
    conditions = {"a line": "serial:/never/", "an agent": "agent"}
    begun = {what: _begin(world, home, vm, word, f"{IDLE_SECONDS}s") for what, word in conditions.items()}
    for what, pid in begun.items():
        _, status, used = os.wait4(pid, 0)
        _expect(status, 124)
        percent = (used.ru_utime + used.ru_stime) / IDLE_SECONDS * 100
        results.compare(f"wait: for {what} that does not come, of one processor", "%", {"kvmctl wait": [percent]})
        results.gate(f"wait, for {what}, of one processor", percent, LIMIT_PERCENT, "%")


def _begin(world, home, vm, condition, timeout):
    words = [str(world.binary), "wait", vm, "--for", condition, "--timeout", timeout]
    quiet = [(os.POSIX_SPAWN_OPEN, number, "/dev/null", os.O_RDWR, 0) for number in range(3)]
    return os.posix_spawn(words[0], words, home.environment, file_actions=quiet)


@contextmanager
def _waiting(*arguments):
    """The pid of a `wait`, which whoever begins it reaps."""
    pid = _begin(*arguments)
    try:
        yield pid
    except BaseException:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        raise


def _watches_files(pid):
    for one in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if os.readlink(one) == "anon_inode:inotify":
                return True
        except FileNotFoundError:  # closed meanwhile
            pass
    return False


def _console(home, vm):
    """A connection to the console, which has to last until the guest has read what is sent: QEMU drops the rest."""
    console = socket.socket(socket.AF_UNIX)
    console.settimeout(30)
    console.connect(str(home.run / "vms" / vm / "serial.sock"))
    return console

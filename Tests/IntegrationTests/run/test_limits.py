"""A shell's limits and priorities don't apply to a VM that is started from it."""

import ast
import os
import re
import signal

import pytest

from rig.fake import fake_qemu
from rig.process import Process
from rig.waiting import wait_until

UNLIMITED = "unlimited"
# By their names in /proc/PID/limits: soft and hard, unless the starter's hard limit is lower.
ORDINARY = {
    "Max cpu time": UNLIMITED, "Max file size": UNLIMITED, "Max data size": UNLIMITED, "Max resident set": UNLIMITED,
    "Max address space": UNLIMITED, "Max file locks": UNLIMITED, "Max locked memory": UNLIMITED,
    "Max realtime timeout": UNLIMITED, "Max stack size": str(8 << 20), "Max core file size": "0", "Max processes": "16384",
    "Max open files": "65536", "Max pending signals": "65536", "Max msgqueue size": "819200", "Max nice priority": "0",
    "Max realtime priority": "0",
}
# For each its option of prlimit(1), and a limit with which kvmctl itself still works.
ODD = {
    "cpu": 30, "fsize": 102400, "data": 1 << 30, "rss": 1 << 20, "as": 8 << 30, "locks": 10, "memlock": 65536,
    "rttime": 10**6, "stack": 1 << 20, "core": 1 << 20, "nproc": 2000, "nofile": 200, "sigpending": 10,
    "msgqueue": 1000,
}


def limits(process):
    """{name: (soft, hard)} from /proc/PID/limits."""
    lines = (process.directory / "limits").read_text().splitlines()[1:]
    found = (re.match(r"(.{25}) (\S+) +(\S+)", line) for line in lines)
    return {match[1].strip(): (match[2], match[3]) for match in found}


def lower(one, other):
    return min(one, other, key=lambda limit: float("inf") if limit == UNLIMITED else int(limit))


def may_raise_limits():
    """Whether this root has CAP_SYS_RESOURCE, which a container's may lack."""
    [capabilities] = re.findall(r"CapEff:\s*(\w+)", open("/proc/self/status").read())
    return bool(int(capabilities, 16) >> 24 & 1)


def test_qemu_has_the_ordinary_limits(host):
    host.write_firmware_vm("vm")
    odd = [f"--{name}={value}:" for name, value in ODD.items()]  # soft ones
    host.execute("prlimit", *odd, host.binary, "start", "vm").check_returncode()
    ours = limits(Process(os.getpid()))
    for name, (soft, hard) in limits(host.qemu()).items():
        wanted = ORDINARY[name]
        reachable = UNLIMITED if may_raise_limits() else ours[name][1]
        assert soft == lower(wanted, reachable), name
        if wanted != UNLIMITED and name != "Max stack size":
            assert hard == lower(wanted, reachable), name


def test_qemu_has_the_ordinary_priorities(host):
    """Including what /proc/PID/limits does not show."""
    host.write_firmware_vm("vm")
    odd = ["nice", "-n", "10", "chrt", "--batch", "0", "ionice", "-c", "3", "taskset", "1", "setarch", "-R",
           "choom", "-n", "500", "--"]
    host.execute(*odd, host.binary, "start", "vm").check_returncode()
    qemu = host.qemu()
    assert os.getpriority(os.PRIO_PROCESS, qemu.pid) == 0
    assert os.sched_getscheduler(qemu.pid) == os.SCHED_OTHER
    assert os.sched_getaffinity(qemu.pid) == set(range(os.cpu_count()))
    assert (qemu.directory / "oom_score_adj").read_text().strip() == "0"
    assert int((qemu.directory / "personality").read_text(), 16) == 0
    shown = host.execute("ionice", "-p", qemu.pid).stdout
    assert "idle" not in shown, shown


def test_foreground_too(host):
    host.write_firmware_vm("vm")
    start = host.popen("nice", "-n", "10", "prlimit", "--fsize=102400:", host.binary, "start", "--foreground", "vm")
    wait_until(lambda: host.state("vm") == "running", "running VM")
    assert limits(host.qemu())["Max file size"][0] == UNLIMITED
    assert os.getpriority(os.PRIO_PROCESS, host.qemu().pid) == 0
    start.terminate()
    start.communicate(timeout=30)


def test_a_units_limits_are_meant(host):
    """SYSTEMD_EXEC_PID says that systemd started this very process."""
    host.write_firmware_vm("vm")
    line = f"SYSTEMD_EXEC_PID=$$ exec {host.binary} start --foreground vm"
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    start = host.popen("nice", "-n", "5", "prlimit", "--rss=1000000:", "sh", "-c", line)
    wait_until(lambda: host.state("vm") == "running", "running VM")
    assert os.getpriority(os.PRIO_PROCESS, host.qemu().pid) == ours + 5
    assert limits(host.qemu())["Max resident set"][0] == "1000000"
    start.terminate()
    start.communicate(timeout=30)


# Sets attributes that survive execve(2) and are visible only from inside, and becomes kvmctl.
ODD_STARTER = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
os.umask(0)
os.chdir("/tmp")
signal.setitimer(signal.ITIMER_REAL, 600)
signal.setitimer(signal.ITIMER_PROF, 600)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGALRM])
signal.signal(signal.SIGHUP, signal.SIG_IGN)
libc.prctl(29, 1000000000, 0, 0, 0)  # PR_SET_TIMERSLACK
libc.prctl(41, 1, 0, 0, 0)  # PR_SET_THP_DISABLE
libc.syscall(238, 3, (ctypes.c_ulong * 1)(1), 64)  # set_mempolicy, MPOL_INTERLEAVE
libc.syscall(250, 1, None)  # keyctl, KEYCTL_JOIN_SESSION_KEYRING
libc.syscall(248, b"user", b"kvmctl-test", b"secret", 6, -3)  # add_key, to the session's
os.execv(sys.argv[1], sys.argv[1:])
"""

# A QEMU that reports those attributes.
INSIDE = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
mode = ctypes.c_int(-1)
libc.syscall(239, ctypes.byref(mode), None, 0, None, 0)  # get_mempolicy
found = {
    "timers": [signal.getitimer(which)[0] for which in range(3)],
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "ignored": [n for n in range(1, 32) if signal.getsignal(n) == signal.SIG_IGN],
    "slack": libc.prctl(30, 0, 0, 0, 0), "no huge pages": libc.prctl(42, 0, 0, 0, 0), "policy": mode.value,
    "cwd": os.getcwd(), "umask": os.umask(0),
    "key": libc.syscall(250, 10, -3, b"user", b"kvmctl-test", 0) > 0,  # KEYCTL_SEARCH
}
print("found", found, file=sys.stderr)
sys.exit(3)
"""


@pytest.mark.parametrize("extra", [[], ["--foreground"]])
def test_nothing_else_outlives_the_starter_either(host, extra):
    script = host.root / "inside.py"
    script.write_text(INSIDE)
    host.write_firmware_vm("vm", QEMU=fake_qemu(host, f"exec /usr/bin/python3 {script}\n"))
    result = host.execute("/usr/bin/python3", "-c", ODD_STARTER, host.binary, "start", *extra, "vm")
    [line] = re.findall("found (.*)", result.stderr)
    found = ast.literal_eval(line)
    # Python itself ignores SIGPIPE. Exceeding the maximum file size must not kill QEMU.
    assert set(found.pop("ignored")) == {signal.SIGPIPE, signal.SIGXFSZ}
    assert found == {
        "timers": [0, 0, 0], "blocked": [], "slack": 50000, "no huge pages": 0, "policy": 0, "cwd": "/", "umask": 0o77,
        "key": False,
    }


@pytest.mark.parametrize("option, words", [
    ("--as=2000000000", "memory"), ("--data=2000000000", "memory"), ("--fsize=50000000", "size of a file"),
    ("--cpu=500", "CPU time"),
])
def test_a_limit_that_can_not_be_raised_is_said(rootless_host, option, words):
    host = rootless_host
    host.write_firmware_vm("vm", ACCEL="tcg", MEMORY=512)
    for command in ("start", "check"):
        told = host.execute("prlimit", option, host.binary, command, "vm")
        assert told.returncode == 0, told.stderr
        assert f"limit on {words}" in told.stderr + told.stdout or f"limit on the {words}" in told.stderr + told.stdout
    # A limit that is high enough is not mentioned.
    host.kvmctl("stop", "--now", "vm")
    assert "limit" not in host.kvmctl("check", "vm").stdout


def test_a_full_file_size_is_no_end_of_the_vm(rootless_host):
    """SIGXFSZ would kill it. If the limit can't be raised, QEMU's writes beyond it fail instead."""
    host = rootless_host
    host.write_firmware_vm("vm")
    host.execute("prlimit", "--fsize=102400", host.binary, "start", "vm").check_returncode()
    ignored = int(host.qemu().status["SigIgn"], 16)
    assert ignored >> (signal.SIGXFSZ - 1) & 1


def test_kvmctl_itself_reports_a_file_that_may_not_grow(rootless_host):
    host = rootless_host
    result = host.execute("prlimit", "--fsize=102400", host.binary, "create", host.vms / "new", "--disk", "1G")
    assert result.returncode == 73, result
    assert "File too large" in result.stderr
    assert not (host.vms / "new").exists()


def test_children_that_are_not_qemu(host):
    """nft and dnsmasq serve all VMs, for as long as any runs."""
    host.write_firmware_vm("vm", NET0="nat")
    odd = ["nice", "-n", "10", "prlimit", "--fsize=102400:", "--cpu=30:", "--nofile=200:"]
    host.execute(*odd, host.binary, "start", "vm").check_returncode()
    [dnsmasq] = host.network()["dnsmasq"]
    assert limits(dnsmasq)["Max file size"][0] == limits(dnsmasq)["Max cpu time"][0] == UNLIMITED
    assert os.getpriority(os.PRIO_PROCESS, dnsmasq.pid) == 0


@pytest.mark.parametrize("ignored", ["CHLD", "ALRM", "XFSZ"])
def test_signals_that_the_starter_ignores_are_no_end_of_kvmctls_work(host, ignored):
    host.write_firmware_vm("vm")
    host.execute("sh", "-c", f"trap '' {ignored}; exec {host.binary} start vm").check_returncode()
    host.write_firmware_vm("broken", QEMUARG0="-device", QEMUARG1="no-such-device")
    result = host.execute("sh", "-c", f"trap '' {ignored}; exec {host.binary} start broken")
    assert result.returncode == 69 and "exit code 1" in result.stderr, result.stderr


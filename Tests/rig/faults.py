"""Runs commands that are killed or fail at a chosen system call (strace(1), -e inject), or that run out of descriptors."""

import collections
import random
import re
import signal


def numbered(trace):
    """(name, which one of that name, line) of each system call in the lines of a trace."""
    counts = collections.Counter()
    for line in trace:
        if match := re.match(r"(\w+)\(", line):
            counts[match[1]] += 1
            yield match[1], counts[match[1]], line


def system_calls(host, *words, since=""):
    """[(name, how often it was called until then)] of one run of kvmctl, in order, from the call that mentions `since` on."""
    trace = host.root / "trace"
    result = host.execute("strace", "-o", trace, host.binary, *words)
    assert result.returncode == 0, result.stderr
    calls = []
    for name, number, line in numbered(trace.read_text(errors="replace").splitlines()):
        if calls or since in line:
            calls.append((name, number))
    return calls


def number_of(host, text, *words):
    """Which call of its name is the first that mentions `text` in one run of kvmctl."""
    trace = host.root / "trace"
    result = host.execute("strace", "-o", trace, host.binary, *words)
    assert result.returncode == 0, result.stderr
    return next(number for _, number, line in numbered(trace.read_text(errors="replace").splitlines()) if text in line)


def strike(host, call, fault, *words):
    """Runs kvmctl with a fault at one call: `signal=SIGKILL`, `error=ENOBUFS`."""
    name, count = call
    return host.execute(
        "strace", "-qq", "-o", "/dev/null", "-e", f"inject={name}:{fault}:when={count}", host.binary, *words)


def kill_sometime(host, seed, *words):
    """Kills kvmctl at some moment of a run, which takes a few hundredths of a second."""
    delay = random.Random(seed).uniform(0.002, 0.05)
    host.execute("timeout", "--signal=KILL", f"{delay:.3f}", host.binary, *words)


def was_killed(result):
    return result.returncode in (128 + signal.SIGKILL, -signal.SIGKILL)


def with_fault(host, path, error, *arguments, calls="openat"):
    """Runs kvmctl; each of these system calls fails with that error if it is about the path."""
    return host.execute(
        "strace", "-f", "-o", "/dev/null", "-P", path, "-e", f"inject={calls}:error={error}", host.binary, *arguments)


def with_descriptors(host, number, *arguments):
    """Runs kvmctl with a limit on its descriptors."""
    return host.execute("prlimit", f"--nofile={number}:{number}", host.binary, *arguments, timeout=120)

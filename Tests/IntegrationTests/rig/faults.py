"""Commands that are killed, or that the kernel refuses something, at one of their system calls (strace(1), -e inject)."""

import re
import signal


def system_calls(host, *words, since=""):
    """[(name, how often it was called until then)] of one run of kvmctl, in their order, from the one that `since` is in."""
    trace = host.root / "trace"
    result = host.execute("strace", "-o", trace, host.binary, *words)
    assert result.returncode == 0, result.stderr
    counts, calls = {}, []
    for line in trace.read_text(errors="replace").splitlines():
        if match := re.match(r"(\w+)\(", line):
            name = match.group(1)
            counts[name] = counts.get(name, 0) + 1
            if calls or since in line:
                calls.append((name, counts[name]))
    return calls


def strike(host, call, fault, *words):
    """Runs kvmctl with a fault at one call: `signal=SIGKILL`, `error=ENOBUFS`."""
    name, count = call
    return host.execute(
        "strace", "-qq", "-o", "/dev/null", "-e", f"inject={name}:{fault}:when={count}", host.binary, *words)


def was_killed(result):
    return result.returncode in (128 + signal.SIGKILL, -signal.SIGKILL)

"""Every wait ends, and a failure on kvmctl's own side is not blamed on QEMU or the guest."""

import re

import pytest

# Longer than any of these commands may take, shorter than the waits in which one could get stuck.
SOON = 40


def calls(host, name, *arguments):
    """How often kvmctl calls `name` in one run of a command, in the process or thread that calls it most."""
    trace = host.root / "trace"
    host.execute("strace", "-f", "-b", "execve", "-o", trace, host.binary, *arguments)
    found = re.findall(rf"^(\d+) +{name}\(", trace.read_text(errors="replace"), re.MULTILINE)
    return max((found.count(task) for task in set(found)), default=0)


def refuse(host, name, error, when, *arguments):
    """Runs a command in which one such system call fails, in the command and in its children."""
    return host.execute(
        "strace", "-f", "-b", "execve", "-o", "/dev/null", "-e", f"inject={name}:error={error}:when={when}", host.binary,
        *arguments, timeout=SOON)


def last(number, count):
    """The last calls: the dynamic loader's come first, those of a command's actual work last."""
    return range(max(1, count - number + 1), count + 1)


@pytest.fixture
def vm(host):
    host.write_firmware_vm("vm", ACCEL="tcg", VNCDISP="auto")
    host.kvmctl("start", "vm")
    return host


# The calls by which a launch waits, and which end its waits.
@pytest.mark.parametrize("name, error", [
    ("poll", "EINTR"), ("poll", "ENOMEM"), ("wait4", "EINTR"), ("pipe2", "EMFILE"), ("pidfd_open", "EMFILE"),
    ("recvfrom", "EIO"), ("read", "EIO"), ("close", "EIO"),
])
def test_a_start_ends_and_leaves_a_vm_or_nothing(vm, name, error):
    vm.kvmctl("stop", "--now", "vm")
    count = calls(vm, name, "start", "vm")
    assert count > 0
    vm.kvmctl("stop", "--now", "vm")
    for when in last(5, count):
        result = refuse(vm, name, error, when, "start", "vm")
        where = f"{name} {when} of {count}: {error}: {result.stderr}"
        if result.returncode == 0:
            assert len(vm.qemus()) == 1, where
        # The last reply awaited is that the guest runs: failing to read it must not kill the guest.
        elif when == count and name in ("poll", "recvfrom"):
            pytest.fail(where)
        else:
            assert result.returncode in (69, 73, 75, 77) and result.stderr, where
            vm.assert_nothing_left()
        assert vm.kvmctl("start", "vm").returncode == 0, where
        vm.kvmctl("stop", "--now", "vm")


@pytest.mark.parametrize("name, error", [
    ("socket", "EMFILE"), ("connect", "ENOMEM"), ("sendto", "ENOBUFS"), ("recvfrom", "ENOMEM"), ("poll", "ENOMEM"),
    ("poll", "EINTR"), ("pidfd_open", "EMFILE"),
])
def test_a_guest_that_kvmctl_can_not_ask_is_not_ended(vm, name, error):
    count = calls(vm, name, "stop", "--timeout", "1s", "vm")
    assert count > 0
    for when in last(3, count):
        vm.kvmctl("start", "vm")
        result = refuse(vm, name, error, when, "stop", "--timeout", "1s", "vm")
        where = f"{name} {when} of {count}: {error}: {result.stdout}{result.stderr}"
        assert "could not be asked" not in result.stdout, where
        if result.returncode == 0:
            assert "did not shut down in 1s" in result.stdout, where
            vm.assert_nothing_left()
        else:
            assert result.stderr and vm.state("vm") == "running", where


def test_a_lock_that_can_not_be_closed_is_given_back(vm):
    """Else the command would wait for itself."""
    count = calls(vm, "close", "stop", "--now", "vm")
    for when in last(12, count):
        vm.kvmctl("start", "vm")
        result = refuse(vm, "close", "EIO", when, "stop", "--now", "vm")
        assert result.returncode == 0 or "shared libraries" in result.stderr, (when, result.stderr)
        vm.kvmctl("stop", "--now", "vm")


def test_a_signal_between_makes_nobody_unresponsive(vm):
    for when in range(1, calls(vm, "poll", "list") + 1):
        result = refuse(vm, "poll", "EINTR", when, "list")
        assert "running" in result.stdout, result.stdout
    # Nor does a shortage on this host.
    for when in range(1, calls(vm, "poll", "list") + 1):
        assert "running" in refuse(vm, "poll", "ENOMEM", when, "list").stdout

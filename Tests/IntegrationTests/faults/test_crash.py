"""Whatever dies at any moment: nothing is left behind, and the next start works."""

import os
import shutil
import signal
import time

import pytest

from rig.faults import system_calls



def test_killed_qemu(bridged_host):
    host = bridged_host
    host.write_firmware_vm("vm", NET0="bridge:br0")
    host.kvmctl("start", "vm")
    assert len(host.taps()) == 1
    assert host.lock_is_held("vm")

    host.qemu().kill()
    assert host.state("vm") == "crashed"
    assert host.taps() == {}
    assert not host.lock_is_held("vm")
    # Who wants something of it learns more than that it does not run.
    for words in ["wait", "vm"], ["exec", "vm", "--", "true"], ["pause", "vm"]:
        assert "its last run crashed: `kvmctl history vm` tells of it" in host.kvmctl(*words, expect=None).stderr, words

    assert "vm: started" in host.kvmctl("start", "vm").stdout
    assert host.state("vm") == "running"


def test_killed_qemu_has_crashed_at_once(host):
    """Even while the kernel is still freeing its memory, and its locks still exist."""
    host.write_firmware_vm("vm", MEMORY=512)
    for _ in range(5):
        host.kvmctl("start", "vm")
        os.kill(host.qemu().pid, signal.SIGKILL)
        assert host.state("vm") == "crashed"


def test_guest_that_powers_off_is_stopped_not_crashed(host):
    host.write_tiny_vm("brief", words="tiny.poweroff")
    host.kvmctl("start", "brief")
    host.qemu().wait_for_end()
    assert host.state("brief") == "stopped"


def start_without_cache(host):
    """The cached probe results are gone, so the start has to probe."""
    shutil.rmtree(host.run / "cache", ignore_errors=True)


def start_with_cache(host):
    """An earlier start cached its probe results."""
    assert (host.run / "cache").is_dir()


@pytest.mark.parametrize("samples", [12, pytest.param(40, marks=pytest.mark.deep)])
@pytest.mark.parametrize("prepare", [start_with_cache, start_without_cache])
def test_kvmctl_killed_at_any_point_of_a_start(bridged_host, prepare, samples):
    host = bridged_host
    host.write_firmware_vm("vm", NET0="bridge:br0")
    host.kvmctl("start", "vm")
    host.kvmctl("stop", "vm", "--now")

    prepare(host)
    calls = system_calls(host, "start", "vm")
    host.kvmctl("stop", "vm", "--now")
    assert len(calls) > samples
    points = [calls[index * len(calls) // samples] for index in range(samples)]

    for name, count in points:
        prepare(host)
        killed = host.execute(
            "strace", "-o", "/dev/null", "-e", f"inject={name}:signal=SIGKILL:when={count}", host.binary, "start", "vm")
        where = f"after the kill at {name} number {count}"
        assert killed.returncode in (0, 128 + signal.SIGKILL, -signal.SIGKILL), where

        again = host.execute(host.binary, "start", "vm")
        assert again.returncode == 0, f"{where}: {again.stderr}"
        assert host.state("vm") == "running", where
        assert len(host.qemus()) == 1 and len(host.taps()) == 1, where

        host.kvmctl("stop", "vm", "--now")
        host.assert_nothing_left()


@pytest.mark.parametrize("delay", [0.005, 0.02, 0.05, 0.1])
def test_interrupted_start(bridged_host, delay):
    """Ctrl-C of a start leaves a running VM, or nothing."""
    host = bridged_host
    host.write_firmware_vm("vm", NET0="bridge:br0")
    start = host.popen(host.binary, "start", "vm")
    time.sleep(delay)
    start.send_signal(signal.SIGINT)
    start.communicate(timeout=30)

    host.kvmctl("start", "vm")
    assert host.state("vm") == "running"
    assert len(host.qemus()) == 1 and len(host.taps()) == 1

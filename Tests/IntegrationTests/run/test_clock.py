"""The clock of a guest that stood still."""

import re
import time

import pytest

from rig.terminal import run_inside

AWAY = 7


def behind(host, name):
    """How many seconds the guest's clock is behind the host's."""
    return time.time() - int(run_inside(host, name, "date +%s")[0])


def stand_still(host, name, how):
    host.kvmctl(how, name)
    time.sleep(AWAY)
    return ["resume" if how == "pause" else "start", name]


@pytest.mark.parametrize("how", ["pause", "suspend"])
def test_the_agent_sets_it(host, how):
    host.write_tiny_vm("vm", "tiny.agent", INITRD=host.guests / "initrd-agent.gz", MEMORY=192)
    host.kvmctl("start", "vm", "--wait")
    words = stand_still(host, "vm", how)
    assert host.json(*words)[0]["clock"] == "set"
    assert behind(host, "vm") < AWAY - 2


@pytest.mark.parametrize("how", ["pause", "suspend"])
def test_without_an_agent_it_is_said(host, how):
    host.write_tiny_vm("vm", MEMORY=96)
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    words = stand_still(host, "vm", how)
    said = host.kvmctl(*words).stderr
    assert AWAY <= int(re.search(r"the guest's clock stood still for (\d+) s, and was not set .*none runs in the guest", said)[1]) < AWAY + 60
    assert behind(host, "vm") > AWAY - 2
    # Hardly a moment.
    host.kvmctl("pause", "vm")
    assert "clock" not in host.kvmctl("resume", "vm").stderr


@pytest.mark.parametrize("seconds,side", [(-86400 * 3, "3 days behind"), (7300, "2 hours ahead of")])
def test_one_that_was_wrong_before_is_set_and_told_of(host, seconds, side):
    host.write_tiny_vm("vm", "tiny.agent", INITRD=host.guests / "initrd-agent.gz", MEMORY=192)
    host.kvmctl("start", "vm", "--wait")
    run_inside(host, "vm", f"date -s @{int(time.time()) + seconds}")
    host.kvmctl("pause", "vm")
    time.sleep(2)
    said = host.kvmctl("resume", "vm").stderr
    assert f"the guest's clock was {side} the host's, which its standstill does not explain: its agent has set it" in said
    assert abs(behind(host, "vm")) < 3


def test_an_agent_that_does_not_answer_is_not_called_absent(host):
    host.write_tiny_vm("vm", "tiny.agent", INITRD=host.guests / "initrd-agent.gz", MEMORY=192)
    host.kvmctl("start", "vm", "--wait")
    assert run_inside(host, "vm", "killall -STOP qemu-ga")[1] == 0
    said = host.kvmctl(*stand_still(host, "vm", "pause")).stderr
    assert "and was not set (the guest agent: it does not answer)" in said
    run_inside(host, "vm", "killall -CONT qemu-ga")


def test_what_passed_before_it_was_suspended_counts_too(host):
    host.write_tiny_vm("vm", MEMORY=96)
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    host.kvmctl("pause", "vm")
    time.sleep(AWAY)
    host.kvmctl("suspend", "vm")
    said = host.kvmctl("start", "vm").stderr
    assert int(re.search(r"stood still for (\d+) s", said)[1]) >= AWAY

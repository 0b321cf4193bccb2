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
    assert AWAY <= int(re.search(r"the guest's clock is (\d+) s behind", said)[1]) < AWAY + 60
    assert behind(host, "vm") > AWAY - 2
    # Hardly a moment.
    host.kvmctl("pause", "vm")
    assert "clock" not in host.kvmctl("resume", "vm").stderr

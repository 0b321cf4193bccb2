"""Commands about a running machine that are killed: the next one goes on from what is true."""

import pytest

from rig.faults import kill_sometime
from rig.waiting import wait_until

UNDO = {"pause": "resume", "freeze": "thaw"}


@pytest.mark.parametrize("verb", ["pause", "reset", "freeze", "memory"])
def test_the_machine_is_as_before_or_as_asked(host, verb):
    agent = {"INITRD": host.guests / "initrd-agent.gz", "MEMORY": 128}
    host.write_tiny_vm("vm", "tiny.agent tiny.balloon", **agent)
    host.kvmctl("start", "vm")
    wait_until(lambda: host.kvmctl("thaw", "vm", expect=None).stdout == "vm: already thawed\n", "agent")
    pid = host.qemu().pid
    words = [verb, "vm", *(["112M"] if verb == "memory" else [])]
    undo = [UNDO[verb], "vm"] if verb in UNDO else ["memory", "vm", "128M"] if verb == "memory" else None
    text = (host.vms / "vm/vm.params").read_text()
    for seed in range(8):
        kill_sometime(host, seed, *words)
        assert host.state("vm") in (("paused", "running") if verb == "pause" else ("running",)), seed
        if verb != "reset":
            host.kvmctl(*words)
        if undo:
            host.kvmctl(*undo)
        assert host.qemu().pid == pid and host.state("vm") == "running", seed
    host.kvmctl("reset", "vm")
    wait_until(lambda: host.kvmctl("thaw", "vm", expect=None).stdout == "vm: already thawed\n", "agent after the reset")
    assert (host.vms / "vm/vm.params").read_text() == text
    host.kvmctl("stop", "--now", "vm")
    host.assert_nothing_left()

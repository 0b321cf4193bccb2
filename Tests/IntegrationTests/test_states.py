"""What `list` and `show` say of VMs that can't be asked, or may not be."""

import os
import signal

from rig.fake import fake_monitor

# The backlog of the monitor's socket: so many can come and leave before a connection is refused.
BACKLOG = 16


def test_a_hung_qemu_is_unresponsive_and_keeps_nobody_waiting(host):
    for name in ("a", "hung", "z"):
        host.write_firmware_vm(name)
    host.kvmctl("start", "hung")
    hung = host.qemu()
    host.kvmctl("start", "a", "z")
    os.kill(hung.pid, signal.SIGSTOP)
    for _ in range(BACKLOG + 4):
        states = {vm["name"]: vm["state"] for vm in host.json("list")}
        assert states == {"a": "running", "hung": "unresponsive", "z": "running"}
    assert host.show("hung")["state"] == "unresponsive"

    # Nothing is wrong with it but that nobody let it answer.
    os.kill(hung.pid, signal.SIGCONT)
    assert host.state("hung") == "running"


def test_a_qemu_that_never_stops_talking_keeps_nobody_waiting(host):
    talker = fake_monitor(host, """
        for command in commands:
            while command["execute"] == "query-status":
                say({"event": "RTC_CHANGE"})
            answer(command)
        """)
    host.write_firmware_vm("vm", QEMU=talker)
    host.kvmctl("start", "vm")
    assert host.state("vm") == "unresponsive"


def test_what_another_user_may_not_see_is_unknown(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    host.root.chmod(0o755)
    for command in (["list"], ["show", "vm"]):
        assert "unknown" in host.kvmctl(*command, uid=65534, expect=77).stdout
    assert "another user" in host.kvmctl("stop", "vm", uid=65534, expect=77).stderr
    assert host.state("vm") == "running"

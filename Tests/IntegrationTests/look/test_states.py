"""What `list` and `show` say about VMs that can't be asked, or must not be."""

import contextlib
import os
import signal
import socket
import threading
import time

from rig.fake import fake_monitor
from rig.waiting import wait_until

# The backlog of the monitor's socket: this many clients can come and leave before a connection is refused.
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

    # Nothing is wrong with it: it only had no chance to answer.
    os.kill(hung.pid, signal.SIGCONT)
    wait_until(lambda: host.state("hung") == "running", "an answer of its monitor")


def flood(monitor):
    """Asks QEMU for its state again and again, until it ends."""
    with contextlib.suppress(OSError):
        monitor.sendall(b'{"execute": "qmp_capabilities"}')
        while monitor.recv(1 << 16):
            monitor.sendall(b'{"execute": "query-status"}' * 2)


def test_a_qemu_that_was_asked_just_when_it_ended_ends(host):
    # QEMU waits for ever for a command that it has begun and does not run any more. Asked all the time, it does so in one
    # end of about eight.
    host.write_firmware_vm("vm")
    for _ in range(24):
        host.kvmctl("start", "vm")
        seen = host.show("vm")
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(seen["qmpSocket"])
            client = threading.Thread(target=flood, args=[monitor])
            client.start()
            os.kill(seen["pid"], signal.SIGTERM)
            time.sleep(0.3)
            monitor.shutdown(socket.SHUT_RDWR)
            client.join()
        wait_until(lambda: host.state("vm") == "stopped", lambda: f"end: {host.show('vm')}", 10)
        assert host.show("vm")["endReason"] == "host-signal"


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


def ran_elsewhere(host):
    """The params file of a VM that is not under the roots, and that ran."""
    (host.root / "first").mkdir()
    params = host.write_firmware_vm("vm", directory=host.root / "first/vm", NET0="bridge:br0")
    host.kvmctl("start", params)
    host.kvmctl("stop", "--now", "vm")
    return params


def test_what_another_vm_of_the_name_left(bridged_host):
    """Run directory and logs belong to the name, and the VM that last ran under it is not the one that has it now."""
    host = bridged_host
    first = ran_elsewhere(host)
    second = host.write_firmware_vm("vm", NET0="bridge:br0")
    assert host.json("show", "vm")[0]["endReason"] is None and host.json("show", first)[0]["endReason"]
    assert f"they belong to {first}" in host.kvmctl("rm", "--dry-run", "vm").stdout
    # It keeps no VM from starting, on any network.
    host.kvmctl("start", "vm")
    host.kvmctl("start", first, expect=75)
    host.kvmctl("stop", "--now", second)
    host.kvmctl("rm", "vm")


def test_a_vm_that_was_moved(bridged_host):
    host = bridged_host
    params = ran_elsewhere(host)
    params.parent.rename(host.vms / "vm")
    assert host.json("show", "vm")[0]["endReason"]
    host.kvmctl("start", "vm")
    host.kvmctl("stop", "--now", "vm")
    assert "kept" not in host.kvmctl("rm", "--dry-run", "vm").stdout

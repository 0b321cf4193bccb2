"""`freeze` and `thaw`."""

import json
import signal
import time

import pytest

from rig.initrd import with_files
from rig.terminal import run_inside
from rig.waiting import wait_until

WRITE = "while date >/mnt/now && sync; do echo wrote; usleep 50000; done"


def test_writes_stop_and_go_on(host):
    for name, word in ("vm", "tiny.agent"), ("hung", "tiny.agent=hung"):
        host.write_tiny_vm(name, word, INITRD=host.guests / "initrd-agent.gz", DISK0="disk", DISK0_SIZE="16M")
    host.write_firmware_vm("none")
    host.write_firmware_vm("off")
    host.kvmctl("start", "vm", "hung", "none")
    for name in ("vm", "hung"):
        host.wait_console(name, "tiny: up")

    def written():
        return host.console_log("vm").count("wrote\n"), (host.vms / "vm/disk").read_bytes()

    run_inside(host, "vm", f"mke2fs -F /dev/vda >/dev/null && mount -t ext2 /dev/vda /mnt && ({WRITE} &)")
    wait_until(lambda: written()[0] > 3, "writes")
    # It opens its channel some time after the guest is up.
    wait_until(lambda: host.kvmctl("thaw", "vm", expect=None).stdout == "vm: already thawed\n", "agent")
    assert host.kvmctl("freeze", "vm", "--dry-run").stdout == "vm: would be frozen\n"
    assert host.kvmctl("freeze", "vm").stdout == "vm: 1 file system frozen\n"
    time.sleep(1)
    before = written()
    time.sleep(1)
    assert written() == before
    assert host.kvmctl("freeze", "vm").stdout == "vm: already frozen\n"
    [thawed] = host.json("thaw", "vm")
    assert (thawed["before"], thawed["changed"]) == ("frozen", 1)
    wait_until(lambda: written()[0] > before[0], "writes")

    failed = host.kvmctl("freeze", "hung", "none", "off", "--json", expect=1)
    assert [one["error"]["code"] for one in json.loads(failed.stdout)] == [124, 69, 75]
    host.kvmctl("stop", "--now", "hung", "none")
    assert host.kvmctl("freeze", "--all").stdout == "vm: 1 file system frozen\n"


# What answers in the place of the agent, one command after the other: it takes its time to freeze. Like the agent, it can't write
# while nobody is connected on the host.
SLOW = r"""
for port in /sys/class/virtio-ports/*; do
    if [ "$(cat "$port/name")" = org.qemu.guest_agent.0 ]; then exec 3<>"/dev/${port##*/}"; fi
done
echo thawed >/state
while :; do read -r l <&3 || { sleep 1; continue; }; case $l in
*guest-sync*) printf '\377{"return": %s}\n' $(echo "$l" | sed 's/.*"id" *: *\([0-9-]*\).*/\1/') >&3 ;;
*status*) echo "{\"return\": \"$(cat /state)\"}" >&3 ;;
*freeze-freeze*) echo freezing >/dev/console; sleep 3; echo frozen >/state; echo '{"return": '"$(cat /count)"'}' >&3 ;;
*freeze-thaw*) echo thawed >/state; echo '{"return": 1}' >&3 ;;
esac; done
"""


@pytest.fixture
def slow_host(host):
    tree = host.root / "tree"
    tree.mkdir()
    (tree / "slow").write_text(SLOW)
    (tree / "count").write_text("1")
    host.write_tiny_vm("vm", INITRD=with_files(host, tree))
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    run_inside(host, "vm", "(sh /slow >/dev/null 2>&1 &)")
    wait_until(lambda: host.kvmctl("thaw", "vm", expect=None).stdout == "vm: already thawed\n", "agent")
    return host


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_freeze_that_is_interrupted_leaves_the_guest_thawed(slow_host, number):
    slow_host.write_firmware_vm("next")
    slow_host.kvmctl("start", "next")
    freeze = slow_host.popen(slow_host.binary, "freeze", "vm", "next")
    slow_host.wait_console("vm", "freezing")
    freeze.send_signal(number)
    _, said = freeze.communicate(timeout=60)
    assert freeze.returncode == 128 + number
    assert "next: interrupted: it was not frozen" in said
    assert "interrupted: waiting until it can be thawed" in said and "was interrupted; the guest was thawed" in said
    assert run_inside(slow_host, "vm", "cat /state")[0].strip() == "thawed"
    assert "frozen" not in slow_host.kvmctl("history", "vm").stdout


def test_a_count_that_makes_no_sense(slow_host):
    run_inside(slow_host, "vm", "echo -5 >/count")
    assert "its answer makes no sense" in slow_host.kvmctl("freeze", "vm", expect=69).stderr
    wait_until(lambda: slow_host.kvmctl("thaw", "vm").stdout == "vm: already thawed\n", "thaw")

"""`freeze` and `thaw`."""

import json
import time

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

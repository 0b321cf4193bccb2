"""`fstrim`."""

import json

from rig.initrd import with_files
from rig.terminal import run_inside
from rig.waiting import wait_until

MUCH = 8 << 20
FILL = f"head -c {MUCH} /dev/urandom >/mnt/much && sync && rm /mnt/much && sync"


def test_the_host_gets_blocks_back(host):
    host.write_tiny_vm("vm", "tiny.agent", INITRD=host.guests / "initrd-agent.gz", DISK0="disk", DISK0_SIZE="16M")
    host.write_firmware_vm("none")
    host.write_firmware_vm("off")
    host.kvmctl("start", "vm", "none")
    host.wait_console("vm", "tiny: up")

    def allocated():
        return (host.vms / "vm/disk").stat().st_blocks * 512

    assert run_inside(host, "vm", f"mke2fs -F /dev/vda >/dev/null && mount -t ext2 /dev/vda /mnt && {FILL}")[1] == 0
    wait_until(lambda: host.kvmctl("thaw", "vm", expect=None).stdout == "vm: already thawed\n", "agent")
    before = allocated()
    assert host.kvmctl("fstrim", "vm", "--dry-run").stdout == "vm: would be trimmed\n" and allocated() == before
    [trimmed] = host.json("fstrim", "vm")
    [one] = trimmed["fileSystems"]
    assert (one["path"], one["error"]) == ("/mnt", None) and one["trimmed"] >= MUCH
    assert allocated() <= before - MUCH
    assert host.kvmctl("fstrim", "vm").stdout.startswith("vm: 1 file system trimmed, ")

    host.kvmctl("freeze", "vm")
    assert "`kvmctl thaw vm`" in host.kvmctl("fstrim", "vm", expect=69).stderr
    host.kvmctl("thaw", "vm")

    # The agent can't open what lies below another file system.
    assert run_inside(host, "vm", "mkdir -p /a/b && mount -t ext2 /dev/vda /a/b && mount -t tmpfs none /a")[1] == 0
    failed = host.kvmctl("fstrim", "--all", "--json", expect=1)
    assert "/a/b: failed to open" in failed.stderr
    found = {one["name"]: one for one in json.loads(failed.stdout)}
    assert {name: one["error"]["code"] for name, one in found.items()} == {"vm": 1, "none": 69}
    trims = {one["path"]: (one["trimmed"], one["error"]) for one in found["vm"]["fileSystems"]}
    assert trims["/mnt"][1] is None and trims["/a/b"][0] is None


# What answers in the place of the agent: to all but a synchronization with what is in /answer.
IMPOSTOR = r"""
for port in /sys/class/virtio-ports/*; do
    if [ "$(cat "$port/name")" = org.qemu.guest_agent.0 ]; then exec 3<>"/dev/${port##*/}"; fi
done
# While nobody is connected on the host, a read ends at once.
while :; do read -r l <&3 || { sleep 1; continue; }; case $l in
*guest-sync*) printf '\377{"return": %s}\n' $(echo "$l" | sed 's/.*"id" *: *\([0-9-]*\).*/\1/') >&3 ;;
*) cat /answer >&3 ;;
esac; done
"""


def test_an_answer_that_makes_no_sense(host):
    tree = host.root / "tree"
    tree.mkdir()
    (tree / "impostor").write_text(IMPOSTOR)
    host.write_tiny_vm("vm", INITRD=with_files(host, tree))
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    run_inside(host, "vm", "(sh /impostor >/dev/null 2>&1 &)")
    for answer in '{"return":{"paths":"x"}}', '{"return":{}}', "garbage", "[1]", '{"return":{"paths":[{}]}}', '{"return":{"paths":[{"path":"/","trimmed":-1}]}}':
        run_inside(host, "vm", f"echo '{answer}' >/answer")
        said = host.kvmctl("fstrim", "vm", expect=69).stderr
        assert "its answer makes no sense" in said and "refused" not in said, (answer, said)

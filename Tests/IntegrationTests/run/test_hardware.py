"""The kinds of devices that a file can choose, on a real QEMU."""

from rig.fake import fake_qemu
from rig.qmp import Monitor


def devices(host, name):
    """{QEMU's id: vendor and device number} of the PCI devices that QEMU says the machine has."""
    with Monitor(host.show(name)["qmpSocket"]) as monitor:
        buses = monitor.execute("query-pci")
        drives = {block["qdev"]: block["inserted"]["ro"] for block in monitor.execute("query-block")}
    found = {}
    for bus in buses:
        found.update({device["qdev_id"]: f"{device['id']['vendor']:04x}:{device['id']['device']:04x}" for device in bus["devices"]})
    return found, drives


def test_a_guest_without_virtio_drivers(host):
    sizes = {f"DISK{n}_SIZE": "1M" for n in range(3)}
    iso = host.root / "a.iso"
    iso.write_bytes(bytes(1 << 20))
    host.write_firmware_vm(
        "vm", DISK0="a", DISK0_BUS="sata", DISK0_SERIAL="WD-1", DISK1="b", DISK1_BUS="scsi", DISK2="c", CDROM0=iso,
        NET0="user", NET0_MODEL="e1000e", VIDEO="virtio", SOUND="yes", VNCDISP="auto", BOOT="net,disk", **sizes)
    host.kvmctl("start", "vm")
    found, drives = devices(host, "vm")
    # Intel's 82574L and HD audio (ICH9), virtio-scsi, virtio-gpu; virtio-blk for the disk that says nothing.
    assert found["nic0"] == "8086:10d3" and found["sound"] == "8086:293e"
    assert found["scsi0"] == "1af4:1004" and found["vga"] == "1af4:1050" and found["disk2"] == "1af4:1001"
    assert {"disk0", "disk1"} <= set(drives) and "disk0" not in found and "disk1" not in found
    assert "NET0" in host.kvmctl("show", "vm").stdout and ", e1000e" in host.kvmctl("show", "vm").stdout


def test_qxl_and_what_does_not_combine(host):
    host.write_firmware_vm("vm", VIDEO="qxl", DISK0="a", DISK0_BUS="scsi", DISK0_READONLY="yes")
    (host.vms / "vm" / "a").write_bytes(bytes(1 << 20))
    host.kvmctl("start", "vm")
    found, drives = devices(host, "vm")
    assert found["vga"] == "1b36:0100" and drives["disk0"] is True
    host.write_firmware_vm("old", MACHINE="pc", DISK0="a", DISK0_SIZE="1M", DISK0_BUS="sata")
    assert "DISK0_BUS: a pc machine has no SATA controller" in host.kvmctl("start", "old", expect=65).stderr


def test_a_device_that_qemu_lacks_is_refused_by_name(host):
    # A QEMU that was built without it, as the probe sees it.
    body = 'exec qemu-system-x86_64 "$@"\n'
    qemu = fake_qemu(host, body)
    qemu.write_text(qemu.read_text().replace("exec qemu", "exec /usr/bin/python3 " + str(without_qxl(host)) + " qemu", 1))
    host.write_firmware_vm("vm", VIDEO="qxl", QEMU=qemu)
    refused = host.kvmctl("start", "vm", expect=69).stderr
    assert "has no device qxl-vga" in refused and "VIDEO=std" in refused
    host.write_firmware_vm("vm", VIDEO="virtio", QEMU=qemu)
    host.kvmctl("start", "vm")


FILTER = """
import socket, subprocess, sys, threading

words = sys.argv[1:]
outer = socket.socket(fileno=3)
inner, theirs = socket.socketpair()
words[words.index("socket,id=qmp,fd=3")] = f"socket,id=qmp,fd={theirs.fileno()}"
qemu = subprocess.Popen(words, pass_fds=[theirs.fileno()])
theirs.close()

def pass_on():
    for line in outer.makefile("rb"):
        inner.sendall(line.replace(b"qxl-vga", b"no-such-device"))
    qemu.kill()

threading.Thread(target=pass_on, daemon=True).start()
for line in inner.makefile("rb"):
    outer.sendall(line)
"""


def without_qxl(host):
    """A program that runs QEMU and hides its qxl-vga from who asks for it."""
    script = host.root / "filter.py"
    script.write_text(FILTER)
    return script

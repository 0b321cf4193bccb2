"""A libvirtd for the benchmarks only, without what a container lacks and without its safety features."""

import os
import subprocess
import time
from pathlib import Path

from bench.measuring import milliseconds_of
from bench.world import ENVIRONMENT, SetUpFailed, run

# The postinst script of libvirt-daemon-system creates this user, but it would also start a service.
ACCOUNTS = {"/etc/passwd": "libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin\n", "/etc/group": "libvirt-qemu:x:64055:\n"}

QEMU_CONF = """\
security_driver = "none"
user = "root"
group = "root"
cgroup_controllers = []
namespaces = []
remember_owner = 0
stdio_handler = "file"
"""

URI = "qemu:///system"


class Libvirt:
    """Runs for the duration of its `with`, in the benchmarks' mount namespace."""

    def __init__(self, directory, domains=(), within=()):
        """`domains` are (name, XML) pairs, which are defined when it starts; `within` are the words before its command line."""
        self._directory = directory
        self._hide_the_machines_own()
        for name, xml in domains:
            Path("/etc/libvirt/qemu", f"{name}.xml").write_text(xml)
        self._log = open(directory / "libvirtd.log", "wb")
        self._daemon = subprocess.Popen(
            [*within, "libvirtd"], env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        self._await()

    def _hide_the_machines_own(self):
        for path in ("/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt"):
            own = self._directory / path.strip("/").replace("/", "-")
            own.mkdir(parents=True)
            Path(path).mkdir(parents=True, exist_ok=True)
            run("mount", "--bind", own, path)
        for path, line in ACCOUNTS.items():
            text = Path(path).read_text(encoding="utf-8")
            if "libvirt-qemu:" in text:
                continue
            own = self._directory / Path(path).name
            own.write_text(text + line)
            run("mount", "--bind", own, path)
        Path("/etc/libvirt/qemu").mkdir()
        Path("/etc/libvirt/qemu.conf").write_text(QEMU_CONF)
        Path("/etc/libvirt/libvirtd.conf").write_text('auth_unix_rw = "none"\nlog_level = 4\n')

    def _await(self):
        deadline = time.monotonic() + 120
        while subprocess.run(
                ["virsh", "-q", "-c", URI, "list", "--all"], env=ENVIRONMENT, capture_output=True,
                check=False).returncode:
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                raise SetUpFailed("libvirtd: " + (self._directory / "libvirtd.log").read_text(errors="replace"))
            time.sleep(0.1)

    @property
    def pid(self):
        return self._daemon.pid

    def virsh(self, *arguments):
        return run("virsh", "-q", "-c", URI, *arguments)

    def milliseconds_of(self, *arguments):
        """How long a virsh command takes."""
        return milliseconds_of(["virsh", "-q", "-c", URI, *arguments], ENVIRONMENT)

    def define(self, name, xml):
        path = self._directory / f"{name}.xml"
        path.write_text(xml)
        self.virsh("define", path)

    def pid_of(self, name):
        return int(Path("/run/libvirt/qemu", f"{name}.pid").read_text())

    def virt_install(self, name, *arguments):
        """Defines what virt-install makes of these arguments: libvirt's defaults, as its users get them."""
        xml = run(
            "virt-install", "--connect", URI, "--name", name, "--virt-type", "qemu", "--osinfo", "linux2022",
            "--import", "--print-xml", *arguments)
        self.define(name, xml)
        return xml

    def close(self):
        self._daemon.terminate()
        self._daemon.wait()
        self._log.close()
        for path in ("/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt"):
            # Lazily, because a QEMU that ends a little later may still have its log open.
            run("umount", "--lazy", path)
        for path in Path("/run/libvirt").rglob("*.pid"):
            os.unlink(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def equal_domain(name, memory, disks, vnc):
    """A domain with the devices that kvmctl gives a VM of the same memory, disks, NIC on br0 and VNC display."""
    drives = "".join(
        f"""<disk type='file' device='disk'>
        <driver name='qemu' type='raw' cache='none' io='io_uring' discard='unmap' detect_zeroes='unmap'/>
        <source file='{path}'/><target dev='vd{"abcdefgh"[number]}' bus='virtio'/></disk>"""
        for number, path in enumerate(disks))
    return f"""<domain type='qemu'>
      <name>{name}</name><memory unit='MiB'>{memory}</memory><vcpu>1</vcpu>
      <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><boot dev='hd'/></os>
      <features><acpi/><apic/><vmport state='off'/></features>
      <cpu mode='maximum'/><clock offset='utc'/>
      <devices>
        <emulator>/usr/bin/qemu-system-x86_64</emulator>
        {drives}
        <interface type='bridge'><source bridge='br0'/><model type='virtio'/></interface>
        <controller type='usb' model='qemu-xhci'/>
        <serial type='pty'/><console type='pty'/>
        <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
        <input type='tablet' bus='usb'/>
        <graphics type='vnc' port='{5900 + vnc}' autoport='no' listen='127.0.0.1'/>
        <video><model type='vga'/></video>
        <memballoon model='virtio' freePageReporting='on' autodeflate='on'/>
        <rng model='virtio'><backend model='builtin'/></rng>
      </devices>
    </domain>"""


def small_domain(name):
    """A minimal definition, for lists."""
    return f"""<domain type='qemu'><name>{name}</name><memory unit='MiB'>16</memory><vcpu>1</vcpu>
    <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
    <devices><emulator>/usr/bin/qemu-system-x86_64</emulator></devices></domain>"""

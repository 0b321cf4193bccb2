"""The catalogue: guests that are broken as guests are in real life, and what `kvmctl wait` has to say of each.

Most are the tiny guest with a word for its init or for its kernel; `build` makes what others take.
"""

import errno
import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from rig.host import KERNEL_WORDS

BUILD = Path(__file__).with_name("build")
MISSING_DISK = "6b1e2b0c-0000-4c7d-9a3e-2a55f5a3c001"
SAME = "as wait"
SCREEN_ONLY = {"APPEND": "'console=tty0 no_timer_check'"}


@dataclass(frozen=True)
class Broken:
    """A guest, and what is expected of it."""

    name: str
    # What shows that it is broken: text on its console, on its screen, in its firmware's log, or in its flight record.
    shows: str
    # What `wait` says: how far it is (None: that changes), and the symptom (None: nothing is wrong that it could know).
    stage: str | None
    symptom: str | None
    where: str = "console"
    # What is waited for. One that is not a dead end is waited for when it has shown what it shows.
    condition: str = "boot"
    is_dead_end: bool = True
    is_met: bool = False
    # What `doctor` says of it, if that is not the same: it does not know what somebody waits for.
    doctor: str | None = SAME
    # Whether somebody presses its power button first.
    is_pressed: bool = False
    # Words for the tiny guest; None: it is another.
    words: str | None = ""
    # Further keys; {vm} is the VM's directory, {guests} that of the tiny guest.
    keys: dict = field(default_factory=dict)
    # Files that the VM's directory gets: {name: the files that it is made of}, each as PART/NAME of what `build` makes, or
    # the name of one of the tiny guest's.
    files: dict = field(default_factory=dict)
    # The first bytes of its DISK0, which is then made.
    boot_code: bytes | None = None

    @property
    def doctors_symptom(self):
        return self.symptom if self.doctor is SAME else self.doctor

    @property
    def code(self):
        """That of `wait`: nothing wrong, a dead end, a deadline that passed."""
        if self.is_dead_end:
            return 69
        return 0 if self.is_met else 124

    def write(self, host):
        """Its vm.params, and what belongs to it."""
        directory = host.vms / self.name
        directory.mkdir()
        for name, sources in self.files.items():
            _join([_path(host, source) for source in sources], directory / name)
        if self.boot_code:
            (directory / "disk").write_bytes(self.boot_code.ljust(510, b"\0") + b"\x55\xaa" + bytes(1 << 20))
        places = {"{vm}": directory, "{guests}": host.guests}
        keys = {key: _filled(str(value), places) for key, value in self.keys.items()}
        if self.words is None:
            host.write_firmware_vm(self.name, **keys)
        else:
            host.write_tiny_vm(self.name, self.words, **keys)


def _filled(value, places):
    for name, place in places.items():
        value = value.replace(name, str(place))
    return value


def _path(host, source):
    part, slash, name = source.partition("/")
    if not slash:
        return host.guests / source
    built = subprocess.run([BUILD, part], check=True, stdout=subprocess.PIPE, text=True)
    return Path(built.stdout.strip()) / name


def _join(sources, target):
    if len(sources) == 1:
        subprocess.run(["cp", "--sparse=always", sources[0], target], check=True)
        return
    with target.open("wb") as output:
        for source in sources:
            with source.open("rb") as file:
                shutil.copyfileobj(file, output)


def _disk(source):
    """The keys and files of a guest with nothing but this disk."""
    return {"words": None, "keys": {"DISK0": "disk"}, "files": {"disk": [source]}}


def _faulty_disk(operation, error):
    """A disk on which this operation fails, with this error. kvmctl has no key for that."""
    disk = {
        "driver": "blkdebug", "node-name": "bad", "image": {"driver": "null-co", "size": 16 << 20, "read-zeroes": True},
        "inject-error": [{"event": "none", "iotype": operation, "errno": error, "once": False}],
    }
    return {
        "QEMUARG0": "-blockdev", "QEMUARG1": f"'{json.dumps(disk)}'",
        "QEMUARG2": "-device", "QEMUARG3": "virtio-blk-pci,drive=bad",
    }


FIRMWARE = [
    Broken("no-boot-disk", "not a bootable disk", "firmware", "noBootableDevice", where="screen", words=None,
           keys={"DISK0": "disk", "DISK0_SIZE": "16M"}),
    Broken("no-disk", "No bootable device.", "firmware", "noBootableDevice", where="screen", words=None),
    # It turns the screen to graphics (int 10h, mode 13h), and waits for ever.
    Broken("boot-code-silent", "set VGA mode 13", "bootLoader", "bootedSilently", where="firmware", words=None,
           is_dead_end=False, keys={"DISK0": "disk"}, boot_code=b"\xb8\x13\x00\xcd\x10\xfb\xf4\xeb\xfc"),
    Broken("uefi-shell", "Shell>", "firmware", "uefiShell", words=None, files={"OVMF.fd": ["uefi/OVMF.fd"]},
           keys={"MEMORY": 128, "DISK0": "disk", "DISK0_SIZE": "16M", "QEMUARG0": "-bios", "QEMUARG1": "{vm}/OVMF.fd"}),
    Broken("grub-prompt", "grub>", "bootLoader", "grubPrompt", where="screen", **_disk("grub/prompt.raw")),
    Broken("grub-prompt-serial", "grub>", "bootLoader", "grubPrompt", **_disk("grub/prompt-serial.raw")),
    Broken("grub-rescue", "grub rescue>", "bootLoader", "grubRescue", where="screen", **_disk("grub/rescue.raw")),
    Broken("grub-rescue-uuid", f"no such device: {MISSING_DISK}", "bootLoader", "grubRescue",
           **_disk("grub/rescue-uuid.raw")),
]

# /bin can't be executed, busybox ends at once; without an initramfs the cloud kernel has no driver for any disk.
KERNEL = [
    Broken("panic-bad-root", "Unable to mount root fs", "kernel", "panicNoRoot", words=None,
           keys={"MEMORY": 128, "KERNEL": "{guests}/vmlinuz", "APPEND": f"'{KERNEL_WORDS} root=/dev/vda1 ro'"}),
    Broken("panic-no-init", "No working init found", "init", "panicNoInit", words="rdinit=/bin"),
    Broken("panic-init-died", "Attempted to kill init!", "kernel", "panicNoInit", words="rdinit=/bin/busybox"),
    Broken("panic-screen", "end Kernel panic", "kernel", "panicNoInit", where="screen",
           keys={"APPEND": "'console=tty0 no_timer_check rdinit=/bin/busybox'"}),
    Broken("out-of-memory", "System is deadlocked on memory", "initramfs", "panicNoMemory", words="tiny.eat=all"),
]

RUNNING = [
    Broken("oom-killer", "Out of memory: Killed process", "initramfs", "memoryShort", words="tiny.eat",
           is_dead_end=False),
    Broken("screen-only", "tiny: up", "initramfs", "consoleElsewhere", where="screen", keys=SCREEN_ONLY,
           is_dead_end=False),
    Broken("disk-io-error", "I/O error, dev vda", "initramfs", "diskErrors", keys=_faulty_disk("read", errno.EIO),
           is_dead_end=False),
    Broken("disk-full", '"nospace": true', "initramfs", "pausedByQEMU", where="record", words="tiny.write",
           keys=_faulty_disk("write", errno.ENOSPC)),
    Broken("halted", "reboot: System halted", "initramfs", "halted", words="tiny.halt"),
    Broken("power-off", '"guest-shutdown"', "initramfs", "poweredOff", where="record", words="tiny.poweroff",
           doctor=None),
    Broken("reboot-loop", '"guest-reset"', None, "rebootLoop", where="record", words="tiny.reboot"),
    Broken("acpi-ignored", "tiny login:", "up", "acpiIgnored", words="tiny.login tiny.deaf", condition="stopped",
           is_pressed=True, is_dead_end=False),
]

# The test has a DHCP server on br0 that gives away one address, which somebody has already, and none on br1.
NETWORK = [
    Broken("dhcp-unanswered", "tiny login:", "up", "noDHCP", words="tiny.login tiny.dhcp=0", condition="ip",
           keys={"NET0": "bridge:br1"}, is_dead_end=False),
    Broken("wrong-vlan", "tiny login:", "up", "wrongVLAN", condition="ip", is_dead_end=False,
           words="tiny.login tiny.vlan=20=10.6.0.2/24 tiny.dhcp=0.20", keys={"NET0": "bridge:br0"}),
    Broken("duplicate-address", "tiny login:", "up", "addressTaken", condition="ip", is_dead_end=False,
           words="tiny.login tiny.dhcp=0 tiny.probe", keys={"NET0": "bridge:br0"}),
    Broken("no-nic-driver", "tiny login:", "up", "noPackets", words="tiny.login tiny.dhcp=0", condition="ip",
           keys={"NET0": "bridge:br0", "NET0_MODEL": "e1000e"}, is_dead_end=False),
    Broken("sshd-off", "tiny login:", "up", "portRefused", words="tiny.login tiny.ip=10.9.0.7/24", condition="tcp:22",
           keys={"NET0": "bridge:br0"}, is_dead_end=False, doctor=None),
    Broken("sshd-firewalled", "tiny login:", "up", "portSilent", condition="tcp:22", is_dead_end=False, doctor=None,
           words="tiny.login tiny.ip=10.9.0.8/24 tiny.serve=22 tiny.firewall=22",
           keys={"NET0": "bridge:br0", "INITRD": "initrd"}, files={"initrd": ["initrd.gz", "firewall/firewall.gz"]}),
]

AGENTS = [
    Broken("agent-absent", "tiny login:", "up", "agentAbsent", words="tiny.login", condition="agent", is_dead_end=False,
           doctor=None),
    Broken("agent-ended", "tiny login:", "up", "agentAbsent", words="tiny.login tiny.agent=ended",
           condition="agent", is_dead_end=False, doctor=None),
    Broken("agent-stopped", "tiny login:", "up", "agentSilent", words="tiny.login tiny.agent=hung", condition="agent",
           is_dead_end=False),
    Broken("clock-off", "tiny login:", "up", None, words="tiny.login tiny.agent tiny.date=2010-01-01", condition="agent",
           keys={"INITRD": "initrd"}, files={"initrd": ["initrd-agent.gz"]}, is_dead_end=False, is_met=True,
           doctor="clockOff"),
]

# Debian's initramfs looks for its root file system for half a minute before it gives up.
_INITRAMFS = {"MEMORY": 256, "KERNEL": "vmlinuz", "INITRD": "initrd", "DISK0": "disk", "DISK0_SIZE": "16M"}
DEBIAN = [
    Broken("initramfs-shell", "(initramfs) ", "initramfs", "initramfsShell",
           keys={**_INITRAMFS, "APPEND": f"'{KERNEL_WORDS} quiet root=UUID={MISSING_DISK} ro'"},
           files={"vmlinuz": ["debian/vmlinuz"], "initrd": ["debian/initrd.gz"]}),
    Broken("initramfs-no-virtio", "(initramfs) ", "initramfs", "initramfsShell",
           keys={**_INITRAMFS, "APPEND": f"'{KERNEL_WORDS} quiet root=/dev/vda ro'"},
           files={"vmlinuz": ["debian/vmlinuz"], "initrd": ["debian/initrd-no-virtio.gz"]}),
    Broken("bad-fstab", "Give root password for maintenance", "init", "emergencyShell",
           words="quiet tiny.root=/dev/vda", keys={"MEMORY": 384, "DISK0": "disk"}, files={"disk": ["debian/fstab.raw"]}),
]

# What is said of each symptom: of its cause, and of what to do.
SAYS = {
    "bootedSilently": ("booted from Hard Disk", "console=ttyS0"),
    "noBootableDevice": ("found nothing to boot", "DISK0"), "uefiShell": ("UEFI shell", "DISK0"),
    "grubPrompt": ("no menu", "update-grub"), "grubRescue": ("its own files", "grub-install"),
    "panicNoRoot": ("root file system", "root="), "panicNoInit": ("init can't be run", "init="),
    "panicNoMemory": ("out of memory", "MEMORY"), "memoryShort": ("out of memory", "MEMORY"),
    "consoleElsewhere": ("nothing on its serial console", "console=ttyS0"), "diskErrors": ("I/O errors", "dmesg"),
    "pausedByQEMU": ("no space left", "kvmctl resume"), "halted": ("halted", "poweroff"),
    "poweredOff": ("powered itself off", "start it again"), "rebootLoop": ("reboots again and again", "kvmctl logs"),
    "acpiIgnored": ("power button", "systemd-logind or acpid"), "noDHCP": ("nothing answers its DHCP", "DHCP server"),
    "wrongVLAN": ("tagged as VLAN 20", "NETn_VLAN"),
    "addressTaken": ("somebody else on its network", "kvmctl list"), "noPackets": ("sent nothing", "driver"),
    "portRefused": ("no service listens", "start the service"), "portSilent": ("firewall", "firewall"),
    "agentAbsent": ("no guest agent", "install qemu-guest-agent"), "agentSilent": ("does not answer", "restart qemu-guest-agent"),
    "clockOff": ("behind the host's", "chrony"), "initramfsShell": ("did not find the root", "blkid"),
    "emergencyShell": ("emergency shell", "/etc/fstab"),
}

# Each group boots at once.
GROUPS = {
    "firmware": FIRMWARE, "kernel": KERNEL, "running": RUNNING, "network": NETWORK, "agents": AGENTS, "debian": DEBIAN,
}

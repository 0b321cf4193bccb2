"""From a command to the tiny guest's userspace, and how much of that the firmware takes."""

import time

from bench.bare import QEMU, high
from bench.libvirt import Libvirt
from bench.measuring import interleave, milliseconds_of
from bench.results import Results
from bench.world import SetUpFailed, run
from rig.qmp import listening_socket

NAME = "boot"
GUESTS = ("tiny",)

# The kernel's early messages, so that the first byte on the serial line marks the end of the firmware: SeaBIOS is
# silent.
APPEND = "console=ttyS0 no_timer_check earlyprintk=ttyS0"
UP = b"tiny: up"


def measure(world, quick):
    home = world.home("boot")
    disks = {name: home.vms / f"{name}.raw" for name in ("kvmctl", "libvirt", "plain")}
    for disk in disks.values():
        run("truncate", "-s", "1G", disk)
    kernel, initrd = world.guests["tiny"] / "vmlinuz", world.guests["tiny"] / "initrd.gz"
    home.write_vm(
        "boot", MEMORY=512, DISK0=disks["kvmctl"], DISK0_FORMAT="raw", VNCDISP=12, KERNEL=kernel, INITRD=initrd,
        APPEND=f"'{APPEND}'")
    with Libvirt(world.directory / "libvirt-boot") as libvirt:
        log = home.vms / "libvirt.log"
        libvirt.virt_install(
            "boot", "--memory", "512", "--disk", f"path={disks['libvirt']},format=raw", "--network", "bridge=br0",
            "--graphics", "vnc", "--boot", f"kernel={kernel},initrd={initrd},kernel_args={APPEND}",
            "--serial", f"file,path={log}")
        values = interleave({
            "kvmctl start": lambda: _kvmctl(world, home),
            "virt-install's defaults": lambda: _libvirt(libvirt, log),
            "qemu -hda": lambda: _plain(home, disks["plain"], kernel, initrd),
        }, 2 if quick else 3)
    results = Results()
    for title, part in (("to the first message of the kernel", 0), ("to userspace", 1)):
        results.compare(f"boot {title}", "s", {who: [times[part] for times in all] for who, all in values.items()})
    return results


def _milestones(log, begun):
    """The seconds until the log is not empty, and until the guest is up."""
    first = None
    while time.perf_counter() < begun + 120:
        text = log.read_bytes() if log.exists() else b""
        now = time.perf_counter() - begun
        if text and first is None:
            first = now
        if UP in text:
            return first, now
        time.sleep(0.005)
    raise SetUpFailed(f"the guest did not come up; its console ends {text[-500:]}")


def _kvmctl(world, home):
    log = home.console_log("boot")
    log.unlink(missing_ok=True)
    begun = time.perf_counter()
    milliseconds_of([world.binary, "start", "boot"], home.environment)
    found = _milestones(log, begun)
    world.kvmctl(home, "stop", "--now", "boot")
    return found


def _libvirt(libvirt, log):
    log.unlink(missing_ok=True)
    begun = time.perf_counter()
    libvirt.milliseconds_of("start", "boot")
    found = _milestones(log, begun)
    libvirt.virsh("destroy", "boot")
    return found


def _plain(home, disk, kernel, initrd):
    """What a user types who knows only -hda. `-hda` itself guesses the format and warns; the device is the same."""
    log, monitor = home.vms / "plain.log", home.vms / "plain.sock"
    log.unlink(missing_ok=True)
    begun = time.perf_counter()
    qemu = QEMU(
        ["qemu-system-x86_64", "-accel", "tcg", "-m", "512", "-drive", f"file={disk},format=raw,index=0,media=disk",
         "-kernel", kernel, "-initrd", initrd, "-append", APPEND, "-serial", f"file:{log}", "-vnc", "127.0.0.1:13",
         "-chardev", "socket,id=qmp,fd=3,server=on,wait=off", "-mon", "chardev=qmp,mode=control"],
        {3: high(listening_socket(monitor).detach())}, monitor)
    found = _milestones(log, begun)
    qemu.kill()
    return found

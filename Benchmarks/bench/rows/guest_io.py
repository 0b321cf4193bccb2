"""Disk and network as the guest sees them: our virtio, 2010's IDE and rtl8139, libvirt's defaults.

Under TCG this mostly measures how many instructions and exits the guest's drivers cost. The caches differ as the
defaults do: kvmctl's and libvirt's choices reach the disk, or the host's page cache, as they would for any user.
"""

import os
import re
import subprocess
import time

from bench.bare import QEMU, high, tap_on
from bench.libvirt import Libvirt
from bench.measuring import interleave
from bench.results import Results
from bench.world import ENVIRONMENT, SetUpFailed
from rig.qmp import listening_socket

NAME = "guest-io"
GUESTS = ("bench",)

APPEND = "console=ttyS0 no_timer_check quiet"
DISK_MIB = 512
MEMORY = 768
# {word in the guest's report: (unit, title)}
WORDS = {
    "seqread": ("MB/s", "disk, sequential read, 1 MiB"),
    "seqwrite": ("MB/s", "disk, sequential write, 1 MiB"),
    "randread": ("IOPS", "disk, 4 KiB random read, depth 16"),
    "randwrite": ("IOPS", "disk, 4 KiB random write, depth 16"),
    "send": ("Mbit/s", "TCP, guest to host"),
    "receive": ("Mbit/s", "TCP, host to guest"),
}


def measure(world, quick):
    home = world.home("guest-io")
    kernel, initrd = world.guests["bench"] / "vmlinuz", world.guests["bench"] / "initrd"
    disks = {name: _disk(home.vms / f"{name}.raw") for name in ("kvmctl", "libvirt", "before")}
    home.write_vm(
        "io", MEMORY=MEMORY, DISK0=disks["kvmctl"], DISK0_FORMAT="raw", VNCDISP=14, KERNEL=kernel, INITRD=initrd,
        APPEND=f"'{APPEND}'")
    server = subprocess.Popen(["nuttcp", "-S", "--nofork"], env=ENVIRONMENT)
    try:
        with Libvirt(world.directory / "libvirt-io") as libvirt:
            log = home.vms / "libvirt.log"
            libvirt.virt_install(
                "io", "--memory", MEMORY, "--disk", f"path={disks['libvirt']},format=raw", "--network", "bridge=br0",
                "--graphics", "vnc", "--boot", f"kernel={kernel},initrd={initrd},kernel_args={APPEND}",
                "--serial", f"file,path={log}")
            values = interleave({
                "kvmctl": lambda: _kvmctl(world, home),
                "IDE, rtl8139": lambda: _before(home, disks["before"], kernel, initrd),
                "virt-install's defaults": lambda: _libvirt(libvirt, log),
            }, 1 if quick else 2, warm_up=False)
    finally:
        server.terminate()
        server.wait()
    results = Results()
    for word, (unit, title) in WORDS.items():
        numbers = {who: [report[word] for report in reports] for who, reports in values.items()}
        results.compare(f"guest: {title}", unit, numbers, more_is_better=True)
    return results


def _disk(path):
    """A disk full of data, because reading holes would cost nothing."""
    with open(path, "wb") as file:
        for _ in range(DISK_MIB):
            file.write(os.urandom(1 << 20))
    return path


def _report(log, timeout=180):
    """{word: number} as the guest reported it."""
    deadline = time.monotonic() + timeout
    while True:
        text = log.read_text(errors="replace") if log.exists() else ""
        if "bench: done" in text:
            return {word: float(number) for word, number in re.findall(r"bench: (\w+) ([\d.]+)", text)}
        if time.monotonic() > deadline:
            raise SetUpFailed(f"the guest has not finished; its console ends {text[-1500:]}")
        time.sleep(0.2)


def _kvmctl(world, home):
    log = home.console_log("io")
    log.unlink(missing_ok=True)
    world.kvmctl(home, "start", "io")
    report = _report(log)
    world.kvmctl(home, "stop", "--now", "io")
    return report


def _libvirt(libvirt, log):
    log.unlink(missing_ok=True)
    libvirt.virsh("start", "io")
    report = _report(log)
    libvirt.virsh("destroy", "io")
    return report


def _before(home, disk, kernel, initrd):
    """What a guest without virtio drivers got in 2010."""
    log, monitor = home.vms / "before.log", home.vms / "before.sock"
    log.unlink(missing_ok=True)
    qemu = QEMU(
        ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", MEMORY,
         "-drive", f"file={disk},format=raw,index=0,media=disk",
         "-netdev", "tap,id=net0,fd=4", "-device", "rtl8139,netdev=net0", "-kernel", kernel, "-initrd", initrd,
         "-append", APPEND, "-serial", f"file:{log}", "-vnc", "127.0.0.1:15",
         "-chardev", "socket,id=qmp,fd=3,server=on,wait=off", "-mon", "chardev=qmp,mode=control"],
        {3: high(listening_socket(monitor).detach()), 4: tap_on("br0")}, monitor)
    report = _report(log)
    qemu.kill()
    return report

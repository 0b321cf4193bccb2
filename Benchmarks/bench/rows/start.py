"""From a command to a running guest: kvmctl, bare QEMU, the script of 2010, libvirt."""

import os
import re
import time

from bench.bare import QEMU, PlannedQEMU, high
from bench.libvirt import Libvirt, equal_domain
from bench.measuring import interleave, milliseconds_of, spread
from bench.results import Results
from bench.world import BENCHMARKS, run
from rig.qmp import listening_socket

NAME = "start"
MEMORY, DISPLAY = 512, 10


def measure(world, quick):
    home = world.home("start")
    _make_vm(world, home)
    subjects = {
        "kvmctl": lambda: _kvmctl(world, home),
        "bare QEMU": lambda: _bare(planned),
    }
    [plan] = world.kvmctl_json(home, "start", "vm", "--dry-run")
    planned = PlannedQEMU(plan, home.vms / "bare")
    if quick:
        return _report(interleave(subjects, 10), generous=True)
    subjects["script of 2010"] = lambda: _script(home)
    with Libvirt(world.directory / "libvirt-start") as libvirt:
        disks = [home.vms / "vm" / f"vdisk{number}" for number in (0, 1)]
        libvirt.define("equal", equal_domain("equal", MEMORY, disks, DISPLAY))
        subjects["virsh start"] = lambda: _virsh(libvirt)
        return _report(interleave(subjects, 15), generous=False)


def _make_vm(world, home):
    world.kvmctl(home, "create", home.vms / "vm", "--disk", "8G", "--disk", "8G", "--memory", MEMORY, "--vnc", DISPLAY)
    # As the file of 2010 has it, for the script to read.
    old = home.vms / "old.sh"
    old.write_text(
        f"MAC=52:54:00:00:00:01\nDISK0={home.vms}/vm/vdisk0\nDISK1={home.vms}/vm/vdisk1\n"
        f"MEMORY={MEMORY}\nVNCDISP={DISPLAY}\n")


def _kvmctl(world, home):
    taken = milliseconds_of([world.binary, "start", "vm"], home.environment)
    world.kvmctl(home, "stop", "--now", "vm")
    return taken


def _bare(planned):
    qemu = planned.start()
    qemu.kill()
    return qemu.milliseconds


def _script(home):
    """The script, and QEMU with an added monitor; the guest runs when that answers."""
    monitor = home.vms / "script.sock"
    chardev = ["-chardev", "socket,id=qmp,fd=3,server=on,wait=off", "-mon", "chardev=qmp,mode=control"]
    descriptors = {
        number: high(os.open("/dev/null", os.O_RDWR)) for number in (0, 1)
    } | {
        2: high(os.open(home.vms / "script.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)),
        3: high(listening_socket(monitor).detach()),
    }
    script = BENCHMARKS / "start_a_kvm_2010.sh"
    qemu = QEMU([script, home.vms / "old.sh", *chardev], descriptors, monitor)
    qemu.kill()
    # Its taps outlive QEMU: after stopping a VM, people removed them by hand.
    for tap in re.findall(r"^\d+: (tap\d+):", run("ip", "-o", "link"), re.MULTILINE):
        run("tunctl", "-d", tap)
    return qemu.milliseconds


def _virsh(libvirt):
    taken = libvirt.milliseconds_of("start", "equal")
    libvirt.virsh("destroy", "equal")
    # It returns before the bridge's port is gone.
    time.sleep(0.1)
    return taken


def _report(values, generous):
    results = Results()
    results.compare("start to the guest running", "ms", values)
    medians = {who: spread(numbers).median for who, numbers in values.items()}
    bare = medians["bare QEMU"]
    # On a machine with other work, such as CI's, only gross regressions show.
    limit = max(1.5 * bare, bare + 50) if generous else max(1.1 * bare, bare + 10)
    results.gate("start, against bare QEMU", medians["kvmctl"], limit, "ms")
    for peer in ("script of 2010", "virsh start"):
        if peer in medians:
            results.gate(f"start, against {peer}", medians["kvmctl"], medians[peer], "ms")
    return results

"""A guest for one command: `run`, which boots it or resumes one that was booted before, and `virsh restore`."""

import json
import time

from bench.libvirt import Libvirt
from bench.measuring import interleave, spread
from bench.results import Results
from bench.world import SetUpFailed
from rig.vm import tiny
from rig.waiting import wait_until

NAME = "run"
GUESTS = ("tiny",)

COLD_RUNS = 5
WARM_RUNS = 9
LIMIT_OF_COLD = 1.3
LIMIT_OF_WARM = 0.35
RATIO_TO_COLD = 0.1
RATIO_TO_VIRSH = 0.4
MEMORY = 512


def measure(world, quick):
    home = world.home("run")
    guest = tiny(world.guests["tiny"], "console=ttyS0 tiny.agent") | {"INITRD": world.guests["tiny"] / "initrd-agent.gz"}
    home.write_vm("vm", **guest | {"MEMORY": MEMORY})
    results = Results()
    cold = _cold(world, home, 1 if quick else COLD_RUNS, results)
    _warm(world, home, cold, 1 if quick else WARM_RUNS, results)
    return results


def _cold(world, home, repetitions, results):
    """Against the same by hand: most of both is the guest's boot. Returns the median."""
    def by_hand():
        begun = time.perf_counter()
        for words in ("start", "vm"), ("wait", "vm", "--for", "agent"), ("exec", "-n", "vm", "--", "true"), ("stop", "--now", "vm"):
            world.kvmctl(home, *words)
        return time.perf_counter() - begun

    values = interleave({
        "kvmctl run": lambda: world.seconds_of(home, "run", "-n", "vm", "--", "true"),
        "start, wait, exec, stop": by_hand,
    }, repetitions, warm_up=False)
    results.compare("run: true, cold", "s", values)
    medians = [spread(numbers).median for numbers in values.values()]
    results.gate("cold run of true, against the same by hand", medians[0], LIMIT_OF_COLD * medians[1], "s")
    return medians[0]


def _warm(world, home, cold, repetitions, results):
    """From a guest that was booted and saved before, against a boot, and against libvirt's way to the same."""
    world.kvmctl(home, "warm", "vm")
    with Libvirt(world.directory / "libvirt-run") as libvirt:
        saved = _saved_domain(world, libvirt)
        values = interleave({
            "kvmctl run --warm": lambda: world.seconds_of(home, "run", "-n", "--warm", "vm", "--", "true"),
            "virsh restore, guest-exec, destroy": lambda: _restored(libvirt, saved),
        }, repetitions, warm_up=False)
    results.compare("run: true, warm", "s", values)
    warm, theirs = (spread(numbers).median for numbers in values.values())
    results.gate("warm run of true", warm, LIMIT_OF_WARM, "s")
    results.gate("warm run of true, against a cold one", warm, RATIO_TO_COLD * cold, "s")
    results.gate("warm run of true, against virsh restore", warm, RATIO_TO_VIRSH * theirs, "s")


def _saved_domain(world, libvirt):
    """A domain of the same guest, without a NIC as a warm image is, saved when its agent answers."""
    guests = world.guests["tiny"]
    libvirt.define("warm", f"""<domain type='qemu'>
      <name>warm</name><memory unit='MiB'>{MEMORY}</memory><vcpu>1</vcpu>
      <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
        <kernel>{guests / "vmlinuz"}</kernel><initrd>{guests / "initrd-agent.gz"}</initrd>
        <cmdline>console=ttyS0 tiny.agent</cmdline></os>
      <features><acpi/><apic/></features><cpu mode='maximum'/>
      <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
        <serial type='pty'/><console type='pty'/>
        <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
        <rng model='virtio'><backend model='builtin'/></rng></devices>
    </domain>""")
    libvirt.virsh("start", "warm")
    wait_until(lambda: _answers(libvirt), "answer of the guest's agent", timeout=180)
    saved = world.directory / "warm.saved"
    libvirt.virsh("save", "warm", saved)
    return saved


def _ask(libvirt, command, **arguments):
    request = json.dumps({"execute": command, "arguments": arguments})
    return json.loads(libvirt.virsh("qemu-agent-command", "warm", request))["return"]


def _answers(libvirt):
    try:
        return _ask(libvirt, "guest-ping") == {}
    except SetUpFailed:
        return False


def _restored(libvirt, saved):
    begun = time.perf_counter()
    libvirt.virsh("restore", saved)
    pid = _ask(libvirt, "guest-exec", path="/bin/true")["pid"]
    while not (status := _ask(libvirt, "guest-exec-status", pid=pid))["exited"]:
        pass
    if status.get("exitcode") != 0:
        raise SetUpFailed(f"guest-exec: {status}")
    libvirt.virsh("destroy", "warm")
    return time.perf_counter() - begun

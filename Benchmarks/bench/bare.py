"""Bare QEMU: the lower bound for everything that starts one."""

import fcntl
import os
import re
import signal
import struct
import time

from bench.world import ENVIRONMENT, run
from rig.qmp import Monitor, listening_socket

# linux/if_tun.h
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000


class QEMU:
    """A QEMU with descriptors that were opened before, timed from its creation to a running guest."""

    def __init__(self, arguments, descriptors, monitor, environment=None):
        """`descriptors` are {number in QEMU: ours}, `monitor` is the path of the QMP socket on which one listens."""
        actions = [(os.POSIX_SPAWN_DUP2, ours, target) for target, ours in sorted(descriptors.items())]
        begun = time.perf_counter()
        self.pid = os.posix_spawnp(
            arguments[0], [str(word) for word in arguments], environment or ENVIRONMENT, file_actions=actions,
            setpgroup=0)
        self._reaped = False
        # Only QEMU may still hold the listening socket: if it dies, connecting must fail.
        for ours in descriptors.values():
            os.close(ours)
        try:
            with Monitor(monitor) as connection:
                if "-S" in arguments:
                    connection.execute("cont")
                self.milliseconds = (time.perf_counter() - begun) * 1000
        except BaseException:
            self.kill()
            raise

    def kill(self):
        if not self._reaped:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self._reaped = True


def high(descriptor):
    """Moves the descriptor to a number above all that QEMU gets, so that none overwrites another on the way there."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 512)
    os.close(descriptor)
    return moved


def tap_on(bridge):
    """A tap as kvmctl creates it, joined and up; it is deleted with its descriptor."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    request = struct.pack("16sH22x", b"tap%d", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)
    name = fcntl.ioctl(descriptor, TUNSETIFF, request)[:16].rstrip(b"\0").decode()
    run("ip", "link", "set", name, "master", bridge, "up")
    return high(descriptor)


class PlannedQEMU:
    """What `kvmctl start --dry-run --json` says it would start, started without kvmctl."""

    def __init__(self, plan, directory):
        self._arguments = [plan["executable"], *plan["arguments"]]
        self._roles = {entry["number"]: entry["role"] for entry in plan["descriptors"]}
        self._directory = directory
        directory.mkdir(exist_ok=True)

    def start(self):
        descriptors = {number: self._open(role) for number, role in self._roles.items()}
        return QEMU(self._arguments, descriptors, self._directory / "qmp.sock")

    def _open(self, role):
        match role:
            case "what the recording monitor reads":
                descriptor = os.memfd_create("input")
                os.pwrite(descriptor, b'{"execute":"qmp_capabilities"}\n', 0)
                return high(descriptor)
            case "QMP socket, listening":
                return high(listening_socket(self._directory / "qmp.sock").detach())
            case "serial console's socket, listening" | "guest agent's socket, listening":
                return high(listening_socket(self._directory / f"{role.split()[0]}.sock").detach())
            case _ if role.startswith("tap of"):
                return tap_on("br0")
        if image := re.fullmatch(r"(.*), read-(write|only)(, O_DIRECT)?", role):
            mode = os.O_RDWR if image[2] == "write" else os.O_RDONLY
            return high(os.open(image[1], mode | os.O_CLOEXEC | (os.O_DIRECT if image[3] else 0)))
        # The record, the logs and the locks: any file will do.
        name = role.replace("/", " ")
        return high(os.open(self._directory / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))

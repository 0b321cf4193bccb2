"""What the kernel reports about a process."""

import os
import select
import signal
from pathlib import Path


class Process:
    """A process by its pid. A process that is gone has no executable and no descriptors."""

    def __init__(self, pid):
        self.pid = int(pid)
        self.directory = Path("/proc", str(pid))

    def __repr__(self):
        return f"process {self.pid} ({' '.join(self.arguments)})"

    def wait_for_end(self, timeout=60):
        """Waits until the kernel has freed everything that it held: its executable is gone from /proc before its locks are."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            ended, _, _ = select.select([descriptor], [], [], timeout)
            assert ended, f"{self} has not ended in {timeout} s"
        finally:
            os.close(descriptor)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        self.wait_for_end()

    @property
    def executable(self):
        try:
            return os.readlink(self.directory / "exe")
        except OSError:
            return None

    @property
    def arguments(self):
        try:
            return (self.directory / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
        except OSError:
            return []

    @property
    def status(self):
        """The fields of /proc/PID/status."""
        lines = (self.directory / "status").read_text().splitlines()
        return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}

    @property
    def descriptors(self):
        """{number: the file that it refers to}; a descriptor that is closed meanwhile is left out."""
        found = {}
        for entry in (self.directory / "fd").iterdir():
            try:
                found[int(entry.name)] = os.readlink(entry)
            except FileNotFoundError:
                continue
        return found


def in_namespace(name):
    """The processes whose network namespace is the named one."""
    wanted = os.stat(f"/run/netns/{name}").st_ino
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if os.stat(entry / "ns" / "net").st_ino == wanted:
                found.append(Process(entry.name))
        except OSError:
            continue  # it ended meanwhile
    return found

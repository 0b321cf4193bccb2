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

    def ends_within(self, timeout):
        """Whether the kernel frees everything that it held by then: its executable is gone from /proc before its locks are."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            ended, _, _ = select.select([descriptor], [], [], timeout)
            return bool(ended)
        finally:
            os.close(descriptor)

    def wait_for_end(self, timeout=60):
        assert self.ends_within(timeout), f"{self} has not ended in {timeout} s"

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


def ending(name):
    """The processes with this name (that of comm) that have lost their executable and may still hold files and locks.

    The kernel takes a process's namespaces from it before it closes its files: these may have been anybody's.
    """
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "comm").read_text().rstrip("\n") == name:
                process = Process(entry.name)
                if not process.executable and not process.ends_within(0):
                    found.append(process)
        except OSError:
            continue  # it is gone
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

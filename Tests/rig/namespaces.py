"""Namespaces (namespaces(7)): those of a host's network, and those that keep a whole program apart."""

import os
import signal
import subprocess
from pathlib import Path

from rig.process import in_namespace
from rig.waiting import wait_until


def apart(*options):
    """The words before a command line that keep it apart: its mounts, its processes and an empty /run are its own.

    What it leaves running ends with it. `options` are more of unshare(1).
    """
    # A detached process becomes a child of the namespace's first one, which has to reap it. So that one is a shell,
    # kept from becoming the program by what it has to do afterwards.
    script = 'mount -t tmpfs -o mode=755 tmpfs /run && "$@"; exit $?'
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", *options, "--", "sh", "-c", script, "sh"]


class NetworkNamespace:
    """A named network namespace (ip-netns(8)), and what runs in it."""

    def __init__(self, namespace):
        self.namespace = namespace

    @property
    def exists(self):
        return Path("/run/netns", self.namespace).exists()

    def open(self):
        subprocess.run(["ip", "netns", "add", self.namespace], check=True)

    def close(self):
        """Ends all that runs in it, and removes it."""
        for process in in_namespace(self.namespace):
            try:
                os.kill(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_until(lambda: not in_namespace(self.namespace), "end of the namespace's processes")
        subprocess.run(["ip", "netns", "delete", self.namespace], check=True)

    def command(self, *arguments):
        """The command line that runs a program in it. Each step of it is an exec: the pid stays."""
        return ["nsenter", f"--net=/run/netns/{self.namespace}", "--", *map(str, arguments)]

    def ip(self, *arguments):
        subprocess.run(["ip", "-n", self.namespace, *arguments], check=True)

"""FUSE file systems: one that shows a directory, and ones that never answer."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

SERVER = Path(__file__).with_name("fuse_server.py")


@contextlib.contextmanager
def fuse(host, how, *places, user=0):
    """Within it each place is a file system of that kind (fuse_server.py), for everything that runs on the host.

    `user` is the user who mounted it.
    """
    for place in places:
        Path(place).mkdir(exist_ok=True)
    server = subprocess.Popen(
        ["unshare", "--mount", sys.executable, SERVER, str(how), *map(str, places)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "FUSE_USER": str(user)})
    try:
        assert server.stdout.readline() == "mounted\n", "these tests take FUSE: modprobe fuse"
        host.more_namespaces.append(f"--mount=/proc/{server.pid}/ns/mnt")
        yield
    finally:
        host.more_namespaces.clear()
        # When the server ends, the kernel releases everything that waits for it.
        server.kill()
        server.wait()
        server.stdout.close()


def dead(host, *places, how="silent"):
    """File systems that never answer."""
    return fuse(host, how, *places)

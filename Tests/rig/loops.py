"""Loop devices."""

import contextlib
import subprocess


def _run(*words):
    return subprocess.run([str(word) for word in words], check=True, text=True, stdout=subprocess.PIPE).stdout


@contextlib.contextmanager
def attaching():
    """Attaches files as loop devices, until the test ends."""
    with contextlib.ExitStack() as undo:
        def attach(path, *options):
            device = _run("losetup", "--find", "--show", *options, path).strip()
            undo.callback(_run, "losetup", "--detach", device)
            return device

        def partition(device):
            """Tells the kernel of a partition: not every kernel can read partition tables."""
            _run("addpart", device, 1, 2048, 8192)
            undo.callback(_run, "delpart", device, 1)
            return f"{device}p1"

        attach.partition = partition
        yield attach

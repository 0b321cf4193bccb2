"""Commands in a guest, through its agent."""

import os
import shutil
import subprocess
from pathlib import Path

from rig.host import KERNEL_WORDS
from rig.vm import params, tiny
from rig.waiting import wait_until

PATIENCE = 120


def agents_guest(host, name="vm"):
    """A guest whose agent answers. It goes on from a warm image, which all tests of a run share."""
    shared = Path(os.environ["KVMCTL_TEST_WARM"])
    cache = host.run / "cache"
    if not cache.is_symlink():
        shutil.rmtree(cache, ignore_errors=True)
        cache.symlink_to(shared)
    model = shared / "agent.params"
    if not model.exists():
        new = model.with_name(f"{os.getpid()}.new")
        keys = {**tiny(host.guests, f"{KERNEL_WORDS} tiny.agent"), "INITRD": host.guests / "initrd-agent.gz", "MEMORY": 256}
        new.write_text(params(keys))
        new.rename(model)
    host.kvmctl("create", name, "--from-warm", model, "--start", timeout=PATIENCE)


def boot(host, name="vm", words="tiny.agent", **keys):
    host.write_tiny_vm(name, words, INITRD=host.guests / "initrd-agent.gz", MEMORY=256, **keys)
    host.kvmctl("start", name)
    host.wait_console(name, "tiny: up")
    if words == "tiny.agent":
        # It opens its channel some time after the guest is up.
        wait_until(lambda: host.kvmctl("exec", name, "--", "true", expect=None).returncode == 0, "agent")


def begin(host, *words, vm="vm", options=(), **streams):
    """`exec` as a process."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.Popen(
        host.command(host.binary, "exec", *options, vm, "--", *words), env=host.environment, cwd=host.root, bufsize=0, **streams)


def run(host, *words, data=None, **options):
    """`exec`, with these bytes as its input."""
    options.setdefault("stdin", subprocess.DEVNULL if data is None else subprocess.PIPE)
    process = begin(host, *words, **options)
    out, err = process.communicate(data, timeout=PATIENCE)
    return process.returncode, out, err


def is_running(host, text):
    """Whether a process of the guest has this in its command line."""
    listed = run(host, "ps", "-o", "args")[1].decode()
    # The list has the command that made it, and nothing else of ours by then.
    return any(line.startswith(text) for line in listed.splitlines())


def left(host):
    """The commands that have files in the guest. What a guest from a warm image was woken up with stays."""
    listed = run(host, "sh", "-c", "for name in /run/kvmctl/*; do [ ! -e $name ] || echo $name; done")[1].decode().split()
    return len({name.split(".")[0] for name in listed} - {"/run/kvmctl/renew", "/run/kvmctl/boot_id"})

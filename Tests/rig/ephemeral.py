"""VMs that exist for one run: their models, runs of them, and what must not be left."""

import subprocess

from rig.process import Process
from rig.waiting import wait_until

PATIENCE = 120


def model(host, name="model", words="tiny.agent", **keys):
    """A VM with the agent and a disk, which is never started itself; returns the disk."""
    (host.root / "tmp").mkdir(exist_ok=True)
    host.environment["TMPDIR"] = str(host.root / "tmp")
    keys = {"INITRD": host.guests / "initrd-agent.gz", "MEMORY": 192, "DISK0": "disk", **keys}
    path = host.write_tiny_vm(name, words, **keys)
    disk = path.with_name("disk")
    disk.write_bytes(bytes(range(256)) * 4096)
    return disk


def begin(host, *words, options=(), vm="model", **streams):
    """`run` as a process."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    named = [vm] if vm else []
    return subprocess.Popen(
        host.command(host.binary, "run", *named, *options, "--", *words), env=host.environment, cwd=host.root, bufsize=0,
        **streams)


def run(host, *words, data=None, **options):
    options.setdefault("stdin", subprocess.DEVNULL if data is None else subprocess.PIPE)
    process = begin(host, *words, **options)
    out, err = process.communicate(data, timeout=PATIENCE)
    return process.returncode, out, err.decode()


def kvmctl_of(process):
    """The pid of kvmctl itself, behind what enters the namespace for it."""
    wait_until(lambda: (Process(process.pid).executable or "").endswith("/kvmctl"), "kvmctl")
    return process.pid


def assert_nothing_left(host):
    """After the next command."""
    host.kvmctl("list")
    for place in "run/vms", "run/log", "run/ephemeral", "run/resources", "log":
        directory = host.root / place
        left = [path.name for path in directory.iterdir() if path.name.startswith("run-")] if directory.is_dir() else []
        assert left == [], place
    assert host.qemus() == []
    assert "tap" not in host.execute("ip", "-o", "link").stdout
    assert not any((host.root / "tmp").iterdir())

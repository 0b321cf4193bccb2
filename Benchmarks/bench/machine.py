"""The machine on which the measurements ran, in general terms: nothing identifies the host."""

import os
import platform
import re
import subprocess
from pathlib import Path


def describe():
    cpu = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = int(re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)[1])
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": os.cpu_count(),
        "memoryGiB": round(memory / 1024 / 1024, 1),
        "kernel": platform.release(),
        "system": _first_line("PRETTY_NAME", Path("/etc/os-release").read_text()),
        "qemu": _version("qemu-system-x86_64", "--version"),
        "libvirt": _version("virsh", "--version"),
        "swift": os.environ.get("KVMCTL_BENCH_SWIFT"),
        "load": os.getloadavg()[0],
        "accelerator": "tcg",
    }


def _first_line(key, text):
    found = re.search(rf'^{key}="?([^"\n]*)', text, re.MULTILINE)
    return found[1] if found else None


def _version(*command):
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"\d+(\.\d+)+", output)
    return found[0] if found else None

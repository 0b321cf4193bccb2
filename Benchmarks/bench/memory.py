"""Which memory belongs to which process."""

import os
import re
from pathlib import Path


def proportional_kib(pid):
    """The memory of a process, with shared pages counted proportionally (PSS, proc(5))."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1])


def guest_kib(pid, memory_kib):
    """How much of a guest's RAM is resident: of the QEMU mapping that has exactly its size."""
    resident = 0
    for mapping in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path(f"/proc/{pid}/smaps").read_text(), flags=re.MULTILINE):
        size = re.search(r"^Size:\s+(\d+)", mapping, re.MULTILINE)
        if size and int(size[1]) == memory_kib:
            resident += int(re.search(r"^Pss:\s+(\d+)", mapping, re.MULTILINE)[1])
    return resident


def available_kib():
    return int(re.search(r"^MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)[1])


def processes_of(executable):
    """The pids of the processes that run this file."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.readlink(entry / "exe") == str(executable):
                found.append(int(entry.name))
        except OSError:
            continue  # it ended meanwhile, or is a kernel thread
    return found

"""The host's CPUs and huge pages, as a VM has them."""

import os
import re
from contextlib import contextmanager
from pathlib import Path

import pytest

POOL = Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
MINE = os.sched_getaffinity(0)


def threads(pid):
    return [set(os.sched_getaffinity(int(thread))) for thread in os.listdir(f"/proc/{pid}/task")]


def test_all_threads_are_bound(host):
    cpu = max(MINE)
    host.write_firmware_vm("vm", CPUSET=cpu, DISK0="disk", DISK0_SIZE="1M")
    host.kvmctl("start", "vm")
    found = threads(host.qemu().pid)
    assert len(found) > 3 and all(cpus == {cpu} for cpus in found)
    assert host.show("vm")["cpuSet"] == str(cpu)
    assert f"1, on the host's {cpu}\n" in host.kvmctl("show", "vm").stdout
    assert f"QEMU is bound to the host's CPUs {cpu}" in host.kvmctl("explain", "vm").stdout
    # Whatever kvmctl itself is bound to.
    host.kvmctl("stop", "--now", "vm")
    command = ["taskset", "-c", str(min(MINE)), host.binary, "start", "vm"]
    assert host.execute(*command).returncode == 0
    assert all(cpus == {cpu} for cpus in threads(host.qemu().pid))


def test_a_cpu_that_is_not_there(host):
    host.write_firmware_vm("vm", CPUSET=f"{min(MINE)},8000")
    for command in (["start"], ["check"], ["start", "--dry-run"]):
        assert "no CPU 8000 online" in host.kvmctl(*command, "vm", expect=69).stderr


@contextmanager
def lent_pages(number):
    """The kernel makes huge pages when they are wanted, and no sooner."""
    more = POOL / "nr_overcommit_hugepages"
    before = more.read_text()
    more.write_text(str(number))
    try:
        yield
    finally:
        more.write_text(before)


def test_memory_in_huge_pages(host):
    host.write_firmware_vm("vm", HUGEPAGES="2M", MEMORY="32M")
    with lent_pages(16):
        host.kvmctl("start", "vm")
        # All of it is there at once.
        maps = Path(f"/proc/{host.qemu().pid}/smaps").read_text()
        assert "32768" in re.findall(r"_Hugetlb: +(\d+) kB", maps)
        # They are its own.
        host.kvmctl("check", "vm")
        host.write_firmware_vm("second", HUGEPAGES="2M", MEMORY="32M")
        assert "is 16 huge pages of 2 MiB, and this host has 0 to give" in host.kvmctl("start", "second", expect=69).stderr
        host.kvmctl("stop", "--now", "vm")
        host.kvmctl("start", "second")
        host.kvmctl("stop", "--now", "second")


@pytest.mark.parametrize("memory, words", [("33M", "write MEMORY=34M"), ("999G", "sysctl -w vm.nr_hugepages=")])
def test_huge_pages_that_can_not_be(host, memory, words):
    host.write_firmware_vm("vm", HUGEPAGES="2M", MEMORY=memory)
    assert words in host.kvmctl("start", "vm", expect=None).stderr
    assert host.state("vm") == "stopped"

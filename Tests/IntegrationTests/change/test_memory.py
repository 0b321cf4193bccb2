"""`memory`."""

from rig.terminal import run_inside


def test_a_guest_gives_memory_back_and_takes_it_again(host):
    host.write_tiny_vm("vm", "tiny.balloon", MEMORY=256)
    host.write_firmware_vm("firmware", MEMORY=64)
    host.kvmctl("start", "vm", "firmware")
    host.wait_console("vm", "tiny: up")

    def free():
        return int(run_inside(host, "vm", "sed -n 's/MemFree: *//p' /proc/meminfo")[0].split()[0])

    before = free()
    assert "has 256 MiB, and would be asked to have 160 MiB" in host.kvmctl(
        "memory", "vm", "160M", "--dry-run").stdout
    assert host.kvmctl("memory", "vm", "160M").stdout == "vm: has 160 MiB of 256 MiB, until its next start\n"
    assert before - free() >= 90 << 10
    [shown] = host.json("memory", "vm")
    assert (shown["memory"], shown["most"], shown["wanted"]) == (160 << 20, 256 << 20, None)
    assert host.kvmctl("memory", "vm", "256").stdout == "vm: has 256 MiB of 256 MiB\n"
    assert before - free() < 10 << 10
    more = host.kvmctl("memory", "vm", "1G", expect=64)
    assert "was started with 256 MiB" in more.stderr and "kvmctl set vm MEMORY=1G" in more.stderr
    deaf = host.kvmctl("memory", "firmware", "32M", "--wait", "1s", expect=124)
    assert "was asked to have 32 MiB, and has 64 MiB after 1 s" in deaf.stderr
    host.kvmctl("stop", "--now", "firmware")
    assert "not running" in host.kvmctl("memory", "firmware", expect=75).stderr

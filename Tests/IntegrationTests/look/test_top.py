"""`top`: what real VMs use, by /proc and netlink alone."""

import json
import os
import signal
from pathlib import Path

from rig.documented import assert_documented
from rig.terminal import BareTerminal, run_inside, spawn, wait_for_exit
from rig.waiting import wait_until


def bytes_read(pid):
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes:"))


def test_rates_are_those_of_the_guest(bridged_host):
    host = bridged_host
    host.write_tiny_vm("vm", "tiny.ip=10.9.0.7/24", NET0="bridge:br0", NET1="user", DISK0="disk")
    (host.vms / "vm/disk").write_bytes(os.urandom(8 << 20))
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    # The guest reads its disk and spins for ever; it is pinged with 20 KB a second or more, which it sends back.
    run_inside(host, "vm", "while :; do dd if=/dev/vda of=/dev/null bs=1M iflag=direct 2>/dev/null; done & true")
    pinger = host.popen("ping", "-q", "-i", "0.01", "-s", "1000", "10.9.0.7")
    try:
        before = bytes_read(host.qemu().pid)
        [sample] = host.json("top", "--once")
        read = bytes_read(host.qemu().pid) - before
        assert_documented([sample])
        # How busy the machine is decides how much: only the order of magnitude is certain.
        assert 1 < sample["cpuPercent"] < 100 * os.cpu_count() + 50
        assert sample["memoryInUse"] > 32 << 20 and sample["memory"] == 128 << 20
        # A file system in memory has no storage to read from.
        assert (sample["bytesRead"] > 0) == (read > 0) and sample["bytesRead"] <= read
        assert sample["bytesReceived"] > 2000 and sample["bytesSent"] > 2000
        row = host.kvmctl("top", "--once", "vm").stdout.splitlines()
        assert row[0].split() == ["NAME", "CPU", "MEMORY", "OF", "READ/S", "WRITE/S", "RX/S", "TX/S"]
        assert row[1].split()[0] == "vm" and row[1].split()[1].endswith("%") and row[1].split()[3] == "128M"
    finally:
        pinger.send_signal(signal.SIGINT)
        pinger.wait()


def test_a_vm_that_hangs_and_those_that_come_and_go(host):
    for name in "hangs", "goes", "comes":
        host.write_firmware_vm(name, NET0="user")
    host.kvmctl("start", "hangs", "goes")
    hanging = next(qemu for qemu in host.qemus() if "guest=hangs" in " ".join(qemu.arguments))
    os.kill(hanging.pid, signal.SIGSTOP)
    try:
        stream = host.popen(host.binary, "top", "--json", "-d", "1", "hangs", "goes", "comes", "nope")
        first = [json.loads(stream.stdout.readline()) for _ in range(3)]
        assert_documented(first)
        assert {one["name"]: one["cpuPercent"] is None for one in first} == {
            "hangs": False, "goes": False, "comes": True}
        assert next(one for one in first if one["name"] == "hangs")["cpuPercent"] == 0
        assert all(one["bytesSent"] is None for one in first)
        host.kvmctl("start", "comes")
        host.kvmctl("stop", "--now", "goes")

        def seen():
            return json.loads(stream.stdout.readline())

        later = {one["name"]: one for one in first}
        while later["comes"]["cpuPercent"] is None or later["goes"]["pid"] is not None:
            one = seen()
            later[one["name"]] = one
        assert later["goes"]["state"] == "stopped" and later["goes"]["cpuPercent"] is None
        # All that run: the one that went is not among them.
        host.kvmctl("pause", "comes")
        assert ["comes", "paused"] in [line.split()[:2] for line in host.kvmctl("top", "--once", "-d", "0.2").stdout.splitlines()]
        host.kvmctl("resume", "comes")
        listed = host.kvmctl("top", "-n", "2", "-d", "1").stdout
        blocks = [block.splitlines() for block in listed.split("\n\n")]
        assert [sorted(line.split()[0] for line in block[1:]) for block in blocks] == 2 * [["comes", "hangs"]]
        stream.stdout.close()
        assert stream.wait(timeout=30) in (0, 66) and "nope" in stream.stderr.read()
    finally:
        os.kill(hanging.pid, signal.SIGCONT)


def test_a_terminal_is_drawn_on_and_given_back(host):
    for name in "vm", "x", "y":
        host.write_firmware_vm(name)
    host.kvmctl("start", "vm", "x", "y")
    terminal = spawn(host, "top", "-d", "1")
    terminal.setwinsize(24, 60)
    # From the top, each line cut to the width and cleared behind its end, then what is below.
    terminal.expect_exact("\x1b[HNAME")
    terminal.expect(r"\nvm [^\n]*%[^\n]*\x1b\[K\r\n")
    terminal.setwinsize(4, 60)
    terminal.expect(r"\nvm [^\n]*\x1b\[K\r\nand 2 more\x1b\[K\r\n\x1b\[J")
    terminal.setwinsize(24, 10)
    terminal.expect_exact("\x1b[HNAME  CPU \x1b[K\r\nvm    ")
    terminal.setwinsize(2, 80)
    terminal.expect(r"\x1b\[HNAME[^\n]*TX/S\x1b\[K\r\n\x1b\[J")
    terminal.send("xq")
    wait_for_exit(terminal)

    for ending in b"\x03", signal.SIGTERM:
        bare = BareTerminal(host, "top")
        try:
            bare.wait_until_raw()
            wait_until(lambda: b"vm " in os.read(bare.outside, 65536), "table")
            if isinstance(ending, bytes):
                os.write(bare.outside, ending)
                assert bare.process.wait(timeout=30) == 0
            else:
                bare.process.send_signal(ending)
                assert bare.process.wait(timeout=30) == -ending
            assert bare.modes() == bare.modes_before
        finally:
            bare.close()


def test_what_it_refuses_and_finds_nothing_of(host):
    assert host.json("top", "--once", "-d", "1") == []
    assert host.kvmctl("top", "--once", "-d", "1").stdout.split()[0] == "NAME"
    for words, said in (["-d", "0"], "-d"), (["-n", "0"], "-n"), (["--once", "-n", "2"], "--once"):
        assert said in host.kvmctl("top", *words, expect=64).stderr
    missing = host.kvmctl("top", "--once", "-d", "1", "nope", expect=66)
    assert "nope" in missing.stderr

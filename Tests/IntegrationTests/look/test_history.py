"""`history` and `events`: what happened to a VM, and the records of its crashes."""

import json
import os
import select
import signal
import subprocess

from rig.waiting import wait_until


def entries(host, name):
    [report] = host.json("history", name)
    return report["entries"]


def words(host, name):
    return [entry["words"] for entry in entries(host, name)]


def test_runs_are_told_from_first_to_last(host):
    host.write_firmware_vm("vm")
    assert "was never started" in host.kvmctl("history", "vm", expect=66).stderr
    for _ in range(3):
        host.kvmctl("start", "vm")
        host.kvmctl("stop", "vm", "--now")
    run = ["started by root", "running", "root stopped it without asking the guest", "QEMU was told to quit"]
    assert words(host, "vm") == 3 * run
    told = host.kvmctl("history", "vm", "-n", "2").stdout.splitlines()
    assert [line.split("  ")[1] for line in told] == run[2:]
    # What is in the record and in the history too is said once.
    events = [json.loads(line) for line in host.kvmctl("events", "vm").stdout.splitlines()]
    assert [event["event"] for event in events] == 3 * ["start", "RESUME", "stop", "SHUTDOWN"]
    assert host.kvmctl("history", "--all").stdout.startswith("vm:\n")


def test_a_crash_is_recorded_once_and_five_are_kept(host):
    host.write_firmware_vm("vm")
    logs = host.run / "log/vm"

    def crashes():
        return sorted(path.name for path in logs.glob("crash-*"))

    for number in range(6):
        host.kvmctl("start", "vm")
        (logs / "console.log").write_text(f"\x1b[1mlast words {number}\n")
        os.kill(host.qemu().pid, signal.SIGSEGV)
        host.wait_for_the_end_of_qemus()
        # Whichever command finds it: the next start, list, or show.
        if number % 3 == 1:
            host.kvmctl("list")
            assert len(crashes()) == number + 1
        elif number % 3 == 2:
            assert host.show("vm")["crashRecord"] == str(logs / crashes()[-1])
    host.kvmctl("list")
    assert len(crashes()) == 5
    text = (logs / crashes()[-1]).read_text()
    assert "  \\x1b[1mlast words 5\n" in text and "-name guest=vm" in text and '"RESUME"' in text
    told = words(host, "vm")
    assert sum(word.startswith("crashed: QEMU ended without recording why; see ") for word in told) == 6
    assert told[-1].endswith(crashes()[-1]) and told[-2] == "running"


def test_the_signal_is_told_by_who_saw_it(host):
    """As kvmctl@.service does after QEMU has ended."""
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    noting = ("env", "EXIT_CODE=killed", "EXIT_STATUS=SEGV", host.binary, "note-end", "vm")
    assert host.execute(*noting).returncode == 0
    assert "crashed" not in "".join(words(host, "vm"))
    os.kill(host.qemu().pid, signal.SIGSEGV)
    # Somebody else may have looked before.
    wait_until(lambda: host.state("vm") == "crashed", "crash")
    assert host.execute("env", "EXIT_CODE=exited", "EXIT_STATUS=75", *noting[3:]).returncode == 0
    assert host.execute(*noting).returncode == 0
    assert "QEMU was killed by SIGSEGV" in open(host.show("vm")["crashRecord"]).read()
    assert words(host, "vm")[-1].startswith("crashed: QEMU was killed by SIGSEGV; see ")


def test_what_a_taken_over_qemu_writes_is_not_kvmctls(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    with open(host.run / "log/vm/record", "a") as record:
        record.write('{"event": "start", "source": "kvmctl", "data": {"by": {"user": "ann"}}}\n' + '{"event": "X"' * 9000)
    assert "ann" not in " ".join(words(host, "vm"))
    events = [json.loads(line) for line in host.kvmctl("events", "vm").stdout.splitlines()]
    assert [event["source"] for event in events if event["event"] == "start"] == ["qemu", "kvmctl"]
    # A flood leaves the history as short as it was.
    with open(host.run / "log/vm/record", "a") as record:
        record.write("\n")
        for number in range(3000):
            record.write('{"timestamp": {"seconds": %d, "microseconds": 1}, "event": "POWERDOWN"}\n' % (2_000_000_000 + number))
    host.kvmctl("stop", "vm", "--now")
    host.kvmctl("start", "vm")
    assert (host.run / "log/vm/history").stat().st_size < 64 << 10


def test_following_sees_vms_that_start_later(host):
    host.write_firmware_vm("old")
    host.kvmctl("start", "old")
    following = subprocess.Popen(
        host.command(host.binary, "events", "--follow"), env=host.environment, stdout=subprocess.PIPE, bufsize=0)

    def following_event():
        assert select.select([following.stdout], [], [], 30)[0], "nothing more happened"
        event = json.loads(following.stdout.readline())
        return event["name"], event["event"]

    try:
        assert [following_event(), following_event()] == [("old", "start"), ("old", "RESUME")]
        host.write_firmware_vm("new")
        host.kvmctl("start", "new")
        assert {following_event(), following_event()} == {("new", "start"), ("new", "RESUME")}
        host.kvmctl("stop", "old", "--now")
        assert {following_event(), following_event()} == {("old", "stop"), ("old", "SHUTDOWN")}
        assert host.kvmctl("events", "--since", "2100-01-01").stdout == ""
        assert "neither a duration" in host.kvmctl("events", "--since", "junk", expect=64).stderr
    finally:
        following.kill()
        following.wait()


def test_a_flooding_guest_keeps_to_the_limit(host):
    """CONSOLE_LOG, whichever command trims, and the newest is there."""
    host.write_firmware_vm("vm", CONSOLE_LOG="2M")
    host.write_firmware_vm("more", CONSOLE_LOG="32M")
    host.kvmctl("start", "vm", "more")
    for name in ("vm", "more"):
        with open(host.run / f"log/{name}/console.log", "a") as log:
            log.write("x" * 1023 * 1024 * 20 + "\nnewest\n")
    host.kvmctl("trim-logs")
    assert (host.run / "log/vm/console.log").stat().st_size <= 2 << 20
    assert (host.run / "log/more/console.log").stat().st_size > 16 << 20
    assert host.console_log("vm").endswith("\nnewest\n")
    # It counts as it was when the VM was started.
    host.write_firmware_vm("more", CONSOLE_LOG="1M")
    host.kvmctl("list")
    assert (host.run / "log/more/console.log").stat().st_size > 16 << 20
    assert "from 1M to 1T" in host.kvmctl("check", host.write_firmware_vm("bad", CONSOLE_LOG="1K"), expect=65).stderr

"""Without processes in /proc, no command claims success without having done its work."""

import pytest

COMMANDS = [
    ["start", "vm"], ["start", "vm", "--dry-run"], ["start", "--all"], ["stop", "vm"], ["stop", "--all", "--now"],
    ["list"], ["list", "--json"], ["show", "vm"], ["logs", "vm"], ["console", "vm"], ["ip", "vm"], ["ip", "--all"],
    ["create", "new/vm"], ["check", "vm"], ["check", "--all"], ["explain", "vm"], ["rm", "vm"], ["doctor"],
    ["net", "up", "br9"], ["net", "up", "br9", "--try", "5s"], ["net", "down", "br9"], ["net", "show"],
    ["net", "confirm"], ["net", "persist", "br9"],
]
# An empty /proc, as in a chroot; and that of another pid namespace, whose numbers mean other processes.
EMPTY = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
ANOTHERS = ["unshare", "--mount", "--pid", "--fork"]


@pytest.mark.parametrize("world, said", [(EMPTY, "is not mounted"), (ANOTHERS, "another pid namespace")])
def test_every_command_says_that_it_sees_no_processes(host, world, said):
    host.write_firmware_vm("vm")
    (host.root / "new").mkdir()
    before = host.network()
    for words in COMMANDS:
        result = host.execute(*world, host.binary, *words)
        assert (result.returncode, result.stdout) == (69, ""), (words, result)
        assert result.stderr.startswith("kvmctl: /proc: ") and said in result.stderr, words
    result = host.execute(*world, host.old_command, host.vms / "vm/vm.params")
    assert result.returncode == 69 and "/proc" in result.stderr
    assert list((host.root / "new").iterdir()) == [] and (host.vms / "vm/vm.params").exists()
    assert host.network() == before


def test_a_vm_that_runs_is_not_said_to_be_stopped(host):
    host.write_firmware_vm("vm", ACCEL="tcg")
    host.kvmctl("start", "vm")
    assert host.execute(*EMPTY, host.binary, "stop", "vm", "--now").returncode == 69
    assert host.state("vm") == "running"
    host.kvmctl("stop", "vm", "--now")


@pytest.mark.parametrize("words, code, said", [
    (["--version"], 0, "kvmctl "), (["keys"], 0, "MEMORY"), (["help", "start"], 0, "Start VMs"),
    (["start"], 64, "name a VM"), (["stop", "vm", "--nwo"], 64, "--now"), (["net", "up"], 64, "bridge"),
])
def test_the_words_of_the_command_line_are_known_without_proc(host, words, code, said):
    result = host.execute(*EMPTY, host.binary, *words)
    assert result.returncode == code and said in result.stdout + result.stderr

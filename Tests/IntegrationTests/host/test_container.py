"""kvmctl as root of an unprivileged container that has only a few uids."""

import json

import pytest

from rig import container

VM = "mkdir {0}; printf 'MEMORY=32\\nNET0=none\\nVNCDISP=none\\nACCEL=tcg\\n{1}' >{0}/vm.params\n"
LACK = "this container does not map the uids for VMs, 1900000000 to 1900065535, but 0 to 65535"


@pytest.mark.parametrize("command", ["check vm", "start vm", "start vm --dry-run", "explain vm", "check --all"])
def test_a_uid_that_is_not_there_is_said(host, command):
    done = container.run(host, VM.format("vm", "") + f"kvmctl {command}")
    assert done.returncode == (1 if "--all" in command else 69), done
    assert f"/run/vms/vm/vm.params: {LACK}\n  write RUNAS=USER into" in done.stderr and "map these uids" in done.stderr
    # Only the cause is reported, not what follows from it.
    assert done.stderr.count("\n") == 2 and "Invalid argument" not in done.stderr


def test_what_it_says_helps(host):
    done = container.run(
        host, VM.format("vm", "RUNAS=nobody\\n") + "kvmctl start vm && kvmctl list && kvmctl stop vm --now")
    assert done.returncode == 0 and "vm    running" in done.stdout, done
    more = "0 100000 65536\n1900000000 1900000000 65536\n"
    done = container.run(host, VM.format("vm", "") + "kvmctl start vm && kvmctl stop vm --now", more)
    assert done.returncode == 0, done


def test_a_user_that_is_not_there(host):
    done = container.run(host, VM.format("vm", "RUNAS=70000\\n") + "kvmctl start vm")
    assert done.returncode == 69 and "RUNAS: the uid 70000" in done.stderr and "0 to 65535" in done.stderr, done


def test_doctor_says_so(host):
    done = container.run(host, VM.format("a", "") + VM.format("b", "RUNAS=nobody\\n") + "kvmctl doctor --json")
    found = json.loads(done.stdout)
    [users] = [one for one in found if one["subject"] == "users"]
    assert (users["severity"], users["command"]) == ("warning", None) and LACK in users["text"]
    assert "RUNAS" in users["step"]
    problems = {one["subject"]: one["text"] for one in found if one["severity"] == "problem"}
    assert done.returncode == 69 and LACK in problems["a"] and not {"QEMU", "b"} & set(problems), problems
    done = container.run(host, "kvmctl doctor --json", "0 100000 65536\n1900000000 1900000000 65536\n")
    assert [one["severity"] for one in json.loads(done.stdout) if one["subject"] == "users"] == ["ok"]

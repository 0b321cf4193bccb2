"""The documented exit codes, and messages that name the thing."""

import pytest


@pytest.mark.parametrize("arguments", [
    ["start"], ["frobnicate"], ["start", "vm", "--no-such-option"], ["stop", "vm", "--timeout", "soon"],
    ["create", "new", "--disk", "1Q"], ["create", "new", "--cpus", "0"], ["create", "new", "--net", "nowhere"],
    ["net", "up"], ["start", "no name/"],
])
def test_usage_is_64(host, arguments):
    host.write_firmware_vm("vm")
    result = host.kvmctl(*arguments, expect=66 if arguments[-1].endswith("/") else 64)
    assert result.stdout == "" and result.stderr


@pytest.mark.parametrize("arguments, words", [
    (["net", "up", "thisnameistoolongforalink"], "1 to 15 ASCII characters"), (["net", "up", ""], "can't be a bridge's"),
    (["stop", "1", "--timeout", "xyz"], "such as 30s, 2m or 1h"), (["logs", "1", "--lines", "x"], "not a whole number"),
    (["net", "up", "br0", "--mtu", "5"], "from 68 to 65535"),
])
def test_usage_errors_say_why(host, arguments, words):
    said = host.kvmctl(*arguments, expect=64).stderr
    assert said.startswith("kvmctl: ") and words in said


def test_help_of_the_old_command(host):
    result = host.execute(host.old_command, "--help")
    assert (result.returncode, result.stderr) == (0, "") and "PARAMS [ISO]" in result.stdout


@pytest.mark.parametrize("command", ["start", "check", "explain"])
def test_content_is_65(host, command):
    params = host.write_vm("vm", "MEMROY=512", "VNCDISP=many")
    result = host.kvmctl(command, "vm", expect=65)
    assert f"{params}:1:1:" in result.stderr and "MEMORY" in result.stderr
    assert f"{params}:2:" in result.stderr


@pytest.mark.parametrize("command", ["start", "stop", "show", "check", "explain", "console", "logs", "rm"])
def test_missing_vm_is_66(host, command):
    assert "nobody" in host.kvmctl(command, "nobody", expect=66).stderr
    assert "/none/vm.params" in host.kvmctl(command, "/none/vm.params", expect=66).stderr


def test_missing_qemu_is_69(host):
    host.write_firmware_vm("vm", QEMU="/none/qemu")
    assert "/none/qemu" in host.kvmctl("start", "vm", expect=69).stderr
    assert not (host.run / "vms" / "vm").exists(), "a directory of a VM that never was"


def test_key_without_a_capability_yet_is_69(host):
    host.write_firmware_vm("vm", TPM="yes")
    assert "TPM" in host.kvmctl("start", "vm", expect=69).stderr


def test_existing_output_is_73(host):
    host.write_firmware_vm("vm")
    assert "vm.params" in host.kvmctl("create", host.vms / "vm", "--disk", "1G", expect=73).stderr


def test_permission_is_77(host):
    host.root.chmod(0o755)
    host.kvmctl("net", "up", "br0", expect=77, uid=65534)


def test_check_is_content_with_a_good_file(host):
    host.write_firmware_vm("vm")
    host.kvmctl("check", "vm")


def test_explain_tells_where_each_part_comes_from(host):
    host.write_firmware_vm("vm", CPUS=2)
    explained = host.kvmctl("explain", "vm").stdout
    assert "-smp" in explained and "line 4, CPUS" in explained
    assert "default" in explained


def test_empty_list(host):
    assert host.json("list") == []


def test_version_and_help(host):
    assert host.kvmctl("--version").stdout.strip()
    assert "start" in host.kvmctl("--help").stdout

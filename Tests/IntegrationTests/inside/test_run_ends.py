"""`run`: what is refused before anything is booted, and how runs end that others end."""

import os
import re
import signal
import subprocess
import xml.etree.ElementTree

import pytest

from rig.ephemeral import PATIENCE, assert_nothing_left, begin, kvmctl_of, model, run
from rig.waiting import wait_until


@pytest.mark.parametrize("options, code, said", [
    (["--copy-in", "nosuch:/x"], 66, "nosuch: can't be copied into the guest"),
    (["--copy-in", "pipe:/x"], 65, "pipe: is not a file"),
    (["--copy-out", "/x:nosuch/x"], 73, "nosuch/x: can't be copied to: there is no directory"),
    (["--copy-out", "/x:file/x"], 73, "is not a directory"),
    # Several at once.
    (["--copy-in", "nosuch:/x", "--copy-out", "/x:gone/x"], 66, "gone/x: can't be copied to"),
])
def test_paths_of_the_host_are_looked_at_first(host, options, code, said):
    model(host)
    os.mkfifo(host.root / "pipe")
    (host.root / "file").touch()
    for more in ["--dry-run"], ["--", "true"]:
        err = host.kvmctl("run", "model", *options, *more, expect=code).stderr
        assert said in err and "QEMU" not in err and "console" not in err
    assert not (host.root / "run/ephemeral").exists()


def test_a_target_that_an_earlier_copy_makes(host):
    model(host)
    host.kvmctl("run", "model", "--dry-run", "--copy-out", "/x:new", "--copy-out", "/y:new/y")


def test_a_command_that_fails_without_its_report_and_a_vm_that_ends_by_itself(host):
    model(host)
    code, _, err = run(
        host, "sh", "-c", "exit 3", options=["--keep-on-failure", "--junit", "j.xml", "--copy-out", "/root/none:out"])
    assert code == 3 and "/root/none" in err
    [suite] = xml.etree.ElementTree.parse(host.root / "j.xml").getroot()
    assert (suite.get("failures"), suite.get("errors")) == ("1", "0")
    failure = suite[0].find("failure")
    assert failure.get("message") == "exit code 3" and "/root/none" in failure.text
    # Each hint names the VM.
    [name] = set(re.findall(r"run-\w{6}", err))
    assert f"kvmctl stop --now {name}" in err
    host.kvmctl("exec", name, "--", "poweroff", "-f", expect=None)
    host.wait_for_the_end_of_qemus()
    for command in "logs", "history", "show":
        seen = host.kvmctl(command, name)
        assert seen.stdout, command
    assert host.kvmctl("start", name, expect=None).returncode != 0


def test_a_kept_vm_that_is_asked_to_end(host):
    model(host)
    code, _, err = run(host, "false", options=["--keep-on-failure"])
    [name] = set(re.findall(r"run-\w{6}", err))
    host.kvmctl("stop", name)
    assert_nothing_left(host)
    assert "no VM of this name" in host.kvmctl("logs", name, expect=66).stderr


@pytest.mark.parametrize("options, code, said", [
    (["--memory", "10Q"], 64, "--memory: error: MEMORY: '10Q'"), (["--cpus", "x"], 64, "--cpus: error: CPUS: 'x'"),
    (["--set", "MEMORY=x"], 65, "--set MEMORY=x: error: MEMORY: 'x'"),
    (["--set", "NET0=none", "--set", "NET0_MTU=1400"], 65, "NET0 (--set NET0=none) is none"),
])
def test_a_fault_of_an_option_is_not_one_of_the_models_file(host, options, code, said):
    model(host)
    err = host.kvmctl("run", "model", *options, "--dry-run", expect=code).stderr
    assert said in err and "vm.params:" not in err


def test_a_run_and_a_vm_without_a_card(host):
    model(host, NET0="user", NET0_MAC="52:54:00:00:00:01", NET1="none", FORWARD0="tcp:127.0.0.1:2222:22")
    assert "virtio-net" not in host.kvmctl("run", "model", "--set", "NET0=none", "--dry-run").stdout
    assert "virtio-net" in host.kvmctl("run", "model", "--set", "MEMORY=256", "--dry-run").stdout
    assert "removed NET0_MAC" in host.kvmctl("set", "model", "NET0=none", "--unset", "FORWARD0").stdout


@pytest.mark.parametrize("words, said", [
    (["model", "--for", "running"], "--for running tells nothing of the guest"),
    (["model", "--timeout", "abc"], "'abc' is not a duration"), (["model", "other"], "Unexpected argument 'other'"),
])
def test_faults_of_warm_name_the_fault(host, words, said):
    model(host)
    err = host.kvmctl("warm", *words, expect=64).stderr
    assert said in err and "unknown command" not in err


def making(host):
    """The name of the VM that becomes a warm image."""
    wait_until(lambda: [vm for vm in host.json("list") if vm["name"].startswith("run-") and vm["state"] == "running"], "its VM")
    return next(vm["name"] for vm in host.json("list") if vm["name"].startswith("run-"))


@pytest.mark.parametrize("options", [["--now"], ["--timeout", "60s"]])
def test_a_stop_while_a_warm_image_is_made(host, options):
    model(host)
    process = begin(host, "echo", "done", options=["--warm"])
    name = making(host)
    assert "stopped" in host.kvmctl("stop", name, *options).stdout
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (125, b"")
    assert "was not made" in err.decode() and f"kvmctl history {name}" not in err.decode()
    assert host.json("warm", "list") == []
    assert_nothing_left(host)


def test_signals_while_a_warm_image_is_made_or_waited_for(host):
    # Without an agent it would take five minutes.
    model(host, words="")
    maker = subprocess.Popen(
        host.command(host.binary, "warm", "model"), env=host.environment, cwd=host.root, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    making(host)
    waiting = begin(host, "true", options=["--warm"])
    assert b"another command is making" in waiting.stderr.readline()
    for process, number in (waiting, signal.SIGINT), (maker, signal.SIGHUP):
        os.kill(kvmctl_of(process), number)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 128 + number
    process = begin(host, "true", options=["--warm"])
    making(host)
    os.kill(kvmctl_of(process), signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signal.SIGTERM
    assert_nothing_left(host)


def test_output_without_an_end(host):
    """Nobody reads it, so that it never ends by itself."""
    model(host)
    process = begin(host, "cat", "/dev/zero", options=["--timeout", "15s"])
    assert process.stdout.read(1) == b"\0"
    err = process.stderr.read().decode()
    assert process.wait(timeout=PATIENCE) == 124 and "its output was cut" in err
    assert_nothing_left(host)


def test_a_target_that_another_may_lead_elsewhere(host):
    """It is refused before anything is booted: with the VM, the result of the test would be lost."""
    model(host)
    host.root.chmod(0o755)
    home = host.root / "home"
    home.mkdir()
    (home / "link").symlink_to(host.vms)
    for path in home, home / "link":
        os.chown(path, 65534, 65534, follow_symlinks=False)
    for options in ["--dry-run"], []:
        said = host.kvmctl("run", "model", *options, "--copy-out", f"/x:{home}/link/new", "--", "true", expect=77).stderr
        assert "root uses only what nobody else can change" in said

"""VMs of a user whose only privilege is the group kvm, under the user's own systemd."""

import json

import pytest

from rig.waiting import wait_until

VMS = "/home/alice/vms"
FORWARDED = 2222


@pytest.fixture
def alice(lab_host):
    """Runs shell scripts as the user alice, whose systemd runs without a session (linger)."""
    lab_host.run("useradd --create-home --shell /bin/sh --groups kvm alice")
    uid = lab_host.run("id -u alice").stdout.strip()
    # Tells her unit where her VMs are, by environment.d(5).
    lab_host.write("/home/alice/.config/environment.d/kvmctl.conf", f"KVMCTL_VMS={VMS}\n")
    lab_host.run(f"mkdir {VMS} && chown -R alice: /home/alice && loginctl enable-linger alice")
    environment = f"HOME=/home/alice XDG_RUNTIME_DIR=/run/user/{uid} KVMCTL_VMS={VMS}"

    def run(script, expect=0, timeout=180):
        return lab_host.run(f"exec runuser -u alice -- env {environment} sh -s", expect, timeout, input=script)

    wait_until(lambda: run("systemctl --user is-system-running", expect=None).stdout.strip() in ("running", "degraded"),
               "systemd of alice's", timeout=180, interval=1)
    yield run
    lab_host.run(f"""
        loginctl disable-linger alice
        systemctl stop user@{uid} user-{uid}.slice
        userdel --remove alice""", expect=None)


def states(listed):
    return {vm["name"]: vm["state"] for vm in json.loads(listed.stdout)}


def test_a_user_of_the_group_kvm_runs_vms_under_systemd(lab_host, alice):
    lab_host.write_tiny_vm("box", "tiny.dhcp=0 tiny.serve=8080", directory=VMS,
                           NET0="user", FORWARD0=f"tcp:127.0.0.1:{FORWARDED}:8080")
    lab_host.run(f"chown -R alice: {VMS}")
    alice("systemctl --user enable --now kvmctl@box")
    assert alice("systemctl --user is-active kvmctl@box").stdout.strip() == "active"
    pid = alice("systemctl --user show -P MainPID kvmctl@box").stdout.strip()
    assert lab_host.run(f"stat -c %U /proc/{pid}; readlink /proc/{pid}/exe").stdout.split() == [
        "alice", "/usr/bin/qemu-system-x86_64"]
    # A QEMU on a busy machine may take longer to answer than `list` waits.
    wait_until(lambda: states(alice("kvmctl list --json")) == {"box": "running"}, "running box in alice's list", 120, 1)
    assert json.loads(alice("kvmctl show box --json").stdout)[0]["accelerator"] == "kvm"
    assert "box" not in lab_host.states(), "root lists a VM of alice's"

    script = f"busybox nc 127.0.0.1 {FORWARDED} </dev/null"
    wait_until(lambda: "hello from" in lab_host.run(f"timeout 20 {script}", expect=None).stdout,
               lambda: f"answer of the guest on port {FORWARDED}; its console ends:\n{alice('kvmctl logs box').stdout[-2000:]}",
               timeout=300, interval=1)

    alice("systemctl --user stop kvmctl@box")
    console = alice("kvmctl logs box").stdout
    assert "tiny: power button" in console and "Power down" in console, f"its console ends:\n{console[-2000:]}"
    assert states(alice("kvmctl list --json")) == {"box": "stopped"}

"""A VM that somebody else runs: never said to be stopped, and never removed."""

import os

import pytest

from rig.host import NOBODY

# The usual places of root and of a user, empty and gone with the shell that runs in them.
PLACES = f"""
for place in /run /var/log /var/cache; do mount -t tmpfs tmpfs $place; done
mkdir -p /run/user/{NOBODY}
chown {NOBODY} /run/user/{NOBODY}
export XDG_RUNTIME_DIR=/run/user/{NOBODY} HOME=/run/user/{NOBODY}
root() {{ env -u XDG_RUNTIME_DIR kvmctl "$@"; }}
user() {{ setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups -- kvmctl "$@"; }}
refused() {{ expected=$1; shift; "$@"; code=$?; [ $code -eq $expected ] || {{ echo "$*: $code, not $expected"; exit 1; }}; }}
"""


def in_usual_places(host, script):
    host.root.chmod(0o755)
    path = f"PATH={host.binary.parent}:$PATH\n"
    return host.execute("env", "-u", "KVMCTL_RUN", "unshare", "--mount", "sh", "-c", path + PLACES + script)


@pytest.mark.parametrize("owner, uid, other, start, code", [
    # A user may not write to root's disk; root may do what the owner may, and finds the disk in use.
    ("root", 0, "user", "start", 77), ("user", NOBODY, "root", "start", 77),
    ("user", NOBODY, "root", "start --trust-owner", 75),
])
def test_everything_but_the_owner_is_refused(host, owner, uid, other, start, code):
    params = host.write_firmware_vm("vm", DISK0="disk", DISK0_SIZE="1M")
    (host.vms / "vm" / "disk").write_bytes(bytes(1 << 20))
    for path in (params.parent, params, params.parent / "disk"):
        os.chown(path, uid, uid)
    result = in_usual_places(host, f"""
        {owner} start {params} || exit 1
        for command in stop "stop --now" "stop --dry-run" console rm "rm --disks"; do
            refused 77 {other} $command {params}
        done
        refused {code} {other} {start} {params}
        {owner} show {params} | grep running || exit 1
        {owner} stop --now {params}
        """)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "another user's" in result.stderr
    assert (host.vms / "vm" / "disk").exists()


# Holds the lock that says that a VM runs.
HOLD = "import fcntl, sys, time; fcntl.lockf(open(sys.argv[1], 'w'), fcntl.LOCK_EX); print(flush=True); time.sleep(600)"


@pytest.mark.parametrize("pipe", ["lock", "process", "manifest.json"])
def test_nothing_of_a_users_keeps_root_waiting(host, pipe):
    params = host.write_firmware_vm("vm")
    result = in_usual_places(host, f"""
        cd $XDG_RUNTIME_DIR && mkdir -p kvmctl/vms/vm && cd kvmctl/vms/vm
        for file in lock process manifest.json; do echo '{{}}' >$file; done
        mkfifo pipe started
        python3 -c "{HOLD}" lock >started &
        trap 'kill $!' EXIT
        read line <started
        mv pipe {pipe}
        for command in list "show {params}" "check {params}"; do
            env -u XDG_RUNTIME_DIR timeout 20 kvmctl $command
            [ $? -ne 124 ] || {{ echo "$command hangs"; exit 1; }}
        done
        """)
    assert result.returncode == 0, result.stdout + result.stderr


def test_disks_that_somebody_uses_stay(host):
    """Nothing but the lock on the disk tells that the VM runs: whoever started it keeps their files elsewhere."""
    host.kvmctl("create", host.vms / "vm", "--disk", "1M", "--memory", "32", "--net", "none")
    host.kvmctl("start", "vm")
    host.environment["KVMCTL_RUN"] = str(host.root / "elsewhere")
    for extra in ([], ["--disks"], ["--disks", "--dry-run"]):
        assert "vdisk0" in host.kvmctl("rm", "vm", *extra, expect=75).stderr
    assert (host.vms / "vm" / "vdisk0").exists()

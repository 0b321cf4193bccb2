"""A VM that another user runs is never reported as stopped, and never removed."""

import os

import pytest

from rig.fuse import SERVER
from rig.host import NOBODY

# The usual places of root and of a user, empty at first, and discarded with the shell that uses them.
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
    assert "another user" in result.stderr
    assert (host.vms / "vm" / "disk").exists()


def test_a_user_s_vm_with_the_name_of_one_that_root_ran(host):
    """Root's own last run of that name says nothing of the user's VM, and root's logs are not the user's."""
    own, theirs = host.write_firmware_vm("own", NAME="web"), host.write_firmware_vm("theirs", NAME="web")
    for path in (theirs.parent, theirs):
        os.chown(path, NOBODY, NOBODY)
    result = in_usual_places(host, f"""
        root start {own} && root stop --now {own} || exit 1
        user start {theirs} || exit 1
        root show {theirs} | grep running || exit 1
        # The name means the VM that root may use; both run then.
        root start web | grep "web: started" || exit 1
        root show web | grep {own} || exit 1
        root show {theirs} | grep running || exit 1
        refused 77 root stop --now {theirs}
        refused 77 root rm --trust-owner {theirs}
        root stop --now web || exit 1
        root show {theirs} | grep running || exit 1
        user stop --now {theirs} || exit 1
        rm -r /run/kvmctl/vms
        root rm --trust-owner {theirs} | grep "kept /var/log/kvmctl/web" || exit 1
        [ -e /var/log/kvmctl/web ]
        """)
    assert result.returncode == 0, result.stdout + result.stderr


def test_what_a_user_has_below_roots_root_keeps_root_from_nothing(host):
    """A VM that runs, and a file that is a link to itself."""
    theirs = host.write_firmware_vm("theirs")
    loop = host.vms / "loop/vm.params"
    loop.parent.mkdir()
    loop.symlink_to("vm.params")
    for path in (theirs.parent, theirs, loop.parent):
        os.chown(path, NOBODY, NOBODY)
    result = in_usual_places(host, f"""
        user start {theirs} || exit 1
        root stop --all || exit 1
        root suspend --all || exit 1
        root list || exit 1
        root create new --net none || exit 1
        root rename new newer || exit 1
        root rm newer || exit 1
        user list theirs | grep running || exit 1
        user stop --now {theirs}
        """)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "theirs: another user is running it" in result.stderr


def test_a_user_s_own_vm_that_never_ran(host):
    """Where root's places may not be looked at, only its disks can show that root runs it."""
    params = host.write_firmware_vm("vm", DISK0="disk", DISK0_SIZE="1M")
    (host.vms / "vm" / "disk").write_bytes(bytes(1 << 20))
    for path in (params.parent, params, params.parent / "disk"):
        os.chown(path, NOBODY, NOBODY)
    result = in_usual_places(host, f"""
        mkdir -m 700 /run/kvmctl /var/log/kvmctl
        user list | grep "vm *stopped" || exit 1
        root start --trust-owner {params} || exit 1
        user list | grep "vm *running" || exit 1
        user rm {params} && exit 1
        root stop --now {params}
        user list | grep "vm *stopped" || exit 1
        user rm {params}
        """)
    assert result.returncode == 0, result.stdout + result.stderr


# Holds the lock that shows that a VM runs.
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
    """Only the lock on the disk shows that the VM runs: its run-time files are elsewhere."""
    host.kvmctl("create", host.vms / "vm", "--disk", "1M", "--memory", "32", "--net", "none")
    host.kvmctl("start", "vm")
    host.environment["KVMCTL_RUN"] = str(host.root / "elsewhere")
    for extra in ([], ["--disks"], ["--disks", "--dry-run"]):
        assert "vdisk0" in host.kvmctl("rm", "vm", *extra, expect=75).stderr
    assert (host.vms / "vm" / "vdisk0").exists()


# A user's process that holds a lock, and claims in the run directory that a VM runs.
CLAIM = r"""
import fcntl, os, sys
name, manifest, program = sys.argv[1], sys.argv[2], sys.argv[3:]
os.makedirs(f"kvmctl/vms/{name}", exist_ok=True)
os.chdir(f"kvmctl/vms/{name}")
lock = os.open("lock", os.O_RDWR | os.O_CREAT)
fcntl.lockf(lock, fcntl.LOCK_EX)
start = open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19]
open("process", "w").write(f"{os.getpid()} {start}")
open("manifest.json", "w").write(manifest)
open("locks", "w")
print(flush=True)
os.set_inheritable(lock, True)
os.execvp(program[0], program)
"""
MANIFEST = (
    '{"name":"%s","uuid":"x","file":"%s","memoryBytes":%s,"cpus":%s,"accelerator":"tcg","foreground":false,"nics":[],'
    '"media":[],"vnc":{"address":"h","port":%s}}')
BAD = "-9223372036854775808"


def claim(name, manifest, *program):
    """Shell: the user claims that the VM runs, with this program as its process."""
    words = " ".join(f"'{word}'" for word in [name, manifest, *(program or ("sleep", "600"))])
    return f"""
        mkfifo $XDG_RUNTIME_DIR/claimed
        (cd $XDG_RUNTIME_DIR; exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups \
            python3 -c '{CLAIM.replace("'", '"')}' {words} >$XDG_RUNTIME_DIR/claimed) &
        claimers="$claimers $!"; trap 'kill $claimers' EXIT
        read line <$XDG_RUNTIME_DIR/claimed; rm $XDG_RUNTIME_DIR/claimed
        """


@pytest.mark.parametrize("owner", [0, NOBODY], ids=["roots", "users"])
def test_a_users_mere_word_refuses_root_nothing(host, owner):
    params = host.write_firmware_vm("vm")
    for path in (params.parent, params):
        os.chown(path, owner, owner)
    trust = "" if owner == 0 else "--trust-owner"
    result = in_usual_places(host, claim("vm", MANIFEST % ("vm", params, 1, 1, 5900)) + f"""
        root list --json | grep '"state": "stopped"' || exit 1
        root stop vm | grep "not running" || exit 1
        refused 75 root console vm
        root start {trust} vm || exit 1
        root list | grep running || exit 1
        root stop --now vm | grep "stopped;" || exit 1
        root rm {trust} vm || exit 1
        """)
    assert result.returncode == 0, result.stdout + result.stderr
    assert not params.exists()


@pytest.mark.parametrize("memory, cpus, port", [(BAD, 1, 5900), (1, BAD, 5900), (1, 1, BAD), (1, 1, 99999), (1, 1, 0)])
def test_no_number_of_a_users_ends_roots_command(host, memory, cpus, port):
    params = host.write_firmware_vm("vm")
    for path in (params.parent, params):
        os.chown(path, NOBODY, NOBODY)
    result = in_usual_places(host, claim("vm", MANIFEST % ("vm", params, memory, cpus, port)) + """
        for command in list "list --json" "show vm" "show --json vm" doctor; do
            root $command >/dev/null 2>&1; code=$?
            case $code in 0|69) ;; *) echo "$command: $code"; exit 1 ;; esac
        done
        """)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_user_can_not_make_root_read_without_end(host):
    """Gigabytes, a directory that never responds, links to root's files."""
    params = host.write_firmware_vm("vm")
    for path in (params.parent, params):
        os.chown(path, NOBODY, NOBODY)
    place = f"/run/user/{NOBODY}"
    result = in_usual_places(host, claim("vm", "{}") + f"""
        truncate -s 8G $XDG_RUNTIME_DIR/kvmctl/vms/vm/manifest.json
        mkdir -p $XDG_RUNTIME_DIR/kvmctl/log/vm; truncate -s 64M $XDG_RUNTIME_DIR/kvmctl/log/vm/record
        prlimit --as=2147483648 timeout 20 env -u XDG_RUNTIME_DIR kvmctl list || exit 1
        mv {place}/kvmctl {place}/gone; mkdir /run/decoy; ln -s /run/decoy {place}/kvmctl
        root list && root stop vm && [ -z "$(ls /run/decoy)" ] || exit 1
        rm {place}/kvmctl; mkdir {place}/kvmctl
        python3 {SERVER} silent {place}/kvmctl >$XDG_RUNTIME_DIR/mounted & trap "kill $! $claimers" EXIT
        until grep -q mounted $XDG_RUNTIME_DIR/mounted; do sleep 0.1; done
        for command in list "stop vm" "stop --all" doctor; do
            timeout 20 env -u XDG_RUNTIME_DIR kvmctl $command
            [ $? -ne 124 ] || {{ echo "$command hangs"; exit 1; }}
        done
        """)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_users_vm_with_run_time_files_anywhere(host):
    """Only the user knows where they are; root sees by its process that it runs."""
    params = host.write_firmware_vm("vm", DISK0="disk", DISK0_SIZE="1M", NET0="user")
    (host.vms / "vm" / "disk").write_bytes(bytes(1 << 20))
    for path in (params.parent, params, params.parent / "disk"):
        os.chown(path, NOBODY, NOBODY)
    result = in_usual_places(host, f"""
        export XDG_RUNTIME_DIR=/run/user/{NOBODY}/deeper
        mkdir -p $XDG_RUNTIME_DIR; chown {NOBODY} $XDG_RUNTIME_DIR
        user start {params} || exit 1
        for command in stop "stop --now" rm; do refused 77 root $command {params}; done
        refused 75 root start --trust-owner {params}
        root show {params} | grep running || exit 1
        user stop --now {params} || exit 1
        root show {params} | grep stopped || exit 1
        """)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "with the KVMCTL_RUN or XDG_RUNTIME_DIR that it was started with" in result.stderr


def test_a_run_directory_of_somebody_else_is_refused(host):
    """Who owns RUN/vms could put another directory in the place of a VM's."""
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    host.kvmctl("stop", "vm", "--now")
    os.chown(host.run / "vms", NOBODY, NOBODY)
    assert str(host.run / "vms") in host.kvmctl("start", "vm", expect=77).stderr

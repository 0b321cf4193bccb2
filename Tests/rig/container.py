"""An unprivileged container: root of a user namespace that has only some uids."""

import subprocess

ENTER = """
import ctypes, os, sys
mapped, script = sys.argv[1:]
NEWNS, NEWUSER, NEWNET = 0x00020000, 0x10000000, 0x40000000
libc = ctypes.CDLL(None, use_errno=True)

def unshare(flags):
    if libc.unshare(flags):
        raise OSError(ctypes.get_errno(), "unshare")

ready, go = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    unshare(NEWUSER)
    os.write(ready[1], b"x")
    os.read(go[0], 1)
    os.setresgid(0, 0, 0)
    os.setgroups([])
    os.setresuid(0, 0, 0)
    unshare(NEWNS | NEWNET)
    os.execvp("sh", ["sh", "-c", script])
os.read(ready[0], 1)
for kind in ("uid_map", "gid_map"):
    with open(f"/proc/{child}/{kind}", "w") as file:
        file.write(mapped)
os.write(go[1], b"x")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

# A container has these of its own, so the machine's VMs are not visible in it.
PLACES = """
mount --make-rprivate /
for place in /run /var/log /var/cache /root; do mount -t tmpfs -o mode=755 none $place; done
mkdir /run/vms
export KVMCTL_VMS=/run/vms
cd /run/vms
"""


def run(host, script, mapped="0 100000 65536\n"):
    """Runs a shell script as root of a container with these uids and gids, and with kvmctl in PATH."""
    # Its root is not root outside.
    host.root.chmod(0o755)
    environment = {**host.environment, "PATH": f"{host.binary.parent}:{host.environment['PATH']}"}
    del environment["KVMCTL_RUN"], environment["KVMCTL_VMS"]
    return subprocess.run(
        ["/usr/bin/python3", "-c", ENTER, mapped, PLACES + script], env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60)

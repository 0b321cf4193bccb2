"""The seed, as a real cloud-init in a real Debian takes it. A boot takes a minute or two under emulation, so there are three."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from rig.host import KERNEL_WORDS
from rig.tree import TREE

PATIENCE = 600
MAC = "52:54:00:00:00:77"

USER_DATA = """#cloud-config
users:
  - name: {name}
    ssh_authorized_keys: ["{key}"]
runcmd:
  - echo {name} >>/root/ran
"""

NETWORK = f"""version: 2
ethernets:
  nic0:
    match: {{macaddress: "{MAC}"}}
    addresses: [192.0.2.7/24]
"""


@pytest.fixture(scope="session")
def cloud():
    """The directory of debian.raw, vmlinuz and initrd."""
    built = subprocess.run([TREE / "Tests/rig/cloud/build"], check=True, stdout=subprocess.PIPE, text=True)
    return Path(built.stdout.strip())


def inside(host, command):
    return host.kvmctl("exec", "vm", "--", "sh", "-c", command, timeout=PATIENCE).stdout.strip()


def boot(host):
    host.kvmctl("start", "vm")
    host.kvmctl("wait", "vm", "--for", "agent", "--timeout", f"{PATIENCE}s", timeout=PATIENCE)
    # It reports its end in a file of its own.
    status = json.loads(inside(host, "cloud-init status --wait >/dev/null; cat /run/cloud-init/status.json"))["v1"]
    assert status["datasource"].startswith("DataSourceNoCloud [seed=/dev/vdb]"), status
    assert all(status[stage]["errors"] == [] for stage in ("init-local", "init", "modules-config", "modules-final")), status
    return {
        "name": inside(host, "hostname"), "ran": inside(host, "cat /root/ran").split(),
        "accounts": inside(host, "cut -d: -f1 /etc/passwd").split(), "addresses": inside(host, "ip -br -4 address"),
        "keys": inside(host, "cat /home/ann/.ssh/authorized_keys"), "host": inside(host, "cat /etc/ssh/ssh_host_ed25519_key.pub"),
    }


@pytest.mark.minutes
def test_what_it_is_told_happens_once_and_again_when_that_changes(host, cloud):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ann", "-f", host.root / "key"], check=True)
    key = (host.root / "key.pub").read_text().strip()
    (host.root / "data").write_text(USER_DATA.format(name="ann", key=key))
    (host.root / "net").write_text(NETWORK)
    shutil.copy(cloud / "debian.raw", host.root)
    host.kvmctl("image", "import", "debian.raw", timeout=PATIENCE)
    (host.root / "debian.raw").unlink()
    host.kvmctl(
        "create", "vm", "--image", "debian", "--disk", "4G", "--user-data", "data", "--network-config", "net", "--hostname",
        "web", "--net", "user", "--mac", MAC, "--memory", "512", "--vnc", "none", "--kernel", cloud / "vmlinuz", "--initrd",
        cloud / "initrd", "--append", f"root=/dev/vda quiet {KERNEL_WORDS}")
    first = boot(host)
    assert first["name"] == "web" and first["ran"] == ["ann"] and "ann" in first["accounts"]
    assert first["keys"] == key and "192.0.2.7/24" in first["addresses"]
    host.kvmctl("stop", "vm", timeout=PATIENCE)
    # A boot like any other.
    assert boot(host) == first
    host.kvmctl("stop", "vm", timeout=PATIENCE)
    # Another instance: new host keys, and all that it says.
    (host.vms / "vm/user-data").write_text(USER_DATA.format(name="bob", key=key))
    host.kvmctl("set", "vm", "CLOUDINIT_HOSTNAME=db")
    second = boot(host)
    assert second["name"] == "db" and second["ran"] == ["ann", "bob"] and "bob" in second["accounts"]
    assert second["host"] != first["host"] and second["keys"] == key

"""README's table of the commands of virsh, qm and incus, run line by line on one VM."""

import re

from rig.etc import HostWithEtc
from rig.tree import TREE

# What stands for each command of the table, in its order: the words after the command, and what is printed.
RUN = {
    "create": ("web --net user --disk 16M", "created"),
    "clone VM NEW": ("", "created"),
    "set VM TEMPLATE=yes": ("", "golden: TEMPLATE=yes"),
    "create NEW --from VM": ("", "created"),
    "image import": ("base.raw", "base"),
    "set": ("web MEMORY=128M", "web: MEMORY=128M"),
    "edit": ("web", "web: "),
    "list": ("", "web "),
    "start": ("web", "web: started"),
    "stop": ("web --timeout 1s", "web: stopped"),
    "stop --now": ("web", "web: stopped; QEMU was told to quit"),
    "disk attach": ("web extra --size 1M", "web: DISK1 attached"),
    "console": ("web", ""),
    "exec": ("web -- true", ""),
    "run": ("web --timeout 2s -- true", ""),
    "ip": ("web --json", "web"),
    "enable": ("web", "web: enabled"),
    "rm --disks": ("web", "web: removed"),
}
# Before which the VM has to run.
RUNNING = {"stop", "stop --now", "disk attach", "console", "exec", "ip"}
# Without a guest there is no answer, which is said so.
CODES = {"ip": 69, "exec": 125, "run": 125}


def rows():
    table = (TREE / "README.md").read_text().split("## Coming from")[1].split("\n## ")[0]
    cells = [line.split("|")[5] for line in table.splitlines() if line.startswith("| ") and "`" in line]
    return [words for cell in cells for words in re.findall("`kvmctl (.+?)`", cell)]


def test_each_command_of_the_table_is_run():
    assert rows() == list(RUN)


def test_the_table_line_by_line(host):
    etc = HostWithEtc(host)
    unit = (TREE / "packaging/kvmctl@.service.in").read_text()
    etc.write("systemd/system/kvmctl@.service", unit.replace("@BINDIR@", "/usr/bin").replace("@WANTEDBY@", "multi-user.target"))
    host.environment |= {"EDITOR": "sed -i s/CPUS=1/CPUS=2/"}
    host.kvmctl("create", "golden", "--net", "none", "--disk", "1M", "--vnc", "none")
    (host.root / "base.raw").write_bytes(b"x" * 1024)
    for command in rows():
        words, printed = RUN[command]
        named = command.replace("NEW", f"new-{command.split()[0]}").replace("VM", "golden")
        if command in RUNNING:
            host.kvmctl("start", "web")
        elif command in ("rm --disks", "run", "start"):
            host.kvmctl("stop", "web", "--now")
        run = etc.kvmctl if command == "enable" else host.kvmctl
        expected = CODES.get(command, 0)
        done = run(*named.split(), *words.split(), expect=expected)
        assert printed in done.stdout, (command, done)
    assert not (host.vms / "web/vdisk0").exists()

"""The words of a command line: commands, options, names and paths."""

import os
import subprocess

import pytest

from rig.host import NOBODY


@pytest.mark.parametrize("words, said", [
    ("strat vm", "unknown command 'strat': did you mean 'start'?"), ("lst", "did you mean 'list'?"),
    ("Start vm", "did you mean 'start'?"), ("remove vm", "unknown command 'remove': did you mean 'rm'?"),
    ("poweroff vm", "did you mean 'stop'?"), ("destroy vm --timeout 5s", "destroy does not wait for the guest"), ("net pu br0", "unknown command 'net pu': did you mean 'net up'?"),
    ("net persits br0", "did you mean 'net persist'?"), ("help strat", "unknown command 'strat': did you mean 'start'?"),
    # A command that ends or removes a VM is offered for a typing error only.
    ("vm", "kvmctl list"), ("rmm", "did you mean 'rm'?"), ("top1", "did you mean 'top'?"), ("restor", "did you mean 'restart'?"),
    ("snapshot", "kvmctl can't do that yet"), ("disk resize", "did you mean 'disk grow'?"),
    # --quiet leaves no error out.
    ("list -q -o name", "-o excludes --json and --names"), ("stop -q --bogus vm", "Unknown option '--bogus'"),
    ("frobnicate", "unknown command 'frobnicate': kvmctl --help lists the commands"),
    ("net frobnicate", "unknown command 'net frobnicate': kvmctl net --help lists"),
    ("list --jsno", "'--jsno'. Did you mean '--json'?"), ("start vm --fore", "'--fore'. Did you mean '--foreground'?"),
    # Also if an argument is missing, too.
    ("start --tmeout 5s", "'--tmeout'. Did you mean '--timeout'?"), ("explain --jsn", "'--jsn'. Did you mean '--json'?"),
    # Two letters swapped are likelier than a word left off.
    ("create vm --form t", "'--form'. Did you mean '--from'?"), ("create vm --forma raw", "Did you mean '--format'?"),
    ("create v --cout 3", "Did you mean '--count'?"), ("run vm --net user -- true", "'--net'. Write --set NET0=user"),
    ("net up br0 --uplnk eth0", "'--uplnk'. Did you mean '--uplink'?"),
    ("net rm br0", "did you mean 'net down'?"), ("net ls", "did you mean 'net show'?"),
    ("autostart vm", "unknown command 'autostart vm': autostart has only 'run'; kvmctl enable"), ("create vm --iso x", "'--iso'. Did you mean '--cdrom'?"),
    ("create vm --ram 2G", "'--ram'. Did you mean '--memory'?"), ("stop vm --force", "--force: counts only with --now"),
    ("restart vm --force", "--force counts only with --hard"), ("setvcpus vm", "kvmctl set VM CPUS=N"),
    # Nothing is suggested for a word that is too different.
    ("create vm --efi yes", "Unknown option '--efi'"), ("rm vm --foo", "Unknown option '--foo'"), ("keys vm", "vm: is not a key of vm.params"),
    ("create one two", "Unexpected argument 'two'"),
    # What other tools have, and kvmctl has by another name or in a file.
    ("virt-clone vm", "kvmctl clone VM NEW"), ("copy vm new", "kvmctl clone VM NEW for a VM, kvmctl cp for files"),
    ("template vm", "kvmctl set VM TEMPLATE=yes"), ("type vm x", "kvmctl sendkey VM --text"),
    ("share vm", "kvmctl set VM SHARE0="), ("hibernate vm", "did you mean 'suspend'?"), ("mv a b", "did you mean 'rename'?"),
    ("protect vm", "kvmctl set VM PROTECT=yes"), ("completion", "--generate-completion-script"), ("net-list", "kvmctl net show"),
    ("defaults", "did you mean 'settings'?"), ("disk show vm", "kvmctl show VM"), ("nic ls", "kvmctl show VM"), ("cdrom show vm", "kvmctl show VM"),
    ("tope", "did you mean 'top'?"), ("stxr vm", "unknown command 'stxr': kvmctl --help lists"),
    ("set vm --memory 512", "Unknown option '--memory'. Write MEMORY=512"), ("set vm --append=x", "'--append'. Write APPEND=x"),
    ("set vm --net0-mac 1", "Write NET0_MAC=1"), ("set vm --cores 4 A=1", "Write CPUS=4"), ("set vm --dry", "Did you mean '--dry-run'?"),
    ("create vm --firmware bios", "Write --set FIRMWARE=bios"), ("start vm --append x", "Unknown option '--append'"),
    ("set vm CPUS 4", "say what to set: write CPUS=4"), ("set vm memory 512", "say what to set: write MEMORY=512"),
    ("set vm", "say what to set: KEY=VALUE, or --unset KEY"),
    ("settings MEMORY=256", "write CREATE_MEMORY=256 into /etc/kvmctl.conf"), ("settings create_disk 2G", "write CREATE_DISK=2G into"),
    ("settings frobnicate", "settings takes no words"), ("ssh --dry-run root@web1", "kvmctl ssh --user root web1"),
    ("top -d 0.01", "-d is at least 0.1s"), ("nic detach vm 1", "Did you mean NET1?"), ("nic detach vm eth1", "Did you mean NET1?"),
    ("nic detach vm 52:54:00:00:00:01", "kvmctl show VM lists"), ("disk grow vm vda +1G", "kvmctl show VM lists"),
    ("cdrom eject vm cdrom0", "Unexpected argument 'cdrom0'. Write --drive CDROM0"), ("cdrom eject vm x", "Unexpected argument 'x'"),
    ("list -o wide,sate", "Did you mean state?"), ("sendkey vm KEY_ENTER", "Did you mean ret?"),
    ("create vm --net bridge=br0", "Did you mean bridge:br0?"),
    ("create v --count -1", "'-1' is no value of --count, which can't be negative"), ("logs vm -n -3", "'-3' is no value of -n"),
    ("wait vm --timeout -1", "'-1' is no value of --timeout"),
    ("exec -w /tmp vm -- pwd", "'-w'. Did you mean '--cwd'?"), ("exec --workdir /tmp vm -- pwd", "'--workdir'. Did you mean '--cwd'?"),
    ("exec -in vm -- true", "--interactive and --no-stdin exclude each other"),
    # No letter of several is taken for a wish for help, if one of the others is unknown.
    ("cp -dash a vm:b", "Unknown option '-d'"), ("cp -dash", "Unknown option '-d'"), ("ls -lah", "Unknown option '-l'"), ("start -xh vm", "Unknown option '-x'"),
    ("exec -ith -z vm -- ls -dash", "Unknown option '-z'"), ("net show -zh", "Unknown option '-z'"),
    ("exec --cwd '' vm -- pwd", "'' is not an absolute path in the guest"), ("run -c etc vm -- pwd", "'etc' is not an absolute path"),
    ("start --wait=30s vm", "--wait takes no time. Write --wait-timeout 30s."), ("start --all=3", "'--all' does not take any value"),
    ("launch vm", "kvmctl create NEW --start"), ("push vm f", "kvmctl cp FILE VM:PATH"), ("shell vm", "kvmctl exec -it VM -- sh"),
    ("trim vm", "kvmctl fstrim"), ("inject-nmi vm", "did you mean 'nmi'?"), ("domfsthaw vm", "did you mean 'thaw'?"), ("crash vm", "kvmctl nmi VM"), ("domblklist vm", "kvmctl disk list"), ("disk show vm", "kvmctl disk info VM"),
    ("disk repair vm", "kvmctl disk check --repair"), ("disk check -r all vm", "kvmctl disk check --repair"),
    ("disk expand vm", "did you mean 'disk grow'?"), ("image info x", "kvmctl disk info PATH"),
    ("warm create vm", "kvmctl warm VM makes"), ("warm delete x", "kvmctl warm rm"),
    ("--json list", "--json: comes before the command"), ("net --json show", "kvmctl net show --help lists"),
])
def test_the_nearest_is_named(host, words, said):
    result = host.kvmctl(*words.split(), expect=64)
    assert said in result.stderr.splitlines()[0] and result.stdout == ""
    assert "?" in said or "?" not in result.stderr.splitlines()[0]


@pytest.mark.parametrize("words", ["--help", "help", "help net up", "net", "net --help", "--version", "version", "ls", "ps", "cp -rh", "list -qh", "cp -dash --help", "help cp",
    "cp -h"])
def test_what_is_known_is_not_refused(host, words):
    host.kvmctl(*words.split())


@pytest.mark.parametrize("words, cause, remedy", [
    (["check", b"caf\xe9"], "names and paths have to be", "rename the file"),
    (["cp", b"caf\xe9", "vm:/"], "names and paths have to be", "rename the file"),
    (["cp", b"vm:/caf\xe9", "x"], "a path on the command line has to be", "copy the directory that it is in, with -r"),
    (["exec", "vm", "--", "cat", b"caf\xe9"], "words are passed to a guest", "printf"),
    (["exec", "-n", "vm", "cat", b"caf\xe9"], "words are passed to a guest", "printf"),
    (["ssh", "vm", b"caf\xe9"], "words are passed to a guest", "printf"),
    (["run", "vm", "--", b"caf\xe9"], "words are passed to a guest", "printf"),
    (["exec", b"caf\xe9", "--", "cat"], "names and paths have to be", "rename the file"),
    (["run", b"caf\xe9", "--", "cat"], "names and paths have to be", "rename the file"),
    (["set", "vm", b"DESCRIPTION=caf\xe9"], "such text has to be", "iconv"),
    (["create", "vm", "--set", b"DESCRIPTION=caf\xe9"], "such text has to be", "iconv"),
    (["sendkey", "vm", "--text", b"caf\xe9"], "such text has to be", "iconv"),
    (["create", "vm", "--image", b"caf\xe9"], "the value of an option has to be", "if it is the name of a file, rename that"),
    (["create", "vm", b"--image=caf\xe9"], "the value of an option has to be", "if it is the name of a file, rename that"),
], ids=lambda value: " ".join(os.fsdecode(word) for word in value) if isinstance(value, list) else "")
def test_what_a_word_that_is_not_utf_8_is_told(host, words, cause, remedy):
    said = subprocess.run([host.binary, *words], capture_output=True, env=host.environment, stdin=subprocess.DEVNULL)
    first, second = said.stderr.decode().splitlines()
    assert said.returncode == 64 and "is not UTF-8, " in first and first.endswith(cause) and remedy in second, said.stderr


def test_the_remedy_for_a_guests_word_is_one():
    """What a shell makes of it."""
    made = subprocess.run(["sh", "-c", 'printf %s "$(printf "caf\\351")"'], capture_output=True, check=True)
    assert made.stdout == b"caf\xe9"


def test_a_name_is_made_where_it_is_found(host):
    made = host.kvmctl("create", "web", "--net", "none", "--disk", "1M").stdout.split()
    assert made == ["created", f"{host.vms}/web/vm.params", "created", f"{host.vms}/web/vdisk0"]
    host.kvmctl("check", "web")
    said = host.kvmctl("create", "web", "--net", "none", expect=73).stderr
    assert f"{host.vms}/web/vm.params" in said
    # Wherever its file is.
    host.write_vm("", "NAME=db", directory=host.vms / "other")
    assert f"{host.vms}/other/vm.params" in host.kvmctl("create", "db", "--net", "none", expect=73).stderr
    assert not (host.vms / "db").exists()


@pytest.mark.parametrize("word, directory", [("./web", "web"), ("sub/", "sub"), (".", ".")])
def test_a_path_is_a_path(host, word, directory):
    here = host.root / "here"
    here.mkdir()
    made = host.execute("sh", "-c", f"cd {here} && {host.binary} create {word} --net none --name vm")
    assert (made.returncode, made.stdout) == (0, f"created {os.path.normpath(here / directory)}/vm.params\n"), made
    assert list(host.vms.iterdir()) == []
    host.kvmctl("check", here / directory / "vm.params")
    if word == ".":
        checked = host.execute("sh", "-c", f"cd {here} && {host.binary} check .")
        assert checked.stdout.startswith("vm: ok")


def test_a_word_that_is_neither(host):
    said = host.kvmctl("create", "my vm", "--net", "none", expect=64).stderr
    assert "such as './my vm'" in said and list(host.vms.iterdir()) == []


def test_the_first_root_that_may_be_written(host):
    more = host.root / "more"
    more.mkdir()
    host.environment["KVMCTL_VMS"] = f"{host.root}/none:{more}:{host.vms}"
    host.kvmctl("create", "web", "--net", "none")
    # A missing root may be a file system that is not mounted: it is not created.
    assert (more / "web/vm.params").exists() and not (host.root / "none").exists()
    host.kvmctl("start", "web", "--dry-run")
    host.environment["KVMCTL_VMS"] = f"{host.root}/none"
    said = host.kvmctl("create", "x", "--net", "none", expect=66).stderr
    assert f"mkdir -p {host.root}/none" in said


def test_a_users_own_root_is_made(rootless_host):
    host = rootless_host
    del host.environment["KVMCTL_VMS"]
    home = host.root / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    host.environment["HOME"] = str(home)
    planned = host.kvmctl("create", "web", "--net", "user", "--dry-run").stdout
    assert planned.startswith(f"create {home}/vms\n") and not (home / "vms").exists()
    # A failed create leaves no root behind.
    host.kvmctl("create", "web", "--net", "user", "--memory", "0", expect=64)
    assert not (home / "vms").exists()
    made = host.kvmctl("create", "web", "--net", "user", "--disk", "1M").stdout.splitlines()
    assert made == [f"created {home}/vms{rest}" for rest in ("", "/web/vm.params", "/web/vdisk0")]
    assert host.kvmctl("list").stdout.splitlines()[1].startswith("web ")
    host.kvmctl("check", "web")
    assert host.kvmctl("create", "db", "--net", "user").stdout == f"created {home}/vms/db/vm.params\n"


def test_a_link_is_no_second_vm(host):
    host.write_firmware_vm("web", ACCEL="tcg")
    (host.vms / "alias").symlink_to("web")
    (host.vms / "a.params").symlink_to(host.vms / "web/vm.params")
    assert [(vm["name"], vm["params"]) for vm in host.json("list")] == [("web", f"{host.vms}/web/vm.params")]
    for word in ("web", "alias", f"{host.vms}/alias/", f"{host.vms}/alias/vm.params", f"{host.vms}/a.params"):
        [shown] = host.json("show", word)
        assert (shown["name"], shown["params"]) == ("web", f"{host.vms}/web/vm.params"), word
    host.kvmctl("start", "alias")
    assert "already running" in host.kvmctl("start", "web").stdout
    assert host.json("stop", "--all", "--now")[0]["name"] == "web"
    # A VM with a NAME in its file is not listed twice.
    host.write_firmware_vm("db", NAME="data")
    (host.vms / "old-db").symlink_to(host.vms / "db")
    assert host.show("data")["params"] == f"{host.vms}/db/vm.params"


def test_a_vm_that_only_a_link_leads_to(host):
    elsewhere = host.root / "elsewhere"
    host.write_firmware_vm("web", directory=elsewhere)
    (host.vms / "web").symlink_to(elsewhere)
    assert host.show("web")["params"] == f"{host.vms}/web/vm.params"


@pytest.mark.parametrize("words, said", [
    (["boot_from_cd"], "boot_from_cd: the ISO to boot from has to come before it"),
    (["/none.iso"], "the ISO: /none.iso does not exist"), (["/none.iso", "boot_from_cd"], "the ISO: /none.iso does not exist"),
    (["", "boot_from_cd"], "an argument is empty"), (["a.iso", "boot"], "can only be boot_from_cd"),
])
def test_the_old_command_speaks_of_no_options(host, words, said):
    params = host.write_firmware_vm("vm")
    result = host.execute(host.old_command, params, *words)
    assert result.returncode == (66 if "exist" in said else 64) and said in result.stderr
    assert "--" not in result.stderr and host.qemus() == []

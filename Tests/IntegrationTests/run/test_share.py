"""`SHAREn`: directories of the host that a guest mounts, and the servers that go with it."""

import contextlib
import os
import signal
from pathlib import Path

from rig.documented import assert_documented
from rig.fake import fake_qemu
from rig.faults import strike, system_calls, was_killed
from rig.process import Process
from rig.terminal import run_inside
from rig.waiting import wait_until


def servers(host):
    """The processes of each virtiofsd, two each: one waits for the other, which serves. Both have namespaces of their own."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(host.root) in (entry / "mountinfo").read_text():
                found.append(Process(entry.name))
        except OSError:
            continue  # it ended meanwhile
    return [process for process in found if (process.executable or "").endswith("/virtiofsd")]


def pids(host):
    return sorted(process.pid for process in servers(host))


def none_is_left(host):
    wait_until(lambda: not servers(host), lambda: f"end of {servers(host)}")


def shared(host, name, *names, words="", **keys):
    """A VM that shares directories of these names beside its file."""
    directories = {}
    for number, entry in enumerate(names):
        directory, _, rest = entry.partition(":")
        (host.vms / name / directory).mkdir(parents=True, exist_ok=True)
        directories[f"SHARE{number}"] = f"{directory}:{''.join(filter(str.isalnum, directory))}" + (f":{rest}" if rest else "")
    return host.write_tiny_vm(name, words, **directories, **keys)


def test_a_guest_reads_and_writes(host):
    shared(host, "vm", "data", "odd,=name", "fixed:ro", words="tiny.share=data")
    at = host.vms / "vm"
    (at / "data/hello").write_text("from the host\n")
    os.chown(at / "data/hello", 1234, 1235)
    (at / "fixed/kept").write_text("kept\n")
    planned = host.kvmctl("start", "vm", "--dry-run").stdout
    assert f"share {at}/fixed, tag fixed, read-only: /usr/" in planned and "memory-backend-memfd" in planned
    assert "the server of SHAREn (data), the server" in host.kvmctl("explain", "vm", "--shell", expect=69).stderr
    assert not servers(host)
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    said, code = run_inside(host, "vm", "cat /mnt/hello && stat -c %u:%g /mnt/hello")
    assert code == 0 and "from the host" in said and "1234:1235" in said
    said, code = run_inside(host, "vm", "echo guest >/mnt/new && chown 1500 /mnt/new && chmod 640 /mnt/new")
    assert code == 0, said
    new = (at / "data/new").stat()
    assert (new.st_uid, new.st_gid, new.st_mode & 0o777, (at / "data/new").read_text()) == (1500, 0, 0o640, "guest\n")

    # Whatever the guest asks for, and although its root is the host's.
    said, code = run_inside(host, "vm", "mkdir /fixed /odd; mount -t virtiofs -o rw fixed /fixed && cat /fixed/kept")
    assert code == 0 and "kept" in said
    for attempt in ("echo x >/fixed/new", "echo x >/fixed/kept", "rm /fixed/kept", "chmod 777 /fixed/kept"):
        said, code = run_inside(host, "vm", attempt)
        assert code != 0 and "Read-only file system" in said, f"{attempt}: {said}"
    assert [path.name for path in (at / "fixed").iterdir()] == ["kept"]
    # A link leads where it leads in the guest.
    (at / "data/link").symlink_to("/etc/shadow")
    said, code = run_inside(host, "vm", "cat /mnt/link; mount -t virtiofs oddname /odd && echo y >/odd/y")
    assert code == 0 and "No such file" in said and (at / "odd,=name/y").exists()

    [vm] = host.json("show", "vm")
    assert_documented([vm])
    assert vm["shares"][2] == {"key": "SHARE2", "path": f"{at}/fixed", "tag": "fixed", "readOnly": True, "served": True}
    assert "SHARE2" in host.kvmctl("show", "vm").stdout
    refused = host.kvmctl("suspend", "vm", expect=75).stderr
    assert "SHARE0, SHARE1, SHARE2" in refused and "kvmctl stop" in refused
    host.kvmctl("suspend", "vm", "--dry-run", expect=75)
    assert host.state("vm") == "running"
    # The guest boots anew, with the same servers.
    before = pids(host)
    host.kvmctl("reset", "vm")
    wait_until(lambda: host.console_log("vm").count("tiny: share data") == 2, "second boot", timeout=90)
    assert run_inside(host, "vm", "cat /mnt/hello")[1] == 0 and pids(host) == before


def test_what_is_mounted_below_is_read_only_too(host):
    host.use_own_mounts()
    shared(host, "vm", "fixed:ro", words="tiny.share=fixed")
    (host.vms / "vm/fixed/below").mkdir()
    assert host.execute("mount", "-t", "tmpfs", "none", host.vms / "vm/fixed/below").returncode == 0
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    said, code = run_inside(host, "vm", "ls /mnt/below && echo x >/mnt/below/x")
    assert code != 0 and "Read-only file system" in said
    # What comes later would be writable: the guest does not get to see it.
    (host.vms / "vm/fixed/below").exists()
    assert host.execute("mount", "-t", "tmpfs", "none", host.vms / "vm/fixed").returncode == 0
    assert run_inside(host, "vm", "ls -d /mnt/below && ! echo x >/mnt/x")[1] == 0


def test_the_servers_go_with_their_vm(host):
    for end in ("kill", "stop"):
        shared(host, "vm", "a", "b:ro", MEMORY=64)
        host.kvmctl("start", "vm")
        assert len(servers(host)) == 4
        if end == "kill":
            host.qemu().kill()
        else:
            host.kvmctl("stop", "--now", "vm")
        none_is_left(host)
    # A start that fails.
    shared(host, "vm", "a", "b:ro", QEMUARG0="-device", QEMUARG1="no-such-device")
    assert "no-such-device" in host.kvmctl("start", "vm", expect=69).stderr
    none_is_left(host)
    shared(host, "vm", "a", QEMU=fake_qemu(host, "exit 1\n"))
    host.kvmctl("start", "vm", expect=69)
    none_is_left(host)


def test_a_server_that_ended_is_seen(host):
    shared(host, "vm", "a", "b:ro", MEMORY=64)
    host.kvmctl("start", "vm")
    assert "the server of" not in host.kvmctl("doctor", "vm", expect=None).stdout
    for server in servers(host):
        with contextlib.suppress(ProcessLookupError):  # one of the two ended with the other
            os.kill(server.pid, signal.SIGKILL)
    none_is_left(host)
    said = host.kvmctl("doctor", "vm", expect=69).stdout
    shown = host.kvmctl("show", "vm").stdout
    assert shown.count(", its server has ended: restart the VM\n") == 2
    assert [share["served"] for share in host.show("vm")["shares"]] == [False, False]
    assert "the server of SHARE0, SHARE1 has ended" in said and "kvmctl restart vm" in said


def test_who_may_enter_is_said(host):
    """What the guest's root makes setuid, root of the host runs."""
    shared(host, "vm", "open", "closed", "read:ro")
    (host.vms / "vm/closed").chmod(0o700)
    for directory in [host.root, host.vms, host.vms / "vm", host.vms / "vm/open", host.vms / "vm/read"]:
        directory.chmod(0o755)
    said = host.kvmctl("check", "vm").stdout
    assert f"SHARE0: any local account may enter {host.vms}/vm/open" in said
    assert "SHARE1: any" not in said and "SHARE2: any" not in said
    host.root.chmod(0o700)
    assert "any local account" not in host.kvmctl("check", "vm").stdout


def test_kvmctl_is_killed_before_qemu_has_the_connection(host):
    host.write_firmware_vm("vm", SHARE0="a:a")
    (host.vms / "vm/a").mkdir()
    calls = system_calls(host, "start", "vm", since='sun_path=@')
    host.kvmctl("stop", "--now", "vm")
    last = next(number for number, (name, _) in enumerate(calls) if name == "connect" and number > 3)
    for call in calls[1:last:max(1, last // 8)]:
        result = strike(host, call, "signal=SIGKILL", "start", "vm")
        if was_killed(result):
            for qemu in host.qemus():
                qemu.kill()
        else:
            host.kvmctl("stop", "--now", "vm")
        none_is_left(host)
    host.kvmctl("start", "vm")
    assert len(servers(host)) == 2


def test_the_foreground(host):
    shared(host, "vm", "data", words="tiny.share=data")
    start = host.popen(host.binary, "start", "--foreground", "vm")
    host.wait_console("vm", "tiny: share data")
    assert len(servers(host)) == 2
    start.send_signal(signal.SIGTERM)
    start.communicate(timeout=30)
    none_is_left(host)


def test_what_is_refused(host, rootless_host):
    host.write_firmware_vm("vm", SHARE0="/no/such:tag")
    for command in ("start", "check"):
        assert "SHARE0: /no/such does not exist" in host.kvmctl(command, "vm", expect=66).stderr
    (host.vms / "vm/file").write_text("")
    host.write_firmware_vm("vm", SHARE0="file:tag")
    assert "file is not a directory" in host.kvmctl("start", "vm", expect=65).stderr
    theirs = host.vms / "vm/theirs"
    theirs.mkdir()
    os.chown(theirs, 1000, 1000)
    host.write_firmware_vm("vm", SHARE0="theirs:tag")
    assert "root uses only what nobody else can change" in host.kvmctl("start", "vm", expect=77).stderr
    assert not servers(host)

    # A suspended VM does not go on with other hardware.
    host.write_firmware_vm("saved")
    host.kvmctl("start", "saved")
    host.kvmctl("suspend", "saved")
    (host.vms / "saved/a").mkdir()
    host.write_firmware_vm("saved", SHARE0="a:a")
    assert "SHARE0 was not there" in host.kvmctl("start", "saved", expect=75).stderr
    host.kvmctl("start", "saved", "--discard-suspended")
    # Only the next start makes a change hold.
    assert "next start" in host.kvmctl("set", "saved", "SHARE0=a:b:ro").stdout
    assert "SHARE0" in host.kvmctl("diff", "saved", expect=None).stdout

    user = rootless_host
    user.write_firmware_vm("vm", NET0="user", SHARE0=".:own")
    assert "only root can share a directory" in user.kvmctl("start", "vm", expect=77).stderr


def test_a_guest_does_not_decide_what_root_does(host):
    """What the VM's next start reads or runs, or what tells root's kvmctl where to look, is not written to by a guest."""
    (host.vms / "vm/sub").mkdir(parents=True)
    (host.vms / "far").mkdir()
    (host.root / "own").mkdir()
    (host.root / "more.params").write_text("TAGS=x\n")
    (host.root / "link").symlink_to(host.vms)
    for directory, control in {
        ".": host.vms / "vm/vm.params", "..": host.vms / "vm/vm.params", host.root / "link": host.vms / "vm/vm.params",
        host.run: host.run, "/etc": "/etc", "/usr": "/usr", host.root: host.vms / "vm/vm.params",
    }.items():
        host.write_tiny_vm("vm", SHARE0=f"{directory}:data")
        for command in ("check", "start"):
            refused = host.kvmctl(command, "vm", expect=77).stderr
            assert "the guest could write to " in refused and "decide what root does here" in refused, (directory, refused)
            assert f"{control}" in refused, (directory, refused)
        host.write_tiny_vm("vm", SHARE0=f"{directory}:data:ro")
        assert "could write" not in host.kvmctl("check", "vm", expect=None).stderr
    # The paths in its file, as far as a link could take their place; another share is one of them.
    own = f"{host.root}/own"
    for keys, control in [
        ({"DISK0": f"{own}/disk", "DISK0_SIZE": "1M"}, f"{own}/disk"),
        ({"SHARE1": f"{own}/sub:sub:ro"}, own),
        ({"INCLUDE": f"{own}/more.params"}, f"{own}/more.params"),
    ]:
        (host.root / "own/sub").mkdir(exist_ok=True)
        (host.root / "own/more.params").write_text("TAGS=x\n")
        host.write_tiny_vm("vm", SHARE0=f"{own}:data", **keys)
        assert f"the guest could write to {control} through {own}" in host.kvmctl("check", "vm", expect=77).stderr
    # What lies beside is the guest's.
    host.write_tiny_vm("vm", SHARE0="sub:data", SHARE1=f"{own}:own")
    host.kvmctl("check", "vm")

"""`exec`: commands in a guest, through its agent."""

import hashlib
import json
import os
import select
import signal
import socket
import subprocess
import threading
import time

from rig.inside import PATIENCE, agents_guest, begin, boot, is_running, left, run
from rig.terminal import BareTerminal, spawn, wait_for_exit
from rig.waiting import wait_until

def test_what_goes_through(host):
    agents_guest(host)
    assert run(host, "sh", "-c", "echo out; echo err >&2; exit 7") == (7, b"out\n", b"err\n")
    # A name of the stream, as many a script has it, is no file that would be cut.
    assert run(host, "sh", "-c", "echo one; echo two >/proc/self/fd/1; echo three")[1] == b"one\ntwo\nthree\n"
    for code in 0, 1, 125, 126, 255:
        assert run(host, "sh", "-c", f"exit {code}") == (code, b"", b"")
    assert run(host, "sh", "-c", "kill -KILL $$")[0] == 128 + signal.SIGKILL
    # Only programs, and no shell's own words.
    for word in "exit", "nosuch":
        code, _, err = run(host, word, "3")
        assert code == 127 and b"not found" in err
    # The message is about the word alone, and a whole command line as one word is known for what it is.
    for options in [], ["--user", "root"]:
        if options:
            run(host, "sh", "-c", "mkdir -p /etc; echo 'root:x:0:0::/:/bin/sh' >/etc/passwd")
        code, out, err = run(host, "ls / | wc -l", options=options)
        assert (code, out) == (127, b"") and err.splitlines() == [
            b"ls / | wc -l: not found",
            b"kvmctl: that one word is looked up as a program; a shell takes it apart: `kvmctl exec vm -- sh -c 'ls / | wc -l'`"]
    assert run(host, "nosuch")[1:] == (b"", b"nosuch: not found\n")
    run(host, "sh", "-c", "rm /etc/passwd; echo x >/plain")
    assert run(host, "/plain")[0] == 126
    # docker's -i, with which a terminal is asked for.
    assert run(host, "cat", options=["-i"], data=b"in") == (0, b"in", b"")
    odd = ["", "a b", "'", '"', "$HOME", "`id`", "*", "\\", "-n", "--", "\n", "é\u202e"]
    assert run(host, "printf", "[%s]", *odd)[1].decode() == "".join(f"[{word}]" for word in odd)

    environment = run(host, "sh", "-c", 'pwd; echo "$A|$B|$HOME"; umask', options=["--cwd", "/run", "-e", "A=1  2", "-e", "B=*"])
    assert environment[1].decode().splitlines() == ["/run", "1  2|*|/", "0022"]
    code, out, err = run(host, "pwd", options=["--cwd", "/nosuch"])
    assert (code, out) == (125, b"") and b"no directory /nosuch" in err

    run(host, "sh", "-c", "mkdir -p /etc /home/u; echo 'u:x:1000:1000::/home/u:/bin/sh' >/etc/passwd; echo 'u:x:1000:' >/etc/group")
    assert run(host, "sh", "-c", "id -u; pwd; echo $HOME; echo \"$1\"", "sh", "-c x", options=["--user", "u"])[1] == (
        b"1000\n/home/u\n/home/u\n-c x\n")
    # Its streams are its own, by their names too.
    assert run(host, "sh", "-c", "echo out >/proc/self/fd/1; echo err >/proc/self/fd/2", options=["--user", "u"]) == (0, b"out\n", b"err\n")

    assert run(host, "sh", "-c", "id -un; echo $HOME", options=["--user", "1000"])[:2] == (0, b"u\n/home/u\n")
    named = run(host, "sh", "-c", 'echo "$HOME|$USER"', options=["--user", "u", "-e", "HOME=/x", "-e", "USER=y"])
    assert named[1] == b"/x|y\n"
    for user in "nosuch", "1001":
        code, out, err = run(host, "id", options=["--user", user])
        assert (code, out) == (125, b"") and f"no user '{user}'".encode() in err

    # One file for both streams keeps their order.
    both = run(host, "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do echo $i; echo -$i >&2; done", stderr=subprocess.STDOUT)[1]
    assert both.decode().split() == [f"{sign}{i}" for i in range(1, 10) for sign in ("", "-")]
    # What a command leaves behind is not waited for.
    assert run(host, "sh", "-c", "sleep 1000 & echo begun")[:2] == (0, b"begun\n")
    wait_until(lambda: left(host) == 0, "tidy directory in the guest")

    for words, message in [
        (["vm"], "which command?"), (["vm", "--user", "u"], "--user follows the VM"), (["--env", "1=2", "vm", "--", "id"], "is not a variable"),
        (["--user=-x", "vm", "--", "id"], "is not a user's name"),
    ]:
        assert message in host.kvmctl("exec", *words, expect=64).stderr
    directory = os.open("/", os.O_RDONLY)
    code, _, err = run(host, "cat", stdin=directory)
    assert code == 125 and b"stdin: can't be read" in err
    os.close(directory)
    for vm in "nosuch", "off":
        host.write_firmware_vm("off")
        assert host.kvmctl("exec", vm, "--", "true", expect=125).stderr.startswith("kvmctl: ")


def test_much_both_ways_and_two_at_once(host):
    agents_guest(host)
    data = os.urandom(20 << 20)
    digest = hashlib.md5(data).hexdigest()
    code, out, _ = run(host, "tee", "/copy", data=data)
    assert (code, hashlib.md5(out).hexdigest()) == (0, digest)
    assert run(host, "md5sum", "/copy")[1].decode().split()[0] == digest

    # Others have their turn meanwhile, and whoever reads slowly keeps nobody waiting.
    slow = begin(host, "cat", "/copy")
    wait_until(lambda: select.select([slow.stdout], [], [], 0)[0], "output")
    assert run(host, "echo", "hello")[1] == b"hello\n"
    assert host.kvmctl("thaw", "vm").stdout == "vm: already thawed\n"
    many = [begin(host, "sh", "-c", "sleep 5; echo done") for _ in range(6)]
    for _ in range(3):
        assert host.kvmctl("thaw", "vm").stdout == "vm: already thawed\n"
    assert [one.communicate(timeout=PATIENCE)[0] for one in many] == [b"done\n"] * 6
    assert hashlib.md5(slow.communicate(timeout=PATIENCE)[0]).hexdigest() == digest

    # Nor does the time that it writes for count as the command's.
    writing = "(for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do echo $i; sleep 0.2; done) & exit 7"
    assert run(host, "sh", "-c", writing, options=["--timeout", "1s"])[0] == 7

    # While it runs: the answer comes before the input ends.
    talk = begin(host, "sh", "-c", "while read -r line; do echo \"<$line>\"; done; echo end", stdin=subprocess.PIPE)
    for line in b"one\n", b"two\n":
        talk.stdin.write(line)
        talk.stdin.flush()
        assert talk.stdout.readline() == b"<" + line[:-1] + b">\n"
    assert talk.communicate(timeout=PATIENCE)[0] == b"end\n"
    # Nobody reads it.
    assert run(host, "true", data=data)[0] == 0
    wait_until(lambda: left(host) == 0, "tidy directory in the guest")


def test_ends(host):
    agents_guest(host)
    code, out, err = run(host, "sh", "-c", "echo begun; sleep 1001; echo never", options=["--timeout", "1s"])
    assert (code, out) == (124, b"begun\n") and b"longer than 1 s" in err
    for number, expected in (signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129):
        process = begin(host, "sh", "-c", "echo begun; exec sleep 1001")
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(number)
        assert process.wait(timeout=PATIENCE) == expected
    # Also while it leaves input unread, of which there is no end.
    with open("/dev/zero", "rb") as endless:
        process = begin(host, "sh", "-c", "echo begun; exec sleep 1001", stdin=endless)
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 143
        assert run(host, "sleep", "1001", stdin=endless, options=["--timeout", "1s"])[0] == 124
    # One that does not listen is killed after a while; Ctrl-C alone leaves it the choice.
    process = begin(host, "sh", "-c", "trap 'echo caught' INT; trap '' TERM; echo begun; while sleep 0.1; do :; done")
    assert process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == b"caught\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE) == 137
    # A reader that is gone.
    process = begin(host, "yes")
    assert process.stdout.readline() == b"y\n"
    process.stdout.close()
    assert process.wait(timeout=PATIENCE) == 141
    with open("/dev/full", "wb") as full:
        code, _, err = run(host, "yes", stdout=full)
    assert code == 125 and b"stdout: can't be written" in err and b"No space left" in err
    wait_until(lambda: not is_running(host, "sleep 1001") and not is_running(host, "yes"), "end of the commands")
    wait_until(lambda: left(host) == 0, "tidy directory in the guest")
    # Killed, it leaves the command alone.
    process = begin(host, "sh", "-c", "echo begun; sleep 3; echo >/done")
    assert process.stdout.readline() == b"begun\n"
    process.kill()
    wait_until(lambda: run(host, "test", "-e", "/done")[0] == 0, "end of the command")


def test_terminal(host):
    agents_guest(host)
    assert run(host, "test", "-d", "/dev/pts")[0] == 1
    code, out, err = run(host, "sh", options=["-t"])
    assert (code, out) == (125, b"") and b"takes script(1) and /dev/pts" in err
    assert run(host, "sh", "-c", "mkdir -p /dev/pts && mount -t devpts devpts /dev/pts")[0] == 0
    terminal = spawn(host, "exec", "-it", "vm", "--", "sh", "-c", "stty size; tty; read -r line; echo \"<$line>\"; exit 3")
    terminal.expect(r"24 200\r\n/dev/")
    terminal.sendline("typed")
    terminal.expect("<typed>")
    wait_for_exit(terminal, expect=3)

    # The command hears a signal itself, and tells how it ended.
    handler = begin(host, "sh", "-c", "trap 'echo told; exit 9' TERM; echo begun; while :; do sleep 1; done", options=["-t"])
    assert handler.stdout.readline() == b"begun\r\n"
    handler.terminate()
    # Its shell may tell of its child, which was ended too.
    assert handler.communicate(timeout=PATIENCE)[0].endswith(b"told\r\n") and handler.returncode == 9
    for number in signal.SIGINT, signal.SIGHUP:
        sleeper = begin(host, "sh", "-c", "echo begun; exec sleep 1002", options=["-t"])
        assert sleeper.stdout.readline() == b"begun\r\n"
        sleeper.send_signal(number)
        assert (sleeper.communicate(timeout=PATIENCE), sleeper.returncode) == ((b"", b""), 128 + number)

    # Ended from outside, it ends the command, and leaves the terminal as it was.
    bare = BareTerminal(host, "exec", "-t", "vm", "--", "sleep", "1002")
    bare.wait_until_raw()
    wait_until(lambda: is_running(host, "sleep 1002"), "command")
    [kvmctl] = host.kvmctls()
    os.kill(kvmctl.pid, signal.SIGTERM)
    assert bare.process.wait(timeout=PATIENCE) == 128 + signal.SIGTERM
    assert bare.modes() == bare.modes_before
    assert not is_running(host, "sleep 1002")
    bare.close()


def test_a_reader_that_takes_its_time(host):
    """The command waits for it, as for any reader of its pipe: nothing is lost, however much it has to say."""
    agents_guest(host)
    process = begin(host, "sh", "-c", "head -c 80000000 /dev/zero; echo END; exit 7")
    time.sleep(5)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, len(out), out[-4:]) == (7, 80_000_004, b"END\n"), err


def test_what_passes_the_output_on_is_killed(host):
    agents_guest(host)
    code, _, err = run(host, "sh", "-c", "until pidof cat; do sleep 0.1; done; killall -9 cat; sleep 3; exit 7")
    assert code == 125 and b"what passes it on was ended in the guest by signal 9" in err


def test_time_is_up_while_the_vm_is_paused(host):
    """Nobody in it can be told to end: that is said, and no request to the agent waits beyond the time."""
    agents_guest(host)
    process = begin(host, "sh", "-c", "echo begun; sleep 1003", options=["--timeout", "2s"])
    assert process.stdout.readline() == b"begun\n"
    host.kvmctl("pause", "vm")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 124
    assert b"the command took longer than 2 s, and goes on when the VM does, which is paused" in err
    host.kvmctl("resume", "vm")
    assert is_running(host, "sleep 1003")


def test_guest_that_goes_away(host):
    agents_guest(host)
    for command, message in [("pkill qemu-ga || killall qemu-ga", "guest agent"), ("reboot -f", "rebooted")]:
        process = begin(host, "sh", "-c", f"echo begun; sleep 1; {command}; sleep 1000")
        assert process.stdout.readline() == b"begun\n"
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 125 and message in err.decode(), err
        if command.startswith("pkill"):
            host.kvmctl("reset", "vm")
        wait_until(lambda: host.kvmctl("exec", "vm", "--", "true", expect=None).returncode == 0, "agent", timeout=90)
    process = begin(host, "sh", "-c", "echo begun; sleep 1000")
    assert process.stdout.readline() == b"begun\n"
    host.kvmctl("pause", "vm")
    assert b"paused" in run(host, "true")[2]
    host.kvmctl("resume", "vm")
    host.kvmctl("stop", "--now", "vm")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 125 and b"it has ended" in err, err


class FakeAgent(threading.Thread):
    """An agent on the host's end of the channel, which answers as `lie` says, else as one whose command never ends."""

    def __init__(self, host, name, lie):
        super().__init__(daemon=True)
        self.lie = lie
        path = host.run / "vms" / name / "agent.sock"
        path.unlink()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.start()

    def run(self):
        while True:
            client = self.listener.accept()[0]
            try:
                for line in client.makefile("rb"):
                    command = json.loads(line.lstrip(b"\xff"))
                    client.sendall(self.answer(command))
            except OSError:
                pass

    def answer(self, command):
        name = command["execute"]
        if name == "guest-sync-delimited":
            return b"\xff" + json.dumps({"return": command["arguments"]["id"]}).encode() + b"\n"
        lie = self.lie(name, command.get("arguments", {}))
        if isinstance(lie, bytes):
            return lie
        usual = {
            "guest-file-open": 1, "guest-exec": {"pid": 1}, "guest-exec-status": {"exited": False},
            "guest-file-read": {"count": 0, "buf-b64": "", "eof": True},
        }
        return json.dumps({"return": usual.get(name, {}) if lie is None else lie}).encode() + b"\n"


class SeekingAgent(FakeAgent):
    """One that loses an answer as qemu-ga does, if more has come by then than it reads at a time. Its commands end at once."""

    def __init__(self, host, name):
        self.lost = 0
        super().__init__(host, name, lambda name, _: {"exited": True, "exitcode": 0} if name == "guest-exec-status" else None)

    def run(self):
        while True:
            client = self.listener.accept()[0]
            client.settimeout(PATIENCE)
            pending = b""
            try:
                while chunk := client.recv(1 << 20):
                    pending += chunk
                    while select.select([client], [], [], 0.02)[0] and (chunk := client.recv(1 << 20)):
                        pending += chunk
                    pending = self.obey(client, pending)
            except OSError:
                pass

    def obey(self, client, pending):
        """Reads in pieces, and answers each command that is complete."""
        text, rest = b"", pending
        while rest:
            text, rest = text + rest[:4096], rest[4096:]
            while (start := text.find(b"{")) >= 0:
                try:
                    command, end = json.JSONDecoder().raw_decode(text[start:].decode(errors="replace"))
                except ValueError:
                    break
                text = text[start:].decode(errors="replace")[end:].encode()
                if rest:
                    self.lost += 1
                else:
                    client.sendall(self.answer(command))
        return text.lstrip(b"\xff\n")


def test_agent_that_reads_ahead(host):
    """No command is sent to it while an answer to another, which it would lose, is outstanding."""
    host.write_tiny_vm("vm", "tiny.agent=hung", INITRD=host.guests / "initrd-agent.gz")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    agent = SeekingAgent(host, "vm")
    for size in 10, 1000, 3000, 3400, 3500, 4095, 4096, 8190, 100_000:
        code, _, err = run(host, "true", "x" * size)
        # The fake tells no exit code, only that the script has ended.
        assert code == 125 and b"its shell in the guest was ended" in err, (size, code, err)
    assert agent.lost == 0


def test_agent_that_lies(host):
    host.write_tiny_vm("vm", "tiny.agent=hung", INITRD=host.guests / "initrd-agent.gz")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    deep = b'{"return": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    lies = {
        "a process that nobody knows": lambda name, _: (
            b'{"error": {"class": "GenericError", "desc": "Invalid parameter \'pid\'"}}\n'
            if name == "guest-exec-status" else None),
        "a pid that is none": lambda name, _: {"pid": "1; reboot"} if name == "guest-exec" else None,
        "more than was asked for": lambda name, _: (
            {"count": 3 << 20, "buf-b64": "QUFB" * (1 << 18), "eof": False} if name == "guest-file-read" else None),
        "no base64": lambda name, _: {"count": 4, "buf-b64": "\x1b[2J", "eof": False} if name == "guest-file-read" else None,
        "deep JSON": lambda name, _: deep if name == "guest-file-read" else None,
        "a line without end": lambda name, _: b"x" * (5 << 20) if name == "guest-file-read" else None,
        "silence": lambda name, _: b"" if name == "guest-file-read" else None,
    }
    for lie in lies.values():
        FakeAgent(host, "vm", lie)
        code, out, err = run(host, "true", options=["--timeout", "30s"])
        # 124 is for a command that took too long, which none of them is known to have done.
        assert code == 125 and out == b"" and err.startswith(b"kvmctl: vm: ") and b"\x1b" not in err, (code, out, err)

    # Output without end goes to whoever wants it, and costs no memory here.
    FakeAgent(host, "vm", lambda name, arguments: (
        {"count": arguments["count"], "buf-b64": "QUFB" * (arguments["count"] // 3), "eof": False}
        if name == "guest-file-read" and arguments["count"] % 3 == 0 else None))
    assert run(host, "true", options=["--timeout", "2s"])[0] == 124

"""`exec --serial`: commands in a guest without an agent, through the shell on its serial console."""

import hashlib
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import termios
import threading

import pytest

from rig.terminal import console, spawn, wait_for_exit
from rig.waiting import wait_until

PATIENCE = 120
# A kernel that writes to the console ten times a second, until it is told to stop.
NOISE = "(while [ ! -e /quiet ]; do echo \"noise with some words in it\" >/dev/kmsg; usleep 100000; done) >/dev/null 2>&1 </dev/null &"


def boot(host, words="", name="vm", until="tiny: up", **keys):
    host.write_tiny_vm(name, words, **keys)
    host.kvmctl("start", name)
    host.wait_console(name, until)


def begin(host, *words, vm="vm", options=(), **streams):
    """`exec --serial` as a process."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.Popen(
        host.command(host.binary, "exec", "--serial", *options, vm, "--", *words), env=host.environment, cwd=host.root, bufsize=0,
        **streams)


def run(host, *words, data=None, **options):
    """`exec --serial`, with these bytes as its input."""
    options.setdefault("stdin", subprocess.DEVNULL if data is None else subprocess.PIPE)
    process = begin(host, *words, **options)
    out, err = process.communicate(data, timeout=PATIENCE)
    return process.returncode, out, err


def assert_as_found(host):
    """The console has its shell, with echo, and nothing of ours is left in the guest."""
    with console(host, "vm") as terminal:
        terminal.sendline("echo left-$((1 + 1)); ls -A /run /dev/shm /tmp / 2>/dev/null | grep kvmctl; ps | grep -c '[s]leep 1001'")
        terminal.expect(r"echo left-\$.*left-2\r\n(.*)0\r\n")
        assert "kvmctl" not in terminal.match.group(1)


def test_what_goes_through(host):
    boot(host)
    assert run(host, "sh", "-c", "echo out; echo err >&2; exit 7") == (7, b"out\n", b"err\n")
    assert run(host, "sh", "-c", "exit 255") == (255, b"", b"")
    assert run(host, "sh", "-c", "kill -KILL $$")[0] == 128 + signal.SIGKILL
    code, _, err = run(host, "nosuch")
    assert code == 127 and b"nosuch" in err
    odd = ["", "a b", "'", '"', "$HOME", "`id`", "*", "\\", "\\n", "%s", "-n", "--", "\n", "é\u202e"]
    assert run(host, "printf", "[%s]", *odd)[1].decode() == "".join(f"[{word}]" for word in odd)
    code, out, _ = run(
        host, "sh", "-c", 'pwd; echo "$A|$B|$HOME"; umask', options=["--cwd", "/proc", "-e", "A=1  2", "-e", "B=*"])
    assert out.decode().splitlines() == ["/proc", "1  2|*|/", "0022"]
    code, out, err = run(host, "pwd", options=["--cwd", "/nosuch"])
    assert (code, out) == (125, b"") and b"no directory /nosuch" in err
    both = run(host, "sh", "-c", "for i in 1 2 3 4 5; do echo $i; echo -$i >&2; done", stderr=subprocess.STDOUT)[1]
    assert both.decode().split() == [f"{sign}{i}" for i in range(1, 6) for sign in ("", "-")]
    # What a command leaves behind is not waited for, and ends the console's use all the same.
    assert run(host, "sh", "-c", "sleep 1002 & echo begun")[:2] == (0, b"begun\n")

    # While it runs: the answer comes before the input ends.
    talk = begin(host, "sh", "-c", "while read -r line; do echo \"<$line>\"; done; echo end", stdin=subprocess.PIPE)
    for line in b"one\n", b"two\n":
        talk.stdin.write(line)
        assert talk.stdout.readline() == b"<" + line[:-1] + b">\n"
    assert talk.communicate(timeout=PATIENCE)[0] == b"end\n"

    code, out, err = run(host, "id", options=["--user", "nosuch"])
    assert (code, out) == (125, b"") and b"the guest has no user 'nosuch'" in err, err
    assert "is not a user's name" in host.kvmctl("exec", "--serial", "--login", ":file", "vm", "--", "id", expect=64).stderr
    for options, message in [(["-t"], "no terminal"), (["--login", "root"], None)]:
        serial = ["--serial"] if message else []
        assert (message or "--login is for --serial") in host.kvmctl("exec", *serial, *options, "vm", "--", "id", expect=64).stderr
    host.write_firmware_vm("off")
    assert b"not running" in run(host, "true", vm="off")[2]
    assert_as_found(host)


def test_much_between_messages_of_the_kernel(host):
    boot(host)
    # Without an agent's channel: what the kernel says goes where the output goes.
    assert run(host, "sh", "-c", NOISE)[0] == 0
    data = os.urandom(1 << 20)
    code, out, _ = run(host, "sh", "-c", "head -c 1000000 /dev/urandom >/r; cat /r; md5sum </r >&2", stderr=None)
    assert code == 0 and len(out) == 1_000_000
    digest = run(host, "md5sum", "/r")[1].decode().split()[0]
    assert hashlib.md5(out).hexdigest() == digest
    small = data[:60_000]
    code, out, _ = run(host, "md5sum", data=small)
    assert (code, out.decode().split()[0]) == (0, hashlib.md5(small).hexdigest())
    # Nobody reads it.
    assert run(host, "true", data=data)[0] == 0
    assert run(host, "touch", "/quiet")[0] == 0


def test_ends(host):
    boot(host)
    code, out, err = run(host, "sh", "-c", "echo begun; sleep 1001; echo never", options=["--timeout", "1s"])
    assert (code, out) == (124, b"begun\n") and b"longer than 1 s" in err
    for number, expected in (signal.SIGINT, 130), (signal.SIGTERM, 143):
        process = begin(host, "sh", "-c", "echo begun; exec sleep 1001")
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(number)
        assert process.wait(timeout=PATIENCE) == expected
    process = begin(host, "yes")
    assert process.stdout.readline() == b"y\n"
    process.stdout.close()
    assert process.wait(timeout=PATIENCE) == 141
    assert_as_found(host)

    # Killed, it leaves its script there; the next one, like a person who presses Enter, gets the console back.
    process = begin(host, "sh", "-c", "echo begun; exec sleep 1001")
    assert process.stdout.readline() == b"begun\n"
    process.kill()
    process.wait()
    assert run(host, "sh", "-c", "killall sleep; echo again")[1] == b"again\n"
    assert_as_found(host)


def test_one_at_a_time(host):
    boot(host)
    with console(host, "vm") as terminal:
        terminal.sendline("echo it-is-$((1 + 1))")
        terminal.expect("it-is-2")
        code, _, err = run(host, "true")
        assert code == 125 and b"console is in use" in err
    first = begin(host, "sh", "-c", "echo begun; read -r line; echo \"$line\"", stdin=subprocess.PIPE)
    assert first.stdout.readline() == b"begun\n"
    code, _, err = run(host, "true")
    assert code == 125 and b"another exec --serial" in err
    assert first.communicate(b"done\n", timeout=PATIENCE)[0] == b"done\n"


def test_login(host):
    boot(host, "tiny.login=sesame", until="tiny login:")
    code, _, err = run(host, "id")
    assert code == 125 and b"asks for a login" in err and b"--login USER:FILE" in err
    right, wrong, open_to_all = (host.root / name for name in ("right", "wrong", "open"))
    for file, text in (right, "sesame\nnot this\n"), (wrong, "mellon\n"), (open_to_all, "sesame\n"):
        file.write_text(text)
        file.chmod(0o644 if file is open_to_all else 0o600)
    silent = host.root / "silent"
    os.mkfifo(silent)
    for file, message in (silent, "nobody has written a password"), (wrong, "refused the login of 'root'"), (open_to_all, "everyone on this host"), (host.root / "none", "can't be read"):
        code, _, err = run(host, "id", options=["--login", f"root:{file}"])
        assert code == 125 and message in err.decode(), err
    code, out, err = run(host, "sh", "-c", "id -u; exit 3", options=["--login", f"root:{right}"])
    assert (code, out) == (3, b"0\n"), err
    # Logged out, and the password is nowhere.
    assert b"asks for a login" in run(host, "id")[2]
    assert "sesame" not in host.console_log("vm").replace("tiny.login=sesame", "")
    # A shell that somebody else has left open is not taken for the one that was asked for.
    with console(host, "vm") as terminal:
        terminal.sendline("root")
        terminal.expect("Password:")
        terminal.sendline("sesame")
        terminal.expect("# ")
    assert run(host, "id", "-u")[1] == b"0\n"
    code, _, err = run(host, "id", options=["--login", f"www:{right}"])
    assert code == 125 and b"'root' is logged in on its console" in err


def test_guest_that_goes_away(host):
    boot(host)
    process = begin(host, "sh", "-c", "echo begun; sleep 1; reboot -f")
    assert process.stdout.readline() == b"begun\n"
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 125 and b"rebooted" in err, err
    # From its firmware on it would take longer.
    host.kvmctl("stop", "--now", "vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")

    host.kvmctl("pause", "vm")
    assert b"paused" in run(host, "true")[2]
    host.kvmctl("resume", "vm")
    process = begin(host, "sh", "-c", "echo begun; sleep 1; echo c >/proc/sysrq-trigger; sleep 1000")
    assert process.stdout.readline() == b"begun\n"
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 125 and b"panicked" in err, err
    wait_until(lambda: host.state("vm") == "crashed", "end of the VM")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    process = begin(host, "sh", "-c", "echo begun; sleep 1000")
    assert process.stdout.readline() == b"begun\n"
    host.kvmctl("stop", "--now", "vm")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 125 and b"it has ended" in err, err


def test_no_shell(host):
    # A program has the console, and is not typed at more than Enter.
    boot(host)
    with console(host, "vm") as terminal:
        terminal.sendline("printf 'Continue? '; cat >/typed")
        terminal.expect(r"\nContinue\? ")
    code, _, err = run(host, "true")
    assert code == 125 and b"another program than a shell" in err and b"Continue?" in err, err
    with console(host, "vm") as terminal:
        # Until then Ctrl-C would be kvmctl's.
        wait_until(lambda: not termios.tcgetattr(terminal.child_fd)[3] & termios.ISIG, "raw terminal")
        terminal.sendcontrol("c")
        terminal.expect("# ")
        terminal.sendline("tr -d '\\n' </typed | wc -c")
        terminal.expect(r"\n0\r\n")
    assert run(host, "echo", "again")[1] == b"again\n"


class Console(threading.Thread):
    """The guest's end of a console, played here: the first client of its socket is served."""

    def __init__(self, host, name, serve):
        super().__init__(daemon=True)
        self.serve = serve
        path = host.run / "vms" / name / "serial.sock"
        path.unlink()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.settimeout(PATIENCE)
        self.listener.bind(str(path))
        self.listener.listen()
        self.start()

    def run(self):
        client = self.listener.accept()[0]
        client.settimeout(PATIENCE)
        try:
            self.serve(client)
        except OSError:
            pass


def answering(answer):
    """Answers each line as this function says."""
    def serve(client):
        text = b""
        while byte := client.recv(1):
            text += byte
            if byte == b"\r":
                client.sendall(answer(text))
                text = b""

    return serve


def shell(*words, **environment):
    """A shell of this host's on a terminal."""
    def serve(client):
        child, terminal = pty.fork()
        if child == 0:
            # What it leaves would be left in its own directories.
            private = "for place in /run /dev/shm; do mount -t tmpfs none $place || exit; done; exec env -i \"$@\""
            variables = [f"{name}={value}" for name, value in environment.items()]
            os.execv("/usr/bin/unshare", ["unshare", "--mount", "sh", "-c", private, "sh", *variables, *words])
        try:
            while True:
                ready = select.select([client, terminal], [], [], PATIENCE)[0]
                if not ready:
                    break
                if client in ready:
                    if not (text := client.recv(4096)):
                        break
                    os.write(terminal, text)
                if terminal in ready:
                    client.sendall(os.read(terminal, 4096))
        finally:
            os.close(terminal)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    return serve


@pytest.mark.parametrize("program", ["/bin/bash --norc --noprofile -i", "/bin/dash -i", "/bin/busybox sh -i"])
def test_other_shells(host, program):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    home, tools = host.root / "home", host.root / "tools"
    for directory in home, tools:
        directory.mkdir()
    environment = {"HOME": str(home), "TERM": "vt100", "PS1": "\\u@\\h:\\w\\$ " if "bash" in program else "$ "}
    data = os.urandom(50_000)
    usual = "/usr/sbin:/usr/bin:/sbin:/bin"

    def under(path, *words, **options):
        Console(host, "vm", shell(*program.split(), PATH=str(path), **environment))
        return run(host, *words, **options)

    assert under(usual, "sh", "-c", "cat; echo \"$0\" >&2; exit 9", "a b", data=data) == (9, data, b"a b\n")
    # As few tools as it gets by with: no base64, cksum, setsid, stty.
    for tool in "dd", "head", "id", "mkdir", "mkfifo", "mv", "rm", "od", "md5sum", "sh", "cat", "tr":
        (tools / tool).symlink_to(shutil.which(tool))
    assert under(tools, "cat", data=data[:3000]) == (0, data[:3000], b"")
    (tools / "od").unlink()
    code, _, err = under(tools, "cat")
    # What busybox has inside needs no file.
    assert "busybox" in program or code == 125 and b"lacks" in err and b"base64" in err, (code, err)
    assert not [name for name in os.listdir(home) if "kvmctl" in name]


def test_guest_that_lies(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    token = []

    def lie(text):
        """A shell, whose script tells this about a command that does not end before it is told to."""
        told = []

        def answer(line):
            words = line.decode(errors="replace").split()
            if line == b"\r":
                return b"\r\n# "
            if " sh -c " in line.decode():
                first, last = line.decode().split("ready;")[0].split()[-2:]
                token[:] = [first + last]
                return f"\n@{token[0]} ready .\n".encode()
            if line == b".\r":
                return f"\n@{token[0]} hello b m 0 root .\n".encode()
            if len(words) > 2 and words[1] == "news":
                if told:
                    return f"\n@{token[0]} end {words[2]} .\n".encode()
                return text(token[0], words[2])
            if len(words) > 2 and words[1] == "signal":
                told.append(1)
            if len(words) > 2 and words[1] in ("ping", "signal", "rest", "quit"):
                return f"\n@{token[0]} {'bye' if words[1] == 'quit' else 'done ' + words[2]} .\n".encode()
            return b""
        return answer

    digest = hashlib.md5(b"hello").hexdigest()
    lies = {
        "another run's frames": lambda token, number: f"\n@0123456789abcdef code {number} 0 .\n".encode(),
        "a code that is none": lambda token, number: f"\n@{token} code {number} 1;reboot .\n".encode(),
        "a piece out of turn": lambda token, number: (
            f"\n@{token} data {number} out 7 0 .\naGVsbG8=\n\n@{token} check {number} {digest} .\n".encode()),
        "a line without end": lambda token, number: b"x" * (1 << 20),
        "control sequences": lambda token, number: b"\x1b[2J\x1b]0;title\x07" * 1000,
    }
    for lie_told in lies.values():
        Console(host, "vm", answering(lie(lie_told)))
        code, out, err = run(host, "true", options=["--timeout", "1s"])
        assert code in (124, 125) and out == b"" and err.startswith(b"kvmctl: vm: ") and b"\x1b" not in err, (code, out, err)


def test_terminal_of_ours(host):
    """On a terminal, what is typed is its input, and Ctrl-C is passed on."""
    boot(host)
    terminal = spawn(host, "exec", "--serial", "vm", "--", "sh", "-c", "echo ready; read -r line; echo \"<$line>\"; sleep 1001")
    terminal.expect("ready")
    terminal.sendline("typed")
    terminal.expect("<typed>")
    terminal.sendcontrol("c")
    wait_for_exit(terminal, expect=130)

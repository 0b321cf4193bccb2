"""QEMUs that misbehave, which the real QEMU does not do on demand."""

import textwrap


def fake_qemu(host, body):
    """A QEMU that reports its capabilities, and then runs `body`, in sh, instead of creating a machine."""
    path = host.root / "qemu"
    path.write_text('#!/bin/sh\ncase "$*" in *"-machine none"*) exec qemu-system-x86_64 "$@" ;; esac\n' + body)
    path.chmod(0o755)
    host.root.chmod(0o755)
    return path


MONITOR = """
import json, re, socket, sys

number = next(re.search(r"fd=(\\d+)", word)[1] for word in sys.argv if word.startswith("socket,id=qmp,"))
listener = socket.socket(fileno=int(number))

def answer(command):
    say({"return": {}, "id": command.get("id")})

def say(message):
    client.write(json.dumps(message) + "\\n")
    client.flush()

while True:
    client = listener.accept()[0].makefile("rw")
    say({"QMP": {}})
    commands = map(json.loads, client)
    try:
"""


def fake_monitor(host, conversation):
    """A QEMU without a machine, whose monitor runs `conversation`, in Python, with each client that connects."""
    script = host.root / "monitor.py"
    script.write_text(
        MONITOR + textwrap.indent(textwrap.dedent(conversation), " " * 8) + "    except BrokenPipeError:\n        pass\n")
    return fake_qemu(host, f'exec /usr/bin/python3 {script} "$@"\n')

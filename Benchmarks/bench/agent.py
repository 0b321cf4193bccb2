"""A bare client of a guest agent, the least that one can do: one request at a time, without a lock, a spool or a check."""

import base64
import json
import random
import socket
import time

MIB = 1 << 20


class Agent:
    """A connection to an agent's socket, synchronized."""

    def __init__(self, path, timeout=120):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("rb")
        number = random.randrange(1 << 31)
        self._send(b"\xff", "guest-sync-delimited", {"id": number})
        # What comes before is for an earlier client.
        while self._answer().get("return") != number:
            pass

    def execute(self, command, arguments):
        self._send(b"\n", command, arguments)
        answer = self._answer()
        if "error" in answer:
            raise RuntimeError(f"{command}: {answer['error']}")
        return answer["return"]

    def _send(self, first, command, arguments):
        # Without a newline at the end: an agent that finds it after a long request loses its answer.
        self._socket.sendall(first + json.dumps({"execute": command, "arguments": arguments}).encode())

    def _answer(self):
        line = self._lines.readline()
        if not line:
            raise ConnectionError("QEMU closed the agent's channel")
        return json.loads(line.rpartition(b"\xff")[2])

    def run(self, path, *words):
        """Runs a program, which must succeed, and returns its output. It is asked after as often as kvmctl would."""
        pid = self.execute("guest-exec", {"path": path, "arg": words, "capture-output": True})["pid"]
        interval = 0.001
        while not (status := self.execute("guest-exec-status", {"pid": pid}))["exited"]:
            time.sleep(interval)
            interval = min(interval * 1.5, 0.1)
        if status.get("exitcode") != 0:
            raise RuntimeError(f"{path}: {status}")
        return base64.b64decode(status.get("out-data", ""))

    def read(self, path):
        """Reads a file and returns its size."""
        size, handle, is_at_end = 0, self._open(path, "r"), False
        while not is_at_end:
            piece = self.execute("guest-file-read", {"handle": handle, "count": MIB})
            size += len(base64.b64decode(piece["buf-b64"]))
            is_at_end = piece["eof"]
        self.execute("guest-file-close", {"handle": handle})
        return size

    def write(self, path, data):
        handle = self._open(path, "w")
        for begin in range(0, len(data), MIB):
            piece = base64.b64encode(data[begin:begin + MIB]).decode()
            self.execute("guest-file-write", {"handle": handle, "buf-b64": piece})
        self.execute("guest-file-close", {"handle": handle})

    def _open(self, path, mode):
        return self.execute("guest-file-open", {"path": path, "mode": mode})

    def close(self):
        self._lines.close()
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

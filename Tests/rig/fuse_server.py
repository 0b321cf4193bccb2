"""A file system in user space (linux/fuse.h): fuse_server.py HOW PLACE…, which mounts it on each place and serves until killed.

HOW is `silent`: no request is ever answered; `handshake`: only the kernel's first one is, the others are read but not
answered, so that a process that waits for them can't even be killed (fs/fuse/dev.c, request_wait_answer); or a directory, which is
shown, read-only.
"""

import ctypes
import errno
import os
import stat
import struct
import sys
import threading
import time
from pathlib import Path

LOOKUP, FORGET, GETATTR, READLINK, OPEN, READ, INIT, OPENDIR, READDIR = 1, 2, 3, 5, 14, 15, 26, 27, 28
RELEASE, FLUSH, RELEASEDIR, INTERRUPT, BATCH_FORGET = 18, 25, 29, 36, 42
IN_HEADER = struct.Struct("<IIQQIIII")


class Mirror:
    """Shows a directory. Each file has the number that it got when it was looked up; 1 is the root."""

    def __init__(self, source):
        self.paths = {1: Path(source)}
        self.numbers = {Path(source): 1}

    def number(self, path):
        number = self.numbers.setdefault(path, len(self.paths) + 1)
        self.paths[number] = path
        return number

    def attributes(self, path):
        found = os.lstat(path)
        return struct.pack(
            "<6Q10I", self.number(path), found.st_size, found.st_blocks, int(found.st_atime), int(found.st_mtime),
            int(found.st_ctime), 0, 0, 0, found.st_mode, found.st_nlink, found.st_uid, found.st_gid, 0, 4096, 0)

    def answer(self, opcode, node, body):
        path = self.paths[node]
        if opcode == LOOKUP:
            child = path / body.rstrip(b"\0").decode()
            attributes = self.attributes(child)
            return struct.pack("<4Q2I", self.number(child), 0, 0, 0, 0, 0) + attributes
        if opcode == GETATTR:
            return struct.pack("<Q2I", 0, 0, 0) + self.attributes(path)
        if opcode == READLINK:
            return os.readlink(path).encode()
        if opcode in (OPEN, OPENDIR):
            return struct.pack("<Q2I", 0, 0, 0)
        if opcode == READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            return path.read_bytes()[offset:offset + size]
        if opcode == READDIR:
            _, offset, size = struct.unpack_from("<QQI", body)
            return self.names(path, offset, size)
        if opcode in (RELEASE, RELEASEDIR, FLUSH):
            return b""
        raise OSError(errno.ENOSYS, "")

    @staticmethod
    def names(path, offset, size):
        listed = b""
        for position, name in list(enumerate([".", "..", *sorted(os.listdir(path))], 1))[offset:]:
            text = name.encode()
            entry = struct.pack("<QQII", position, position, len(text), 0) + text
            entry += bytes(-len(entry) % 8)
            if len(listed) + len(entry) > size:
                break
            listed += entry
        return listed


def serve(descriptor, mirror):
    while True:
        request = os.read(descriptor, 1 << 18)
        _, opcode, unique, node, *_ = IN_HEADER.unpack_from(request)
        if opcode == INIT:
            # Version 7.31, and the largest write.
            body, error = struct.pack("<4I2H2I2H8I", 7, 31, 1 << 16, 0, 12, 9, 1 << 16, 1, 32, 0, *[0] * 8), 0
        elif mirror is None or opcode in (FORGET, BATCH_FORGET, INTERRUPT):
            continue
        else:
            try:
                body, error = mirror.answer(opcode, node, request[IN_HEADER.size:]), 0
            except OSError as failure:
                body, error = b"", -failure.errno
        os.write(descriptor, struct.pack("<IiQ", 16 + len(body), error, unique) + body)


def main(how, *places):
    libc = ctypes.CDLL(None, use_errno=True)
    for place in places:
        descriptor = os.open("/dev/fuse", os.O_RDWR)
        # The user who mounted it, as fusermount(1) passes it.
        user = os.environ.get("FUSE_USER", "0")
        options = f"fd={descriptor},rootmode={stat.S_IFDIR:o},user_id={user},group_id=0,allow_other,default_permissions"
        if libc.mount(b"nobody", place.encode(), b"fuse", 0, options.encode()):
            sys.exit(f"{place}: {os.strerror(ctypes.get_errno())}")
        if how != "silent":
            mirror = None if how == "handshake" else Mirror(how)
            threading.Thread(target=serve, args=[descriptor, mirror], daemon=True).start()
    print("mounted", flush=True)
    time.sleep(3600)


if __name__ == "__main__":
    main(*sys.argv[1:])

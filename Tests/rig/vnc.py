"""A VNC client (RFC 6143) that only logs in."""

import socket
import subprocess

NONE, PASSWORD = 1, 2


def des(key, block):
    """DES, which only OpenSSL's legacy provider has nowadays."""
    command = ["openssl", "enc", "-des-ecb", "-nopad", "-provider", "legacy", "-provider", "default", "-K", key.hex()]
    return subprocess.run(command, input=block, capture_output=True, check=True).stdout


def mirrored(key):
    """VNC uses the bits of each byte of a key in reverse order."""
    return bytes(int(f"{byte:08b}"[::-1], 2) for byte in key)


def key_of(password):
    return password.encode()[:8].ljust(8, b"\0")


def password_file(path, password):
    """A password in the format of `vncpasswd -f`: the file that viewers read."""
    path.write_bytes(des(mirrored(bytes([23, 82, 107, 6, 35, 78, 88, 7])), key_of(password)))
    return path


class Connection:
    """To be opened by a process on the host: the test itself has no access to its network."""

    def __init__(self, port, address="127.0.0.1"):
        self.socket = socket.create_connection((address, port), timeout=10)
        self.socket.recv(12)
        self.socket.sendall(b"RFB 003.008\n")
        [number] = self.socket.recv(1)
        self.offered = set(self.socket.recv(number))

    def log_in(self, password=None):
        """Whether the server accepts the login."""
        if password is None:
            self.socket.sendall(bytes([NONE]))
        else:
            self.socket.sendall(bytes([PASSWORD]))
            challenge = self.socket.recv(16)
            key = mirrored(key_of(password))
            self.socket.sendall(des(key, challenge[:8]) + des(key, challenge[8:]))
        return self.socket.recv(4) == bytes(4)

"""How long a host is unreachable while its uplink moves to a bridge, and back."""

import socket
import subprocess
import threading
import time

from bench.measuring import spread
from bench.results import Results
from bench.world import run

NAME = "outage"
ROUNDS = 7
STEP = 0.001
PORT = 9

# Returns every datagram, from the other end of the cable.
ECHO = f"""
import socket
wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
wire.bind(("192.0.2.1", {PORT}))
print("ready", flush=True)
while True:
    data, sender = wire.recvfrom(64)
    try:
        wire.sendto(data, sender)
    except OSError:
        pass
"""


def measure(world, quick):
    results = Results()
    echo = _cable()
    try:
        home = world.home("outage")
        gaps = {who: [] for who in ("kvmctl", "kvmctl, back", "ip -batch", "nothing")}
        for _ in range(ROUNDS):
            gaps["kvmctl"].append(_gap(lambda: world.kvmctl(home, "net", "up", "br2", "--uplink", "up0")))
            gaps["kvmctl, back"].append(_gap(lambda: world.kvmctl(home, "net", "down", "br2")))
            gaps["ip -batch"].append(_gap(lambda: _by_hand(world)))
            run("ip", "link", "delete", "br2")
            run("ip", "address", "replace", "192.0.2.2/24", "dev", "up0")
            gaps["nothing"].append(_gap(lambda: time.sleep(0.1)))
    finally:
        echo.kill()
        echo.wait()
        run("ip", "link", "delete", "up0")
        run("ip", "netns", "delete", "far")
    results.compare("uplink moved to a bridge: longest gap of a 1 ms stream", "ms", gaps)
    results.gate("outage of an uplink that moves", spread(gaps["kvmctl"]).median, 50, "ms")
    results.gate("outage of an uplink that moves back", spread(gaps["kvmctl, back"]).median, 50, "ms")
    return results


def _cable():
    """An uplink with an address, and an echo server at its other end."""
    run("ip", "netns", "add", "far")
    run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "up0", "netns", "far")
    for where, address in (([], "192.0.2.2/24"), (["-n", "far"], "192.0.2.1/24")):
        run("ip", *where, "address", "add", address, "dev", "up0")
        run("ip", *where, "link", "set", "up0", "up")
    echo = subprocess.Popen(
        ["ip", "netns", "exec", "far", "/usr/bin/python3", "-c", ECHO], stdout=subprocess.PIPE, text=True)
    echo.stdout.readline()
    return echo


def _by_hand(world):
    """The same move as an admin would make it, in one batch."""
    batch = world.directory / "move.batch"
    batch.write_text(
        "link add br2 type bridge forward_delay 0\nlink set br2 up\naddress del 192.0.2.2/24 dev up0\n"
        "link set up0 master br2\naddress add 192.0.2.2/24 dev br2\n", encoding="utf-8")
    run("ip", "-batch", batch)


def _gap(move):
    """The longest time between two echoes, in ms, while `move` runs."""
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wire.settimeout(0.2)
    moved = threading.Event()
    sender = threading.Thread(target=_send, args=(wire, moved))
    longest, last = 0.0, None
    mover = threading.Thread(target=_move, args=(move, moved))
    sender.start()
    while True:
        try:
            wire.recv(64)
        except TimeoutError:
            if moved.is_set():
                break
            continue
        now = time.perf_counter()
        if last is None:
            mover.start()
        else:
            longest = max(longest, now - last)
        last = now
    sender.join()
    mover.join()
    wire.close()
    return longest * 1000


def _send(wire, moved):
    """Sends a datagram at each step, until a while after the move."""
    left = 200
    while left:
        try:
            wire.sendto(b"x", ("192.0.2.1", PORT))
        except OSError:
            pass  # there is no route at the moment
        time.sleep(STEP)
        left -= moved.is_set()


def _move(move, moved):
    try:
        move()
    finally:
        moved.set()

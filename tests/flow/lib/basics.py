"""Where the programs are, waiting with a deadline, and ports."""

import os
import pathlib
import socket
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = ROOT / os.environ.get("POSTERN_BUILD", "build/debug")
POSTERN = BUILD / "postern"
SINK = BUILD / "postern-sink"

AS_ROOT = os.geteuid() == 0


def is_sanitized():
    """The build carries AddressSanitizer: it needs more memory, and more time."""
    try:
        return b"__asan_init" in POSTERN.read_bytes()
    except OSError:
        return False


SANITIZED = is_sanitized()
PATIENCE_S = 40 if SANITIZED else 20
"""How long a test waits for what must happen. It is a bound for the broken case, never measured."""


def until(condition, what, seconds=PATIENCE_S):
    """Asks `condition` again and again until it is true, and returns what it said."""
    deadline = time.monotonic() + seconds
    pause = 0.001
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


class Port:
    """
    A TCP port of 127.0.0.1 that nobody else gets while this lives: bound, never listened on. A
    server with SO_REUSEADDR (all mail servers set it) may listen on it; while none does, the port
    refuses.
    """

    def __init__(self):
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number = self._socket.getsockname()[1]
        self.address = ("127.0.0.1", self.number)

    def close(self):
        self._socket.close()


def text_of(address):
    """("127.0.0.1", 25) as "127.0.0.1:25"."""
    return f"{address[0]}:{address[1]}"


def is_listened_on(port):
    """Whether somebody listens on a TCP port, on IPv4: without a connection, that he would log."""
    with open("/proc/net/tcp") as table:
        return any(f":{port:04X} 00000000:0000 0A " in line for line in table)


def tcp_connections(port):
    """Remote ports, local ports and inodes of the established connections to a local port."""
    found = []
    with open("/proc/net/tcp") as table:
        next(table)
        for line in table:
            fields = line.split()
            local, remote, state, inode = fields[1], fields[2], fields[3], fields[9]
            if int(local.split(":")[1], 16) == port and state not in ("0A", "06"):
                found.append((int(remote.split(":")[1], 16), int(inode)))
    return found

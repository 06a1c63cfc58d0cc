"""
The table of servers in a running Postern's shared memory (proxy/relay/server.h), to be written as
the monitor and the administrator's commands would.
"""

import mmap
import os
import pathlib
import struct
import time

BACKEND_AT, NAME_AT, ADMIN_AT, HEALTH_AT, OFFERED_AT = 4, 69, 341, 1344, 1347
KEYWORDS_AT, SIZE_AT, PROBED_AT = 1348, 1360, 1368
GREETINGS_AT, GREETINGS = 1600, 18
BACKEND_BYTES = 65

ENABLED, PAUSED, DISABLED = range(3)
UNKNOWN, UP, DOWN = range(3)
SIZE, PIPELINING, EIGHT_BIT_MIME = range(3)
NOT_ASKED, CLOSED, RELAYS = range(3)


class Table:
    def __init__(self, proxy):
        folder = pathlib.Path(f"/proc/{proxy.pid}/fd")
        link = next(one for one in folder.iterdir()
                    if os.readlink(one).startswith("/memfd:postern ("))
        with open(link, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)

    def _record(self, backend, name):
        key = backend.encode().ljust(BACKEND_BYTES, b"\0") + name.encode() + b"\0"
        at = self.memory.find(key)
        assert at >= 0, f"{backend}, {name}: not in the table"
        return at - BACKEND_AT

    def set_admin(self, backend, name, admin):
        self.memory[self._record(backend, name) + ADMIN_AT] = admin

    def set_health(self, backend, name, health):
        record = self._record(backend, name)
        struct.pack_into("=Q", self.memory, record + PROBED_AT, time.monotonic_ns() // 1_000_000)
        self.memory[record + HEALTH_AT] = health

    def set_offer(self, backend, name, keywords, size):
        """What it announces: bits of enum keyword (ehlo.h)."""
        record = self._record(backend, name)
        struct.pack_into("=I", self.memory, record + KEYWORDS_AT, sum(1 << k for k in keywords))
        struct.pack_into("=Q", self.memory, record + SIZE_AT, size)
        self.memory[record + OFFERED_AT] = 1

    def set_verdict(self, backend, name, verdict):
        self.memory[self._record(backend, name) + HEALTH_AT + 1] = verdict

    def greetings(self, backend, name):
        """How many of the sessions that workers have opened with it were greeted."""
        at = self._record(backend, name) + GREETINGS_AT
        return sum(struct.unpack_from(f"={GREETINGS}Q", self.memory, at))

"""The records of its workers in the memory that a running Postern's processes share: proxy/shared.h."""

import struct

from . import processes

HEAD = struct.Struct("=8sIIIIQQQQ")
RECORD = struct.Struct("=iIIBBBxQQ")


class Record:
    def __init__(self, fields):
        (self.pid, self.generation, self.index, self.up, self.order, self.stalled, self.sessions,
         self.open) = fields


def read(master):
    """The records in use, by (generation, index)."""
    for number, target in processes.descriptors(master).items():
        if target.startswith("/memfd:postern"):
            with open(f"/proc/{master}/fd/{number}", "rb") as file:
                return _read(file)
    raise AssertionError("no shared memory")


def _read(file):
    magic, _, count, size, _, _, at, _, _ = HEAD.unpack(file.read(HEAD.size))
    assert magic == b"postern\0"
    found = {}
    for number in range(count):
        file.seek(at + number * size)
        record = Record(RECORD.unpack(file.read(RECORD.size)))
        if record.generation:
            found[record.generation, record.index] = record
    return found


def workers(master):
    """
    The pids of its workers, none where it has not begun or has ended. It has other children, too:
    the monitor, and those that look up the names of servers. A worker may be up for a moment before
    the master, which has forked it, has noted its pid.
    """
    try:
        return sorted(record.pid for record in read(master).values() if record.pid)
    except (OSError, AssertionError):
        return []

"""Machines of a small network: threads that each have a network namespace of their own."""

import concurrent.futures
import ctypes
import os
import shutil
import subprocess
import threading

from .basics import AS_ROOT

CLONE_NEWNET = 0x40000000


def enter():
    """The calling thread has an empty network from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def why_not():
    """Why no networks can be made here; None: they can."""
    if not AS_ROOT:
        return "only root can make a network"
    if not shutil.which("ip"):
        return "ip is not installed"
    try:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pool.submit(enter).result()
    except OSError:
        return "no network namespace can be made here"
    return None


class Host:
    def __init__(self):
        self._pool = concurrent.futures.ThreadPoolExecutor(1)
        self.thread = self.do(self._begin)
        self.ip("link set lo up")

    @staticmethod
    def _begin():
        enter()
        return threading.get_native_id()

    def do(self, function, *positional, **named):
        """Calls it there. Sockets, threads and processes that it makes stay there."""
        return self._pool.submit(function, *positional, **named).result()

    def run(self, command):
        done = self.do(subprocess.run, command.split(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"

    def ip(self, words):
        self.run(f"ip {words}")

    def join(self, other, name, own, others):
        """A cable to another machine: `own` and `others` are addresses with a prefix, as lists."""
        self.ip(f"link add {name} type veth peer name {name} netns {other.thread}")
        for number, host, addresses in ((1, self, own), (2, other, others)):
            # The system's own would be tested for seconds whether somebody else has it.
            host.ip(f"link set {name} addrgenmode none")
            for address in (*addresses, f"fe80::{number}/64"):
                host.ip(f"addr add {address} dev {name}" + (" nodad" if ":" in address else ""))
            host.ip(f"link set {name} up")

    def close(self):
        self._pool.shutdown()

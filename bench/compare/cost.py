"""What a family of processes costs: CPU time, memory, system calls."""

import pathlib
import re
import subprocess
import time

# Linux: the clock of all threads of a process, ended ones too, in nanoseconds (the scheduler's).
SCHED_CLOCK = 2


def family(pid):
    """The process and all that descend from it."""
    found = [pid]
    for one in found:
        try:
            for task in pathlib.Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except FileNotFoundError:
            pass
    return found


def cpu_ns(pid):
    total = 0
    for one in family(pid):
        try:
            total += time.clock_gettime_ns((~one << 3) | SCHED_CLOCK)
        except OSError:
            pass
    return total


def settled_cpu_ns(pid, patience_s=2.0):
    """When what was begun is done: connections that close cost, too."""
    end = time.monotonic() + patience_s
    before = cpu_ns(pid)
    while True:
        time.sleep(0.04)
        now = cpu_ns(pid)
        if now - before < 50_000 or time.monotonic() > end:
            return now
        before = now


def pss_bytes(pid):
    """Memory of user space, what is shared divided by those who share it."""
    total = 0
    for one in family(pid):
        try:
            text = pathlib.Path(f"/proc/{one}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += int(re.search(r"^Pss: +(\d+) kB", text, re.M).group(1)) * 1024
    return total


class Calls:
    """Counts the system calls of a family with strace while the block runs."""

    def __init__(self, pid, folder):
        self.pids = family(pid)
        self.file = pathlib.Path(folder) / "strace.txt"
        self.total = 0
        self.by_name = {}

    def __enter__(self):
        words = ["strace", "-c", "-f", "-o", str(self.file)]
        for pid in self.pids:
            words += ["-p", str(pid)]
        self.strace = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                       text=True)
        attached = 0
        while attached < len(self.pids):
            line = self.strace.stderr.readline()
            if not line:
                raise RuntimeError("strace cannot attach")
            attached += "attached" in line
        return self

    def __exit__(self, *exception):
        self.strace.send_signal(2)
        self.strace.communicate(timeout=20)
        for line in self.file.read_text().split("\n"):
            fields = line.split()
            if len(fields) >= 5 and fields[-1] != "total" and re.fullmatch(r"[\d.]+", fields[0]):
                self.by_name[fields[-1]] = int(fields[3])
        self.total = sum(self.by_name.values())

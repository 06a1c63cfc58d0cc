"""What the kernel tells of processes: children, CPU time, descriptors, memory."""

import contextlib
import os
import pathlib
import signal
import time

QUIET_S = 0.1


def stat(pid):
    """State, parent and CPU time (clock ticks) of a process; None when there is none."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return fields[0], int(fields[1]), int(fields[11]) + int(fields[12])


def is_running(pid):
    """It is there, and not only because nobody has asked for its exit status."""
    facts = stat(pid)
    return facts is not None and facts[0] not in "ZX"


def family(pid):
    """The process and all that descend from it, zombies included."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            facts = stat(entry)
            if facts:
                parents.setdefault(facts[1], []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += parents.get(one, [])
    return sorted(found)


def children(pid):
    return [one for one in family(pid) if one != pid]


def program(pid):
    """
    The path of what it executes, which it has before it has its words; "" where it is no longer
    there to be asked, and where only root may ask.
    """
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def is_monitor(pid):
    """Also one that has ended and was not asked for its status yet: it has a name, if no words."""
    try:
        return ("postern-monitor" in program(pid)
                or any(b"postern-monitor" in pathlib.Path(f"/proc/{pid}/{fact}").read_bytes()
                       for fact in ("cmdline", "comm")))
    except (FileNotFoundError, ProcessLookupError):
        return False


def monitors(pid):
    """Of a Postern: one, but for the moment that it follows another."""
    return [one for one in children(pid) if is_monitor(one)]


def zombies(pid):
    return [one for one in family(pid) if (stat(one) or "Z")[0] == "Z"]


def cpu_ticks(pids):
    return {pid: facts[2] for pid in pids if (facts := stat(pid))}


def cpu_s(pids):
    """CPU time of all of them, in seconds."""
    return sum(cpu_ticks(pids).values()) / os.sysconf("SC_CLK_TCK")


def are_waiting(pids):
    """None of them runs, or would if others left it a CPU, or waits for a disk."""
    return not any(facts[0] in "RD" for pid in pids if (facts := stat(pid)))


def are_quiet(pids):
    """None of them has used the CPU for a moment, nor wants it, and there are no others."""
    before = cpu_ticks(pids)
    waited = are_waiting(pids)
    time.sleep(QUIET_S)
    return waited and are_waiting(pids) and before == cpu_ticks(pids)


def descriptors(pid):
    """
    What a process has open, by number: {3: "socket:[123]"}. Workers cannot be looked into but by
    root: nothing, then.
    """
    found = {}
    try:
        for number in os.listdir(f"/proc/{pid}/fd"):
            try:
                found[int(number)] = os.readlink(f"/proc/{pid}/fd/{number}")
            except FileNotFoundError:
                pass
    except (FileNotFoundError, PermissionError):
        pass
    return found


def memory_bytes(pids):
    """Proportional set size of all of them."""
    total = 0
    for pid in pids:
        try:
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def own_bytes(*pids):
    """Memory that is theirs alone: what is shared weighs by how many others there are just now."""
    rollups = [pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    return sum(int(line.split()[1]) * 1024 for text in rollups for line in text.splitlines()
               if line.startswith("Anonymous:"))


def kill(pid):
    """It may be gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)

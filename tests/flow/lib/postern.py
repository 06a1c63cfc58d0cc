"""Postern as a process: its configuration, its log, and what it must leave behind: nothing."""

import re
import signal
import subprocess

from . import processes, records
from .basics import AS_ROOT, PATIENCE_S, POSTERN, text_of, until

FIELD = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)=("(?:[^"\\]|\\.)*"|\S*)')
# What only a bug says: a sanitizer, an assertion, a system call that the sandbox does not allow.
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error|Assertion .* failed"
                       r"|worker-ended .*\bcall=|monitor-ended .*\bsignal=31\b")


class Event(dict):
    """A line of the log: its word, and its fields."""

    def __init__(self, line):
        super().__init__((key, value.strip('"')) for key, value in FIELD.findall(line))
        words = line.split(" ", 3)
        self.line = line
        self.word = words[2] if len(words) > 2 else ""

    def __str__(self):
        return self.line


def configuration(sections):
    """INI text of {"kind name": {"option": value}}."""
    lines = []
    for section, options in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{option} = {value}" for option, value in options.items()]
        lines.append("")
    return "\n".join(lines)


class Postern:
    """
    A running Postern. `listeners` is {name: options}; an address is given where there is none.
    `backend` is ("127.0.0.1", port), or a text as the configuration has it, or {name: either}.
    `within` is a command that runs it, in the same process.
    """

    def __init__(self, directory, certificates, listeners, backend, policy=None, timeouts=None,
                 workers=1, sections=None, within=()):
        self.directory = directory
        self.workers = workers
        directory.mkdir()
        backends = backend if isinstance(backend, dict) else {"mta": backend}
        everything = {"postern": {"hostname": "mail.test", "workers": workers, "log": "stderr",
                                  "control": "off", "metrics": "off", "state": "off"}}
        if AS_ROOT:
            everything["postern"]["user"] = "nobody"
        for name, options in listeners.items():
            defaults = {"address": "127.0.0.1:0", "backend": next(iter(backends))}
            everything[f"listener {name}"] = defaults | options
        for name, certificate in certificates.items():
            everything[f"certificate {name}"] = {"chain": certificate.chain,
                                                 "key": certificate.key}
        for name, server in backends.items():
            where = server if isinstance(server, str) else text_of(server)
            everything[f"backend {name}"] = {"server": where, "identity": "none",
                                             "open_relay": "accept", "probe": "0s"}
        if policy:
            everything["policy default"] = policy
        if timeouts:
            everything["timeouts"] = timeouts
        for section, options in (sections or {}).items():
            everything.setdefault(section, {}).update(options)

        self.file = directory / "postern.ini"
        self.file.write_text(configuration(everything))
        self.log_file = directory / "postern.log"
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen((*within, POSTERN, "-c", self.file), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd=directory)
        self.pid = self.process.pid
        try:
            self._wait_ready()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _wait_ready(self):
        def is_ready():
            assert self.process.poll() is None, f"Postern ended:\n{self.log()}"
            return self.events("ready")

        until(is_ready, lambda: f"`ready` in the log:\n{self.log()}")
        until(lambda: len(self.worker_pids()) >= self.workers, "all workers")
        until(lambda: processes.monitors(self.pid), "the monitor")
        self._addresses = {}
        for event in self.events("listening"):
            host, _, port = event["address"].rpartition(":")
            where = port if host == "unix" else (host.strip("[]"), int(port))
            self._addresses.setdefault(event["listener"], where)
        self._wait_quiet()
        self.rebase()

    def address(self, listener=None):
        """(host, port) of a listener, or of the only one."""
        return self._addresses[listener] if listener else next(iter(self._addresses.values()))

    # The log.

    def log(self):
        return self.log_file.read_text(errors="backslashreplace")

    def events(self, word=None):
        lines = self.log().split("\n")[:-1]
        events = (Event(line) for line in lines if (word or "") in line)  # a log may be long
        return [event for event in events if word in (None, event.word)]

    def wait_events(self, word, count=1):
        """Those so far; waits until there are `count`. A line may come after what it tells of."""
        until(lambda: len(self.events(word)) >= count,
              lambda: f"{count} `{word}` in the log:\n{self.log()}")
        return self.events(word)

    def sessions(self, count=0):
        return self.wait_events("session", count)

    def messages(self, count=0):
        return self.wait_events("message", count)

    def reasons(self, count):
        """Why the first `count` sessions ended, in the log's words."""
        return [event.get("reason") for event in self.sessions(count)]

    # The processes.

    def pids(self):
        return processes.family(self.pid)

    def worker_pids(self):
        return records.workers(self.pid)

    def monitor_pid(self):
        (found,) = processes.monitors(self.pid)
        return found

    def memory_bytes(self):
        return processes.memory_bytes(self.pids())

    @staticmethod
    def _descriptor_counts(pids):
        return {pid: len(processes.descriptors(pid)) for pid in pids}

    def rebase(self):
        """What is held now, and as much again later, is no stray. Who looks up names comes and goes."""
        self._baseline = self._descriptor_counts(
            [self.pid, *self.worker_pids(), *processes.monitors(self.pid)])

    def is_quiet(self):
        """No process of it has used the CPU for a moment."""
        return processes.are_quiet(self.pids())

    def _wait_quiet(self):
        until(self.is_quiet, lambda: f"Postern is idle; its CPU ticks: "
              f"{processes.cpu_ticks(self.pids())}")

    def _strays(self):
        """What is held that was not held at the start: empty when all is well."""
        strays = []
        family = self.pids()
        if len(family) != len(self._baseline):
            strays.append(f"processes {family}, at first {list(self._baseline)}")
        strays += [f"zombie {pid}" for pid in processes.zombies(self.pid)]
        most = max(count for pid, count in self._baseline.items() if pid != self.pid)
        for pid, count in self._descriptor_counts(family).items():
            if count > self._baseline.get(pid, most):
                strays.append(f"{count} descriptors in {pid}, at first "
                              f"{self._baseline.get(pid, most)}: {processes.descriptors(pid)}")
        return strays

    def check(self):
        """Idle, with nothing left over, and no complaint of a sanitizer: asked after every test."""
        assert self.process.poll() is None, f"Postern ended ({self.process.returncode})"
        until(lambda: not self._strays(), lambda: "\n".join(self._strays()))
        self._wait_quiet()
        self.check_log()

    def check_log(self):
        complaint = SANITIZER.search(self.log())
        assert not complaint, self.log()[complaint.start():][:4000]

    def stop(self):
        """TERM ends it, all its processes with it, and the exit status is 0."""
        family = self.pids()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("Postern did not end on SIGTERM") from None
        assert self.process.returncode == 0, f"exit status {self.process.returncode}"
        until(lambda: not any(map(processes.is_running, family)), "all processes ended")
        self.check_log()

    def kill(self):
        """Whatever it does, it ends."""
        for pid in reversed(self.pids()):
            try:
                processes.kill(pid)
            except ProcessLookupError:
                pass
        self.process.wait()

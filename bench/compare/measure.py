"""How a row is measured for one proxy: every method returns one figure, in the row's unit."""

import contextlib
import json
import pathlib
import resource
import subprocess
import tempfile
import time

import cost
import keys as keys_
from proxies import BUILD, free_port

SPARE_FILES = 400
IDLE_S = 5  # so long sessions have been idle before memory is looked at


def most_sessions():
    """As many as the limit of open files allows a proxy, with two for each session."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (hard - SPARE_FILES) // 2


@contextlib.contextmanager
def running_sink(folder, cpu):
    """Yields its port."""
    words = ("taskset", "-c", str(cpu), str(BUILD / "postern-sink"), f"127.0.0.1:{free_port()}")
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          cwd=folder) as sink:
        try:
            yield int(sink.stdout.readline().rpartition(":")[2])
        finally:
            sink.terminate()


class Failed(Exception):
    """A measurement that cannot be had; its text says why."""


class Measure:
    def __init__(self, folder, keys, sink, load_cpu):
        self.folder, self.keys, self.sink, self.load_cpu = folder, keys, sink, load_cpu

    # The load.

    def words(self, options, port, listener):
        """A command line of postern-bench."""
        where = {"client": self.keys.chain("client"), "client_key": self.keys.key("client")}
        tls = () if listener is None else (
            "--tls", "starttls" if listener == "starttls" else "implicit", "--ca", self.keys.ca,
            "--name", keys_.NAME, "--groups", "X25519:P-256", "--ciphers",
            "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256", "--suites",
            "TLS_AES_128_GCM_SHA256")
        return ("taskset", "-c", self.load_cpu, BUILD / "postern-bench", *tls,
                *(str(word).format(**where) for word in options), f"127.0.0.1:{port}")

    def load(self, row, count, port, listener):
        """Runs the row's load; its report."""
        with tempfile.NamedTemporaryFile(dir=self.folder) as report:
            options = ("-n", count, *row.options, "--json", report.name, "--timeout", "3m")
            done = subprocess.run([str(word) for word in self.words(options, port, listener)],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
            if done.returncode:
                raise Failed(done.stdout[-2000:])
            return json.loads(pathlib.Path(report.name).read_text())

    @staticmethod
    def where(row, proxy):
        listener = row.own if row.own and proxy.name == "postern" else row.listener
        if listener not in proxy.listeners:
            return None, None
        return proxy.listeners[listener], listener

    @staticmethod
    def can(row, proxy):
        return Measure.where(row, proxy)[0] is not None

    # The figures.

    def cpu(self, row, proxy):
        port, listener = self.where(row, proxy)
        before = cost.settled_cpu_ns(proxy.pid)
        report = self.load(row, row.count, port, listener)
        spent = cost.settled_cpu_ns(proxy.pid) - before
        # All but the first, which has nothing to go on from.
        if "--resume" in row.options and report["resumed"] < (row.count - 1) * .99:
            raise Failed(f"only {report['resumed']} of {row.count} were resumed")
        per_unit = spent / (row.count * row.size)
        return per_unit * 1e3 if row.unit == "ms/GB" else per_unit / 1e3

    def latency(self, row, proxy):
        """What the proxy adds to a command's round trip: over that to the sink itself."""
        port, listener = self.where(row, proxy)
        direct = self.load(row, row.count, self.sink, None)
        through = self.load(row, row.count, port, listener)
        return (through["latency_us"]["command"]["p50"] - direct["latency_us"]["command"]["p50"])

    def connect(self, row, proxy):
        """From connect() until TLS is up, one after the other: a stall in between is seen."""
        port, listener = self.where(row, proxy)
        return self.load(row, row.count, port, listener)["latency_us"]["connect"]["p50"] / 1e3

    def calls(self, row, proxy):
        """Of two runs that differ in the number of messages alone: what a message takes."""
        port, listener = self.where(row, proxy)
        counts = []
        for count in (row.count // 4, row.count):
            with cost.Calls(proxy.pid, self.folder) as calls:
                self.load(row, count, port, listener)
            counts.append(calls.total)
        return (counts[1] - counts[0]) / (row.count - row.count // 4)

    def hold(self, proxy, count):
        """`count` idle sessions; to be ended with release()."""
        port = proxy.listeners["ecdsa"]
        words = self.words(("--scenario", "idle", "-c", count, "--hold", "5m"), port, "ecdsa")
        holder = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        first = holder.stdout.readline()
        if first != f"holding {count}\n":
            raise Failed(f"{count} sessions cannot be held: {first}{holder.stdout.read()}")
        return holder

    @staticmethod
    def release(holder):
        holder.kill()
        holder.stdout.close()
        holder.wait()

    def idle(self, row, proxy):
        """Of a proxy that was started for this."""
        count = min(row.sessions, most_sessions())
        self.release(self.hold(proxy, 4))
        cost.settled_cpu_ns(proxy.pid)
        before = cost.pss_bytes(proxy.pid)
        holder = self.hold(proxy, count)
        time.sleep(IDLE_S)
        spent = cost.pss_bytes(proxy.pid) - before
        self.release(holder)
        return spent / count / 1024

    def growth(self, row, proxy):
        """Of a proxy that was started for this."""
        figures = []
        for count in (10, min(row.sessions, most_sessions() - 50)):
            holder = self.hold(proxy, count)
            self.cpu(row, proxy)
            figures.append(min(self.cpu(row, proxy) for _ in range(2)))
            self.release(holder)
            cost.settled_cpu_ns(proxy.pid, 10)
        return figures[1] / figures[0]


FRESH = ("idle", "growth")  # these need a proxy that has done nothing before

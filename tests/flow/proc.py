"""
A Postern whose processes are the matter of the test: started with any command line and environment,
looked at through its log and the memory that its processes share, ended by its own pid.
"""

import os
import pathlib
import socket
import subprocess
from signal import SIGHUP, SIGKILL, SIGTERM

from lib import processes, records
from lib.basics import AS_ROOT, PATIENCE_S, POSTERN, until
from lib.postern import SANITIZER, Event, configuration


class Daemon:
    def __init__(self, directory, sections, command=("run",), options=(), env=None, wrap=None,
                 **more):
        self.directory = pathlib.Path(directory)
        self.file = self.directory / "postern.ini"
        self.log_file = self.directory / "stderr.log"
        self.configure(sections)
        words = [str(POSTERN), "-c", str(self.file), *options, *command]
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                wrap(words) if wrap else words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=os.environ | (env or {}), cwd=self.directory, **more)
        self.pid = self.process.pid

    def configure(self, sections):
        self.file.write_text(sections if isinstance(sections, str) else configuration(sections))

    # The log.

    def log(self):
        return self.log_file.read_text(errors="backslashreplace")

    def events(self, word):
        lines = self.log().split("\n")[:-1]
        events = (Event(line) for line in lines if word in line)  # a log may be long
        return [event for event in events if event.word == word]

    def wait_events(self, word, count=1):
        def there():
            assert count > 0
            found = self.events(word)
            assert found[count - 1:] or self.process.poll() is None, f"ended:\n{self.log()}"
            return found[count - 1:] and found

        return until(there, lambda: f"{count} `{word}` in the log:\n{self.log()}")

    def wait_ready(self):
        self.wait_events("ready")
        return self

    def addresses(self, listener):
        found = []
        for event in self.wait_events("listening"):
            if event["listener"] == listener:
                host, _, port = event["address"].rpartition(":")
                found.append((host.strip("[]"), int(port)))
        return found

    def address(self, listener="smtps"):
        return self.addresses(listener)[0]

    # The processes.

    def workers(self):
        return records.workers(self.pid)

    def monitors(self):
        return processes.monitors(self.pid)

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self, sections=None):
        """HUP, and the new generation serves."""
        if sections is not None:
            self.configure(sections)
        count = len(self.events("reloaded")) + 1
        self.signal(SIGHUP)
        return self.wait_events("reloaded", count)[-1]

    def wait_end(self, seconds=PATIENCE_S):
        """The exit status; no process of it is left, and no sanitizer has complained."""
        family = processes.family(self.pid)
        status = self.process.wait(seconds)
        until(lambda: all(processes.stat(pid) is None for pid in family), "all processes ended")
        complaint = SANITIZER.search(self.log())
        assert not complaint, self.log()[complaint.start():][:4000]
        return status

    def stop(self, number=SIGTERM):
        self.signal(number)
        return self.wait_end()

    def kill(self):
        if self.process.poll() is None:
            for pid in reversed(processes.family(self.pid)):
                try:
                    os.kill(pid, SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait()

    # What they share.

    def records(self):
        """The records in use, by (generation, index)."""
        return records.read(self.pid)

    def open_sessions(self):
        return sum(record.open for record in self.records().values())

    def wait_open(self, count):
        until(lambda: self.open_sessions() == count,
              lambda: f"{count} sessions open, not {self.open_sessions()}:\n{self.log()}")


def base(authority, backend=("127.0.0.1", 9), **postern):
    """
    A configuration with one listener, `smtps`. Handshakes may take long: many a test holds
    connections that have only begun one.
    """
    return {
        "postern": {"hostname": "mail.test", "workers": 2, "log": "stderr",
                    "control": "off", "metrics": "off", "state": "off"}
        | ({"user": "nobody"} if AS_ROOT else {}) | postern,
        "listener smtps": {"address": "127.0.0.1:0", "tls": "implicit", "backend": "mta"},
        "certificate ecdsa": {"chain": authority.ecdsa.chain, "key": authority.ecdsa.key},
        "backend mta": {"server": "%s:%d" % backend, "identity": "none",
                        "open_relay": "accept", "probe": "0s"},
        "timeouts": {"handshake": "300s"},
    }


def own_address():
    """An address of this machine that is none of its loopback; None: it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return None
        return one.getsockname()[0]

"""A Postern with metrics and a control socket, and how it is asked."""

import json
import socket
import subprocess
import urllib.error
import urllib.request

from .basics import PATIENCE_S, POSTERN, Port


class Watched:
    def __init__(self, daemon, base, home, backend=("127.0.0.1", 9), **sections):
        self.port = Port()
        self.socket = home / "control.sock"
        self.sections = base(backend, metrics="127.0.0.1:%d" % self.port.number,
                             control=self.socket)
        for name, options in sections.items():
            self.sections.setdefault(name, {}).update(options)
        self.daemon = daemon(self.sections)

    def get(self, path, method="GET"):
        url = f"http://127.0.0.1:{self.port.number}{path}"
        request = urllib.request.Request(url, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as reply:
                return reply.status, reply.read().decode(), reply.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers

    def run(self, *words, **more):
        return subprocess.run((POSTERN, "-c", self.daemon.file, *words), capture_output=True,
                              text=True, timeout=PATIENCE_S + 60, check=False, **more)

    def json(self, *words):
        done = self.run("--json", *words)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def metric(self, line):
        """The value of a metric, by how its line begins."""
        for found in self.get("/metrics")[1].split("\n"):
            if found.startswith(line + " "):
                return float(found.rsplit(" ", 1)[1])
        raise AssertionError(f"no {line} in the metrics")

    def raw(self, data):
        """What the control socket answers to these bytes."""
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(PATIENCE_S)
            one.connect(str(self.socket))
            try:
                one.sendall(data)
                one.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: one.recv(65536), b""))
            except (BrokenPipeError, ConnectionResetError):
                return b""

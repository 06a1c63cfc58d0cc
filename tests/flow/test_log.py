"""The log where it cannot be written: nobody waits for it, and what was lost is told."""

import fcntl
import os
import re
import socket
import subprocess

import pytest

import proc
from lib.basics import AS_ROOT, PATIENCE_S, POSTERN, until
from lib.client import Client
from lib.postern import Event, configuration

F_SETPIPE_SZ = 1031


class Pipe:
    """Standard error that is read only when asked."""

    def __init__(self, size=4096):
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, F_SETPIPE_SZ, size)
        os.set_blocking(self.reader, False)
        self.text = ""

    def events(self, word):
        try:
            while got := os.read(self.reader, 65536):
                self.text += got.decode()
        except BlockingIOError:
            pass
        return [event for event in map(Event, self.text.split("\n")) if event.word == word]


def test_a_full_pipe_stops_nobody(home, authority):
    sections = proc.base(authority, workers=1)
    sections["listener smtps"]["tls"] = "required"
    file = home / "postern.ini"
    file.write_text(configuration(sections))
    log = Pipe()
    process = subprocess.Popen((POSTERN, "-c", file), stderr=log.writer, cwd=home)
    try:
        until(lambda: log.events("ready"), "it is ready")
        host, _, port = log.events("listening")[0]["address"].rpartition(":")

        served = 0

        def session():
            nonlocal served
            with Client((host, int(port))) as client:
                client.greet()
                client.command("QUIT", 221)
                client.rest()
            served += 1

        def dropped():
            return sum(int(event["lines"]) for event in log.events("log-dropped"))

        for _ in range(200):
            session()
        assert 0 < len(log.events("session")) < 200
        until(lambda: session() or dropped(), "it is told")
        until(lambda: len(log.events("session")) + dropped() == served,
              lambda: f"each of {served} lines is there or told of: {dropped()} dropped, "
              f"{len(log.events('session'))} there")
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


def test_a_pipe_of_another_user_stops_nobody(home, authority):
    """It cannot be opened anew without O_NONBLOCK: so it is asked before each line."""
    if not AS_ROOT:
        pytest.skip("only root can be somebody else")
    sections = proc.base(authority, workers=1)
    sections["listener smtps"]["tls"] = "required"
    file = home / "postern.ini"
    for path in (authority.ecdsa.chain, authority.ecdsa.key):
        copy = home / path.name
        copy.write_bytes(path.read_bytes())
        copy.chmod(0o600)
        os.chown(copy, 65534, 65534)
    sections["certificate ecdsa"] = {"chain": home / authority.ecdsa.chain.name,
                                     "key": home / authority.ecdsa.key.name}
    file.write_text(configuration(sections))
    log = Pipe(4 * 4096)
    process = subprocess.Popen((POSTERN, "-c", file), stderr=log.writer, cwd=home, user=65534,
                               group=65534, extra_groups=[])
    try:
        until(lambda: log.events("ready"), lambda: f"it is ready: {log.text}")
        host, _, port = log.events("listening")[0]["address"].rpartition(":")
        for _ in range(150):
            with Client((host, int(port))) as client:
                client.greet()
                client.command("QUIT", 221)
                client.rest()
        assert 0 < len(log.events("session")) < 150
    finally:
        process.terminate()
        until(lambda: log.events("stopped") or process.poll() is not None, "it stops")
        assert process.wait(PATIENCE_S) == 0


class SystemLog:
    """A /dev/log that one process and its children see."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()
        self.text = []
        self.listen()

    def listen(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.directory / "log"))
        os.chmod(self.directory / "log", 0o666)
        self.socket.setblocking(False)

    def restart(self):
        self.socket.close()
        (self.directory / "log").unlink()
        self.listen()

    def wrap(self, words):
        script = (f'for each in null urandom; do touch "{self.directory}/$each"; '
                  f'mount --bind "/dev/$each" "{self.directory}/$each"; done; '
                  f'mount --bind "{self.directory}" /dev; exec "$@"')
        return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh", *words]

    def lines(self, word):
        try:
            while True:
                self.text.append(self.socket.recv(8192).decode())
        except BlockingIOError:
            pass
        return [line for line in self.text if f" {word} " in line]


def test_the_system_log(home, authority):
    """From within the sandbox, with its priority, and again after it was restarted."""
    if not AS_ROOT:
        pytest.skip("only root can mount")
    log = SystemLog(home / "dev")
    sections = proc.base(authority, workers=1, log="syslog")
    sections["listener smtps"]["tls"] = "required"
    one = proc.Daemon(home, sections, wrap=log.wrap)
    try:
        until(lambda: log.lines("ready"), lambda: f"ready: {one.log()}")
        port = int(re.search(r"address=127.0.0.1:(\d+)", log.lines("listening")[0]).group(1))
        for number in (1, 2):
            with Client(("127.0.0.1", port)) as client:
                client.greet()
                client.command("QUIT", 221)
                client.rest()
            until(lambda: len(log.lines("session")) == number, "the line is there")
            if number == 1:
                log.restart()
        worker, = one.workers()
        form = r"<22>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d postern\[%d\]: \d{4}-.*Z info session id="
        assert all(re.match(form % worker, line) for line in log.lines("session"))
        assert not log.lines("log-dropped")
        assert one.stop() == 0
    finally:
        one.kill()

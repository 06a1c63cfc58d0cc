"""The log where it cannot be written: nobody waits for it, and what was lost is told."""

import fcntl
import os
import subprocess

import proc
from lib.basics import PATIENCE_S, POSTERN, until
from lib.client import Client
from lib.postern import Event, configuration

F_SETPIPE_SZ = 1031


class Pipe:
    """Standard error that is read only when asked."""

    def __init__(self):
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, F_SETPIPE_SZ, 4096)
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

        def session():
            with Client((host, int(port))) as client:
                client.greet()
                client.command("QUIT", 221)
                client.rest()

        for _ in range(200):
            session()
        held = len(log.events("session"))
        assert 0 < held < 200

        def told():
            session()
            return log.events("log-dropped")

        until(told, "it is told")
        until(lambda: len(log.events("session")) > held, "lines are written again")
        dropped = sum(int(event["lines"]) for event in log.events("log-dropped"))
        assert dropped >= 200 - held
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) == 0

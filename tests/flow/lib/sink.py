"""postern-sink as a process, keeping what it gets."""

import subprocess

from .basics import SINK


class Sink:
    def __init__(self, directory, *options):
        directory.mkdir()
        self.store = directory / "store"
        self.store.mkdir()
        self.transcript_file = directory / "sink.log"
        self.process = subprocess.Popen(
            (SINK, "127.0.0.1:0", "--store", self.store, "--log", self.transcript_file, *options),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        first = self.process.stdout.readline()
        assert first.startswith("listening on "), first
        host, _, port = first.split()[-1].rpartition(":")
        self.address = (host, int(port))

    def messages(self):
        """The bytes of each whole message, dots undone, in their order."""
        return [path.with_suffix(".eml").read_bytes()
                for path in sorted(self.store.glob("*.env"))]

    def stop(self):
        self.process.terminate()
        self.process.communicate()

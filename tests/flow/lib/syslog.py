"""A syslog for one server that has no other log: its socket, and a file with what came there."""

import os
import socket
import threading


class Syslog:
    def __init__(self, path, file):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        os.chmod(path, 0o666)
        self._thread = threading.Thread(target=self._write, args=(file,), daemon=True)
        self._thread.start()

    def _write(self, file):
        with file.open("ab") as log:
            while line := self._socket.recv(65536):
                log.write(line.rstrip(b"\0\n") + b"\n")
                log.flush()

    def stop(self):
        """The server has ended: nothing comes any more."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

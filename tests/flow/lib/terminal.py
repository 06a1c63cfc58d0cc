"""A program on a terminal of its own: its keys, its size, and what is on the screen."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios

from .basics import PATIENCE_S, until


class Terminal:
    def __init__(self, *words, columns=80, rows=24, **env):
        self._ours, self._theirs = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self._theirs)
        self.output = b""
        """All that was ever written."""
        self.process = subprocess.Popen(
            words, stdin=self._theirs, stdout=self._theirs, stderr=self._theirs,
            env=os.environ | {"TERM": "xterm"} | env, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def resize(self, columns, rows):
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys):
        os.write(self._ours, keys)

    def _read(self):
        while select.select((self._ours,), (), (), 0)[0]:
            self.output += os.read(self._ours, 65536)

    def screen(self):
        """The lines of the last picture that is whole; None before the first."""
        self._read()
        whole, _, _ = self.output.rpartition(b"\033[J")
        if not whole:
            return None
        text = whole.rpartition(b"\033[H")[2].decode().replace("\r", "")
        lines = text.split("\033[K\n")
        assert not any("\033" in line for line in lines), lines
        return lines[:-1]

    def forget(self):
        """What is on the screen now was before; what comes is new."""
        self._read()
        self.output = b""

    def wait_screen(self, condition):
        """The first picture for which that is so."""
        return until(lambda: (lines := self.screen()) and condition(lines) and lines,
                     lambda: f"on the screen: {self.output[-3000:]!r}")

    def wait_end(self):
        status = self.process.wait(PATIENCE_S)
        self._read()
        return status

    def is_as_before(self):
        """Cursor, screen and keys are what they were."""
        self._read()
        return (self.output.rfind(b"\033[?25h\033[?1049l") > self.output.rfind(b"\033[?1049h")
                and termios.tcgetattr(self._theirs) == self.before)

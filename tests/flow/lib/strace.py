"""A running process of which strace(1) tampers with one system call: root alone may do so."""

import signal
import subprocess

from .basics import PATIENCE_S, until

WAITS = "?epoll_wait,?epoll_pwait,?poll,?ppoll,?restart_syscall"


class Injected:
    """Each such call of that process goes as `how` says, as strace's `inject=`, while the block runs."""

    def __init__(self, pid, call, how, file):
        self.words = ("strace", "-qq", "-e", f"trace={call},{WAITS}", "-e", f"inject={call}:{how}",
                      "-o", file, "-p", str(pid))
        self.file = file

    def __enter__(self):
        self.strace = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        until(lambda: self.file.exists() and self.file.stat().st_size > 0, "it is traced")
        return self

    def count(self):
        return self.file.read_text().count("INJECTED")

    def __exit__(self, *_):
        self.strace.send_signal(signal.SIGINT)
        self.strace.communicate(timeout=PATIENCE_S)

"""dist/logrotate.d/postern, run by Debian's logrotate while sessions come and go."""

import grp
import gzip
import os
import pwd
import re
import shutil
import socket
import subprocess
import threading

import pytest

from lib.basics import PATIENCE_S, ROOT, until

SHIPPED = ROOT / "dist/logrotate.d/postern"
USER, GROUP = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
LOGROTATE = shutil.which("logrotate", path=os.environ["PATH"] + ":/usr/sbin")

pytestmark = pytest.mark.skipif(LOGROTATE is None, reason="logrotate is not installed")


class Visitors:
    """Connections, one after the other, until it is stopped; how many there were."""

    def __init__(self, address):
        self.address, self.count, self.over = address, 0, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over:
            with socket.create_connection(self.address, PATIENCE_S) as one:
                one.recv(100)
            self.count += 1

    def stop(self):
        self.over = True
        self.thread.join()


def sessions(text):
    return re.findall(r" session .*?id=(\S+)", text)


def rotate(home, logs, pid):
    """Once, by the shipped file, with this directory's state; `systemctl` does as the real one."""
    config, state, programs = home / "logrotate.conf", home / "state", home / "bin"
    text = SHIPPED.read_text().replace("/var/log/postern/", f"{logs}/")
    assert f"{logs}/*.log" in text
    # The owner is the test's, whoever that is.
    config.write_text(re.sub(r"^\tsu .*\n", f"\tsu {USER} {GROUP}\n", text, flags=re.M))
    config.chmod(0o644)
    programs.mkdir(exist_ok=True)
    (programs / "systemctl").write_text(
        '#!/bin/sh\n[ "$*" = "kill --kill-who=main --signal=USR1 postern" ] || exit 1\n'
        f"exec kill -USR1 {pid}\n")
    (programs / "systemctl").chmod(0o755)
    subprocess.run((LOGROTATE, "--force", "--state", state, config), check=True,
                   env=os.environ | {"PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin"})


def test_no_line_is_lost(daemon, base, home):
    logs = home / "logs"
    logs.mkdir(mode=0o755)
    path = logs / "postern.log"
    sections = base(log=path, workers=2) | {"limits": {"rate_per_ip": 0}}
    sections["listener smtps"]["tls"] = "required"
    one = daemon(sections, ready=False)
    until(lambda: path.exists() and " ready " in path.read_text(), "it is ready")
    port = int(re.search(r"listening .*:(\d+)", path.read_text()).group(1))
    visitors = Visitors(("127.0.0.1", port))
    try:
        for count in range(1, 4):
            seen = visitors.count
            until(lambda seen=seen: visitors.count > seen + 20, "sessions before")
            rotate(home, logs, one.pid)
            assert len(list(logs.glob("postern.log.*"))) == count
            until(lambda: path.exists() and sessions(path.read_text()), "the new file is written to")
    finally:
        visitors.stop()
    assert one.stop() == 0
    texts = [gzip.decompress(file.read_bytes()).decode() if file.suffix == ".gz" else
             file.read_text() for file in logs.iterdir()]
    assert len(texts) == 4 and sum(file.suffix == ".gz" for file in logs.iterdir()) == 2
    found = [each for text in texts for each in sessions(text)]
    assert len(found) == len(set(found)) == visitors.count

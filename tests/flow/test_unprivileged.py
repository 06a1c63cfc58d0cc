"""As the unit starts it: no root, and CAP_NET_BIND_SERVICE alone."""

import contextlib
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket

import pytest

from lib import processes, records
from lib.basics import AS_ROOT, until
from lib.client import tls_client

pytestmark = pytest.mark.skipif(not AS_ROOT, reason="only root can start a process so")

NET_BIND_SERVICE = 1 << 10
NOBODY = pwd.getpwnam("nobody")


def unprivileged(words):
    return ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups",
            "--inh-caps=-all,+net_bind_service", "--bounding-set=-all,+net_bind_service",
            "--ambient-caps=-all,+net_bind_service", *words]


def capabilities(pid):
    """(effective, permitted, ambient)"""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return tuple(int(re.search(rf"^Cap{name}:\t(\w+)$", text, re.M).group(1), 16)
                 for name in ("Eff", "Prm", "Amb"))


def low_port():
    for port in range(700, 1024):
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port below 1024 is free")


def is_nobody(pid):
    return os.stat(f"/proc/{pid}").st_uid in (0, NOBODY.pw_uid) and re.search(
        rf"^Uid:\t{NOBODY.pw_uid}\t{NOBODY.pw_uid}\t{NOBODY.pw_uid}\t",
        pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)


@pytest.fixture
def keys(home, authority):
    """Readable for that user."""
    chain, key = home / "chain.pem", home / "key.pem"
    shutil.copy(authority.ecdsa.chain, chain)
    shutil.copy(authority.ecdsa.key, key)
    for path in (chain, key):
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
        path.chmod(0o600)
    return {"chain": chain, "key": key}


def greets(address):
    with tls_client(address) as client:
        assert client.reply().code == 220


def confined(pid):
    """The master keeps the one capability, for a reload's new ports; its children have none."""
    until(lambda: len(records.workers(pid)) == 2, "two workers")
    assert is_nobody(pid) and capabilities(pid) == (NET_BIND_SERVICE,) * 3
    for child in records.workers(pid):
        until(lambda one=child: is_nobody(one) and capabilities(one) == (0, 0, 0),
              "a worker without any capability")


def test_a_low_port_reload_and_upgrade(daemon, base, sink, keys):
    sections = base(sink().address)
    del sections["postern"]["user"]
    sections["certificate ecdsa"] = keys
    sections["listener smtps"]["address"] = f"127.0.0.1:{low_port()}"
    one = daemon(sections, wrap=unprivileged)
    confined(one.pid)
    greets(one.address())

    # A new generation, and another low port.
    sections["listener smtps"]["address"] += f", 127.0.0.2:{low_port()}"
    one.reload(sections)
    greets(one.addresses("smtps")[-1])
    confined(one.pid)

    one.signal(signal.SIGUSR2)
    until(lambda: one.events("upgraded"), lambda: one.log())
    heir = int(re.search(r"process (\d+) serves", one.events("upgraded")[0]["message"]).group(1))
    try:
        confined(heir)
        greets(one.address())
        os.kill(heir, signal.SIGTERM)
        until(lambda: not processes.is_running(heir), "it has stopped")
    finally:
        for pid in reversed(processes.family(heir)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

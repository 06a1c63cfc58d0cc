"""
Workers in the sandbox, which the sanitizer build has not: so the build without sanitizers. What they
cannot do is tried by tests/unit/test_proxy_sandbox.c; `make check-sandbox` runs all flow tests here.
"""

import os
import pathlib
import re
import signal

import pytest

from lib import mail, processes
from lib.basics import AS_ROOT, until
from lib.client import tls_client

pytestmark = pytest.mark.plain


def fact(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return next(line.split()[1] for line in file if line.startswith(f"{name}:"))


def deliver(address):
    with tls_client(address) as client:
        client.greet()
        assert client.deliver(mail.stuffed(mail.PLAIN)).code == 250
        client.quit()


def test_workers_are_in_it_and_the_master_is_not(daemon, base):
    one = daemon()
    assert [fact(pid, "Seccomp") for pid in one.workers()] == ["2", "2"]
    assert fact(one.pid, "Seccomp") == "0"
    assert one.events("sandbox") == []
    off = base(sandbox="no")
    one.reload(off)
    until(lambda: {key[0] for key in one.records()} == {2}, "the old workers end")
    assert [fact(pid, "Seccomp") for pid in one.workers()] == ["0", "0"]
    assert one.stop() == 0


def test_a_worker_lives_its_life_in_it(daemon, base, sink, down, home):
    """Mail, a reload with another log, the log opened anew, a server that is not there, a drain."""
    server = sink()
    sections = base(server.address)
    one = daemon(sections)
    deliver(one.address())
    path = home / "postern.log"
    one.configure(base(server.address, log=path))
    one.signal(signal.SIGHUP)
    until(lambda: path.exists() and " reloaded " in path.read_text(), "the new log")
    deliver(one.address())
    path.rename(home / "old.log")
    one.signal(signal.SIGUSR1)
    until(lambda: path.exists() and " log " in path.read_text(), "the log is opened anew")
    deliver(one.address())
    one.configure(base(down, log=path))
    one.signal(signal.SIGHUP)
    until(lambda: "generation=3" in path.read_text(), "a server that is not there")
    with tls_client(one.address()) as client:
        assert client.reply().code == 421
    assert one.stop() == 0
    assert len(server.messages()) == 3
    log = one.log() + (home / "old.log").read_text() + path.read_text()
    assert "worker-ended" not in log, log


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGSYS])
def test_a_crash_is_told_with_its_stack(daemon, number):
    one = daemon()
    victim = one.workers()[0]
    os.kill(victim, number)
    event = one.wait_events("worker-ended")[0]
    assert (event["pid"], event["signal"]) == (str(victim), str(int(number)))
    assert event["name"] == number.name[3:]
    assert re.search(r"\bpostern\+0x[0-9a-f]+\b", event["stack"]), event.line
    assert "call" not in event
    until(lambda: len(one.workers()) == 2 and all(r.up for r in one.records().values()),
          "a replacement")
    assert one.stop() == 0


def readable(path):
    return os.access(path, os.R_OK)


def test_no_process_leaves_a_core_file(daemon):
    """Keys are in the memory of all of them."""
    one = daemon()
    # What belongs to root, whoever the process is, is not dumpable: proc(5). The monitor is a program
    # of its own: it says so in its first lines, perhaps just after the workers are ready.
    until(
        lambda: all(
            os.stat(f"/proc/{pid}/stat").st_uid == 0 and (AS_ROOT or not readable(f"/proc/{pid}/mem"))
            for pid in processes.family(one.pid)
        ),
        "all processes to be not dumpable",
    )
    # Nor for root's eyes, where the system dumps what is not dumpable.
    for pid in processes.family(one.pid):
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.M), limits
    assert one.stop() == 0

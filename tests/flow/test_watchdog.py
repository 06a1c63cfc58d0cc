"""A worker that does not turn its loop: who takes its place, and what the log tells of it."""

import os
import signal
import socket
import time

import pytest

from lib import processes
from lib.basics import PATIENCE_S, until
from lib.client import tls_client


def connect(address):
    return socket.create_connection(address, PATIENCE_S)


def stop(pid):
    os.kill(pid, signal.SIGSTOP)
    until(lambda: processes.stat(pid)[0] == "T", "it is stopped")


def open_of(one, pid):
    return next(record.open for record in one.records().values() if record.pid == pid)


@pytest.mark.long
def test_a_stopped_worker_is_replaced_and_its_siblings_go_on(daemon, base, sink):
    server = sink()
    one = daemon(base(server.address))
    with tls_client(one.address()) as client:
        client.greet()
        mine, other = sorted(one.records().values(), key=lambda record: -record.open)
        stop(other.pid)
        # Each gets its turn, those that the kernel had given to the stopped one, too.
        opened = [connect(one.address()) for _ in range(40)]
        until(lambda: open_of(one, mine.pid) == 41, "the sibling serves them all")
        assert client.command("NOOP").code == 250
        assert one.wait_events("worker-stalled")[0]["message"].startswith("worker ")
        event = one.wait_events("worker-ended")[0]
        assert (event["pid"], event["name"]) == (str(other.pid), "KILL")
        until(lambda: len(one.workers()) == 2 and all(r.up for r in one.records().values()),
              "a replacement")
        assert client.command("NOOP").code == 250
        for each in opened:
            each.close()
        one.wait_open(1)
        opened = [connect(one.address()) for _ in range(40)]
        one.wait_open(41)
        assert open_of(one, mine.pid) < 41
        client.quit()
    for each in opened:
        each.close()
    assert one.stop() == 0


@pytest.mark.long
@pytest.mark.plain
def test_the_stack_of_a_stalled_worker_is_told(daemon, base):
    one = daemon(base(workers=1))
    victim = one.workers()[0]
    stop(victim)
    one.wait_events("worker-stalled")
    os.kill(victim, signal.SIGCONT)
    event = one.wait_events("worker-ended")[0]
    assert event["name"] == "ABRT"
    assert "postern+0x" in event["stack"]
    with connect(one.address()):
        one.wait_open(1)
    assert one.stop() == 0


def test_a_short_stall_costs_nothing(daemon):
    one = daemon()
    workers = one.workers()
    key = next(key for key, record in one.records().items() if record.pid == workers[0])
    stop(workers[0])
    until(lambda: one.records()[key].stalled, "it is known")
    os.kill(workers[0], signal.SIGCONT)
    until(lambda: not one.records()[key].stalled, "it is well again")
    opened = [connect(one.address()) for _ in range(60)]
    one.wait_open(60)
    assert all(record.open > 0 for record in one.records().values())
    for each in opened:
        each.close()
    assert one.workers() == workers
    assert one.stop() == 0


@pytest.mark.long
def test_a_paused_machine_is_nobodys_fault(daemon):
    one = daemon()
    family = processes.family(one.pid)
    for pid in family:
        stop(pid)
    time.sleep(11)  # longer than a worker is given
    for pid in family:  # the master first
        os.kill(pid, signal.SIGCONT)
    with connect(one.address()):
        one.wait_open(1)
    assert one.events("worker-stalled") == []
    assert processes.family(one.pid) == family
    assert one.stop() == 0


def test_systemds_watchdog_is_fed(daemon, home):
    path = home / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(PATIENCE_S)
        one = daemon(env={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"})
        for _ in range(3):
            until(lambda: notify.recv(1024) == b"WATCHDOG=1", "the next word")
        assert one.stop() == 0


def test_a_watchdog_that_is_another_process(daemon, home):
    path = home / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(PATIENCE_S)
        one = daemon(env={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "2000",
                          "WATCHDOG_PID": str(os.getpid())})
        assert one.stop() == 0
        while not (word := notify.recv(1024)).startswith(b"STOPPING=1"):
            assert word != b"WATCHDOG=1"

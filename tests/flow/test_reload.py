"""
Reloads under load, by good, broken and changing configurations: what clients were told was taken is
at the server once, and nothing is left behind. POSTERN_RELOADS changes how many.
"""

import itertools
import os
import signal
import socket

import pytest

from lib import processes
from lib.basics import PATIENCE_S, SANITIZED, Port, text_of, until
from lib.client import lenient_context, tls_client
from lib.load import Load, numbered

RELOADS = int(os.environ.get("POSTERN_RELOADS", "10"))
GROWTH_BYTES = 2 * 1024 * 1024


def with_workers(sections, count):
    return sections | {"postern": sections["postern"] | {"workers": count}}


def with_listener(sections, port):
    more = sections["listener smtps"] | {"address": text_of(port.address)}
    return sections | {"listener more": more}


def with_certificate(sections, chain):
    return sections | {"certificate ecdsa": sections["certificate ecdsa"] | {"chain": chain}}


class Changes:
    """Configurations, one after the other, for ever: (sections, whether they are good)."""

    def __init__(self, sections, port, taken):
        twice = f"127.0.0.1:0, {text_of(taken)}"
        bound = sections | {"listener smtps": sections["listener smtps"] | {"address": twice}}
        self.round = [
            (with_workers(sections, 4), True),
            (sections | {"listener smtps": {"adress": "127.0.0.1:0"}}, False),
            (with_listener(sections, port), True),
            (with_listener(with_workers(sections, 1), port), True),
            (with_certificate(sections, "/nowhere/chain.pem"), False),
            (with_workers(sections, 1), True),
            (bound, False),
            (with_workers(sections, 3), True),
            ("[postern\n", False),
            (sections, True),
        ]

    def __iter__(self):
        return itertools.cycle(self.round)


def reload(one, sections, good):
    """HUP, and its outcome."""
    word = "reloaded" if good else "reload-failed"
    count = len(one.events(word)) + 1
    one.configure(sections)
    one.signal(signal.SIGHUP)
    one.wait_events(word, count)


class Held:
    """A session of a listener that is removed meanwhile: it delivers afterwards all the same."""

    def __init__(self, address):
        self.address, self.client, self.told = address, None, []

    def follow(self, sections):
        """What is configured now is this."""
        is_there = "listener more" in sections
        if is_there and self.client is None:
            self.client = tls_client(self.address).__enter__()
            self.client.greet()
        elif not is_there and self.client is not None:
            number = f"held-{len(self.told)}"
            assert self.client.deliver(numbered(number)).code == 250
            self.told.append(number)
            self.client.quit()
            self.client.close()
            self.client = None


@pytest.fixture
def taken():
    """An address that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()


def held_by(one):
    return {"master": len(processes.descriptors(one.pid)),
            "workers": sorted(len(processes.descriptors(pid)) for pid in one.workers()),
            "monitors": [len(processes.descriptors(pid)) for pid in one.monitors()]}


def test_under_load(daemon, base, sink, taken):
    server, port = sink(), Port()
    sections = base(server.address)
    one = daemon(sections)
    until(one.monitors, "the monitor")
    reload(one, sections, True)
    until(lambda: len(one.workers()) == 2 and len(one.monitors()) == 1, "the first have gone")
    until(lambda: processes.are_quiet(processes.family(one.pid)), "quiet")
    before, sizes = held_by(one), []
    load, held = Load(one.address()), Held(port.address)
    for changed, good in itertools.islice(Changes(sections, port, taken), RELOADS):
        reload(one, changed, good)
        if good:
            held.follow(changed)
        load.wait_each()
        sizes.append(processes.own_bytes(one.pid))
    sessions = load.end(server, held.told)
    assert sessions >= RELOADS
    assert held.client is None and len(held.told) == RELOADS // 10
    until(lambda: len(one.workers()) == 2 and len(one.monitors()) == 1, "the old ones have gone")
    until(lambda: held_by(one) == before, lambda: f"{before} at first, now {held_by(one)}")
    assert processes.zombies(one.pid) == []
    one.wait_events("session", sessions + len(held.told))
    assert {event["reason"] for event in one.events("session")} == {"quit"}
    assert len(one.events("session")) == sessions + len(held.told)
    ledger = one.events("message")
    assert {(event["verdict"], event["told"]) for event in ledger} == {("250", "yes")}
    assert len(ledger) == len(server.messages())
    assert one.events("worker-ended") == one.events("monitor-ended") == []
    print(f"{sessions} sessions, {len(server.messages())} messages over {RELOADS} reloads; the "
          f"master's memory from {sizes[0]} to {sizes[-1]} bytes")
    if not SANITIZED:
        assert sizes[-1] - sizes[RELOADS // 5] < GROWTH_BYTES
    port.close()
    assert one.stop() == 0


@pytest.mark.parametrize("before, after", [(1, 4), (4, 1), (3, 2)])
def test_connections_that_wait_survive_another_number_of_workers(before, after, daemon, base,
                                                                 sink):
    """They are in the queues of all sockets, as no worker runs; the new ones take them."""
    sections = base(sink().address)
    one = daemon(with_workers(sections, before))
    until(lambda: len(one.workers()) == before, "all workers")
    stopped = one.workers()
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    waiting = [socket.create_connection(one.address(), PATIENCE_S) for _ in range(40)]
    one.reload(with_workers(sections, after))
    for each in waiting:
        with lenient_context().wrap_socket(each, server_hostname="mail.test") as session:
            assert session.recv(4) == b"220 "
    for pid in stopped:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass  # the watchdog was first
    until(lambda: len(one.workers()) == after, "the old ones end")
    assert one.stop() == 0

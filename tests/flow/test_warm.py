"""Sessions with servers that are opened ahead of clients (`warm`)."""

import contextlib
import os
import signal
import socket
import time

import pytest

from lib import fake
from lib.basics import text_of, until
from lib.client import Client, tls_client
from lib.table import DISABLED, DOWN, ENABLED, PAUSED, Table, UP
from test_identity import XclientServer
from test_server_tls import TlsServer, server_context

TEXT = b"Subject: x\r\n\r\nx\r\n.\r\n"


class Slow:
    """Greets those that come first, and keeps all others waiting for ever."""

    def __init__(self, server, count):
        self.server, self.left = server, count
        self.greeting = server.answers["greeting"]
        server.answers["greeting"] = self.greet

    def greet(self, talk, _):
        self.left -= 1
        if self.left < 0:
            talk.wait_end()
            talk.close()
        talk.say(self.greeting)

    def __call__(self, talk):
        self.server(talk)


def start(postern, server, count=2, door="implicit", workers=1, timeouts=None, **more):
    return postern(backend=server.address, tls=door, workers=workers, timeouts=timeouts,
                   sections={"backend mta": {"warm": count} | more})


def alive(server):
    return [talk for talk in server.talks if not talk.is_over]


def is_warm(proxy, server, count):
    """All are there, Postern has had their greetings, and what is held for them is no stray."""
    table = Table(proxy)
    until(lambda: len(alive(server)) == count
          and table.greetings("mta", text_of(server.address)) >= count,
          f"{count} sessions opened ahead")
    proxy.rebase()


def said(talk, *commands):
    until(lambda: talk.commands == list(commands), lambda: f"{commands}, it said {talk.commands}")


def deliver(proxy):
    with tls_client(proxy.address()) as client:
        client.greet()
        assert client.deliver(TEXT).code == 250
        client.quit()


@pytest.mark.parametrize("door", ["implicit", "required"])
@pytest.mark.parametrize("way", ["plain", "starttls", "implicit"])
def test_a_slow_greeting_costs_clients_nothing(way, door, postern, backend, authority):
    """The server greets nobody any more, and still the clients are greeted, and served."""
    more = {}
    serve = fake.Server()
    if way != "plain":
        serve = TlsServer(server_context(authority.ecdsa), way)
        more = {"tls": way, "tls_ca": authority.file, "tls_name": "mail.test"}
    server = backend(Slow(serve, 2))
    proxy = start(postern, server, 2, door, **more)
    is_warm(proxy, server, 2)
    first = ["EHLO mail.test", "STARTTLS", "EHLO mail.test"] if way == "starttls" else []
    for talk in server.talks[:2]:
        said(talk, *first)
    for _ in range(2):
        client = Client(proxy.address())
        with client:
            if door == "implicit":
                client.handshake()
                assert client.expect(220).lines
            else:
                client.starttls()
            client.command("EHLO client.test", 250)
            assert client.deliver(TEXT).code == 250
            client.quit()
    assert [len(talk.messages) for talk in server.talks[:2]] == [1, 1]
    assert proxy.reasons(2) == ["quit", "quit"]


def test_the_server_is_told_of_the_client(postern, backend):
    server = backend(Slow(XclientServer(), 2))
    proxy = start(postern, server, identity="xclient")
    is_warm(proxy, server, 2)
    for talk in server.talks[:2]:
        said(talk, "EHLO mail.test")
    for number in range(2):
        with tls_client(proxy.address()) as client:
            assert client.expect(220).text == "220 again.test ESMTP"
            client.command("EHLO client.test", 250)
            assert client.deliver(TEXT).code == 250
            client.quit()
        (talk,) = [one for one in server.talks if any(
            f"PORT={client.port}" in command for command in one.commands)]
        told = [line for line in talk.commands if line.startswith("XCLIENT")]
        assert "ADDR=127.0.0.1" in told[-1] and len(talk.messages) == 1
    assert len([talk for talk in server.talks if talk.messages]) == 2


def test_a_server_without_xclient(postern, backend):
    """It has had an EHLO in vain: a client's session is a new one, and so are all."""
    server = backend()
    proxy = start(postern, server, identity="xclient")
    said(server.talk(0), "EHLO mail.test", "QUIT")
    said(server.talk(1), "EHLO mail.test", "QUIT")
    deliver(proxy)
    assert proxy.events("no-identity")
    assert [len(talk.messages) for talk in server.talks] == [0, 0, 0, 1]


def test_none_is_used_twice(postern, backend):
    server = backend()
    proxy = start(postern, server, 3)
    is_warm(proxy, server, 3)
    for _ in range(6):
        deliver(proxy)
    assert len(server.messages()) == 6
    assert max(len(talk.messages) for talk in server.talks) == 1
    until(lambda: len(alive(server)) == 3, "three sessions again")


def test_max_sessions_is_kept(postern, backend):
    """Half of the places are left for those who dial, and none is counted twice or lost."""
    server = backend()
    proxy = start(postern, server, 10, max_sessions=4, full="refuse")
    is_warm(proxy, server, 2)
    for _ in range(3):
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(tls_client(proxy.address())).greet()
            until(lambda: len(alive(server)) == 4, "four sessions")
            with Client(proxy.address()) as client:
                client.handshake()
                client.ends("421 4.3.2 ")
        until(lambda: len(alive(server)) == 2, "two sessions again")


def test_they_give_way_to_clients(postern, backend):
    """Those of other workers, too: three of four places are taken."""
    server = backend()
    proxy = start(postern, server, 1, workers=2, max_sessions=4, full="wait 30s")
    is_warm(proxy, server, 2)
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(tls_client(proxy.address())).greet()
        until(lambda: [talk.commands for talk in alive(server)] == 4 * [["EHLO client.test"]],
              "four sessions, all of clients")


def test_each_server_has_its_own(postern, backend):
    servers = [backend(Slow(fake.Server(), 1)) for _ in range(2)]
    proxy = postern(backend=", ".join(text_of(server.address) for server in servers),
                    sections={"backend mta": {"warm": 1, "balance": "round-robin"}})
    for server in servers:
        is_warm(proxy, server, 1)
    for _ in range(2):
        deliver(proxy)
    assert [len(server.messages()) for server in servers] == [1, 1]


@pytest.mark.parametrize("how", ["closes", "speaks"])
def test_the_server_gives_one_up(how, postern, backend):
    server = backend()
    proxy = start(postern, server)
    is_warm(proxy, server, 2)
    for talk in server.talks[:2]:
        if how == "closes":
            talk.socket.shutdown(socket.SHUT_WR)
        else:
            talk.socket.sendall(b"421 4.4.2 you are too slow\r\n")
    until(lambda: all(talk.is_over for talk in server.talks[:2]), "both are given up")
    until(lambda: len(alive(server)) == 2, "two others")
    deliver(proxy)
    assert not any(talk.messages for talk in server.talks[:2])


@pytest.mark.parametrize("how", ["closes", "speaks"])
def test_one_that_is_given_up_is_for_no_client(how, postern, backend):
    """The client is there already when the worker hears of it, before or after the client's TLS."""
    server = backend()
    proxy = start(postern, server, 1)
    is_warm(proxy, server, 1)
    (worker,) = proxy.worker_pids()
    with Client(proxy.address()) as client:
        os.kill(worker, signal.SIGSTOP)
        try:
            if how == "closes":
                server.talk().socket.shutdown(socket.SHUT_WR)
            else:
                server.talk().socket.sendall(b"421 4.4.2 you are too slow\r\n")
        finally:
            os.kill(worker, signal.SIGCONT)
        client.handshake()
        client.expect(220)
        client.command("EHLO client.test", 250)
        assert client.deliver(TEXT).code == 250
        client.quit()
    assert not server.talk().messages


def test_failures_make_it_wait(postern, backend):
    times = []

    def serve(talk):
        times.append(time.monotonic())
        talk.close()

    server = backend(serve)
    start(postern, server, 5)
    until(lambda: len(times) >= 7, "seven connections")
    assert times[6] - times[5] > 1


def test_age(postern, backend):
    server = backend()
    proxy = start(postern, server, timeouts={"command": "2s"})
    is_warm(proxy, server, 2)
    for talk in server.talks[:2]:
        said(talk, "QUIT")
    until(lambda: len(server.talks) >= 4, "others in their place")
    deliver(proxy)


def test_they_end_with_postern(watched, backend):
    server = backend()
    one = watched(server.address, **{"postern": {"workers": 1}, "backend mta": {"warm": 2}})
    greetings = 'postern_server_greeting_seconds_count{backend="mta",server="%s"}' % (
        text_of(server.address))
    until(lambda: one.metric(greetings) == 2, "two sessions opened ahead")
    one.daemon.signal(signal.SIGTERM)
    for talk in server.talks:
        said(talk, "QUIT")
    assert one.daemon.wait_end() == 0


def test_they_end_with_the_worker(postern, backend):
    server = backend()
    proxy = start(postern, server)
    is_warm(proxy, server, 2)
    proxy.process.send_signal(signal.SIGHUP)
    for talk in server.talks[:2]:
        said(talk, "QUIT")
    until(lambda: len(server.talks) == 4, "those of the new workers")
    until(lambda: len(proxy.pids()) == 3, "the end of the old worker, and of the old monitor")
    proxy.rebase()
    deliver(proxy)


@pytest.mark.parametrize("state", [PAUSED, DISABLED, DOWN])
def test_not_with_a_server_that_is_not_used(state, postern, backend):
    server = backend()
    proxy = start(postern, server, probe="1h")
    until(lambda: proxy.events("server-up"), "the only probe is over")
    is_warm(proxy, server, 2)
    name = text_of(server.address)
    table = Table(proxy)
    if state == DOWN:
        table.set_health("mta", name, DOWN)
    else:
        table.set_admin("mta", name, state)
    until(lambda: not alive(server), "none is left")
    table.set_health("mta", name, UP)
    table.set_admin("mta", name, ENABLED)
    until(lambda: len(alive(server)) == 2, "two again")

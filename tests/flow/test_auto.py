"""identity = auto: what is found out of a server, that it is remembered, and that it is told of."""
# The monitor finds it out, without probes, too; clients that come earlier wait for it.

import threading
import time

import pytest

from lib import fake
from lib.basics import until
from lib.client import Client
from lib.proxyheader import ProxyServer
from test_identity import XclientServer

TEXT = b"Subject: x\r\n\r\nx\r\n.\r\n"


def start(postern, server, **more):
    return postern(backend=server.address, sections={"backend mta": {"identity": "auto"} | more},
                   timeouts={"greeting": "8s"})


def deliver(proxy):
    with Client(proxy.address()) as client:
        client.handshake()
        client.expect(220)
        client.command("EHLO client.test", 250)
        assert client.deliver(TEXT).code == 250
        client.quit()


def sessions(server):
    """Those of clients: the monitor has its own."""
    return [talk for talk in server.talks
            if any(command.startswith("MAIL ") for command in talk.commands)]


class OneHello(fake.Server):
    """Takes one EHLO a session, as OpenSMTPD does."""

    def ehlo(self, talk, line):
        if getattr(talk, "helloed", False):
            talk.say("503 5.5.1 Already identified")
            return
        talk.helloed = True
        super().ehlo(talk, line)


def test_server_that_greets_and_has_no_xclient(postern, backend):
    server = backend(OneHello())
    proxy = start(postern, server)
    deliver(proxy)
    deliver(proxy)
    assert [talk.commands[:2] for talk in sessions(server)] == (
        2 * [["EHLO client.test", "MAIL FROM:<sender@client.test>"]])
    assert len(proxy.wait_events("no-identity")) == 1


def test_xclient_is_found(postern, backend):
    server = backend(XclientServer())
    proxy = start(postern, server)
    deliver(proxy)
    deliver(proxy)
    assert len(sessions(server)) == 2
    for talk in sessions(server):
        assert talk.commands[0] == "EHLO mail.test" and talk.commands[1].startswith("XCLIENT ")
    assert len(proxy.wait_events("identity-found")) == 1


class Silent(ProxyServer, OneHello):
    """Greets behind a PROXY header alone; anything else is an end."""

    def __call__(self, talk):
        while not talk.received:
            talk.more()
        talk.wants = b"PROXY" if self.version == 1 else b"\r\n\r\n"
        if not talk.received.startswith(talk.wants):
            talk.close()
        super().__call__(talk)


@pytest.mark.parametrize("version", [2, 1])
def test_proxy_is_found_of_a_silent_server(version, postern, backend):
    server = backend(Silent(version))
    proxy = start(postern, server)
    deliver(proxy)
    assert server.talk(0).received == b""
    before = len(server.talks)
    deliver(proxy)
    assert len(server.talks) == before + 1 and len(sessions(server)) == 2
    assert [event["identity"] for event in proxy.wait_events("identity-found")] == [
        f"proxy-v{version}"]
    assert server.talks[-1].header.client[0] == "127.0.0.1"


def test_server_that_asks_for_proxy_in_words(postern, backend):
    """As Exim does, which greets when it has waited for a header."""
    class Asking(Silent):
        def __call__(self, talk):
            talk.socket.settimeout(1)
            try:
                talk.more()
            except TimeoutError:
                talk.socket.settimeout(20)
                fake.Server(EHLO="503 Command refused, required Proxy negotiation failed")(talk)
            talk.socket.settimeout(20)
            super().__call__(talk)

    server = backend(Asking(2))
    proxy = start(postern, server)
    deliver(proxy)
    assert [event["identity"] for event in proxy.wait_events("identity-found")] == ["proxy-v2"]


@pytest.mark.long
def test_slow_server_never_takes_a_header_for_a_command(postern, backend):
    def greeting(talk, _):
        time.sleep(6)
        talk.say("220 slow.test ESMTP")

    def unknown(talk, _):
        talk.say("500 5.5.2 what")

    answers = {"": unknown, "\0": unknown, "PROXY": unknown}
    server = backend(OneHello(greeting=greeting, **answers))
    proxy = start(postern, server)
    until(lambda: proxy.events("no-identity"), proxy.log, seconds=60)
    deliver(proxy)
    assert len(proxy.wait_events("no-identity")) == 1
    assert all(talk.received[:5] in (b"", b"EHLO ") for talk in sessions(server))
    assert not proxy.events("identity-found")


@pytest.mark.long
def test_what_was_found_is_forgotten_when_it_is_no_longer_so(postern, backend):
    server = backend(Silent(2))
    proxy = start(postern, server)
    deliver(proxy)
    server.serve = XclientServer(greeting=lambda talk, _: talk.say("220 new.test ESMTP"))
    server.serve.answers["\r\n"] = "500 what"

    def closes_on_headers(talk, serve=server.serve):
        talk.socket.settimeout(2)
        try:
            talk.more()
            talk.close()
        except TimeoutError:
            talk.socket.settimeout(20)
        serve(talk)

    server.serve = closes_on_headers
    with Client(proxy.address()) as client:
        client.handshake()
        client.ends("421 4.3.2 ")
    seen = len(server.talks)
    deliver(proxy)
    # The one that failed is the last that has got a header.
    assert all(talk.commands[0] in ("EHLO mail.test", "QUIT") for talk in server.talks[seen:])
    assert [event["identity"] for event in proxy.wait_events("identity-found", 2)] == [
        "proxy-v2", "xclient"]


def test_nobody_waits_for_a_server_that_is_not_there(postern, down):
    """It cannot be found how it is told; that is no reason to hold clients for long."""
    proxy = postern(backend=down, sections={"backend mta": {"identity": "auto"}},
                    timeouts={"greeting": "60s"})
    with Client(proxy.address()) as client:
        client.handshake()
        client.ends("421 4.3.2 ")
    assert proxy.sessions(1)[0]["detail"] == "no server is up"


def test_several_workers_ask_once(postern, backend):
    server = backend(XclientServer())
    proxy = postern(backend=server.address, workers=3,
                    sections={"backend mta": {"identity": "auto"}})
    for _ in range(6):
        deliver(proxy)
    assert len(proxy.wait_events("identity-found")) == 1
    assert len(sessions(server)) == 6 and len(server.talks) == 7


def test_server_that_greets_late_only_once(postern, backend):
    """It takes the headers for commands, and answers one thing after the other."""
    late = iter([6])

    def greeting(talk, _):
        time.sleep(next(late, 0))
        talk.say("220 busy.test ESMTP")

    def unknown(talk, _):
        talk.say("500 5.5.2 what")

    server = backend(fake.Server(greeting=greeting, **{"": unknown, "\0": unknown,
                                                       "PROXY": unknown, "QUIT\n": unknown}))
    proxy = start(postern, server)
    until(lambda: proxy.events("no-identity") or proxy.events("identity-found"), proxy.log,
          seconds=60)
    assert not proxy.events("identity-found")
    deliver(proxy)


def test_server_that_hangs_is_sent_no_header(postern, backend):
    """It has greeted before: more patience comes first."""
    release = threading.Event()
    server = backend(fake.Server())
    proxy = postern(backend=server.address, sections={"backend mta": {"identity": "auto"}},
                    timeouts={"greeting": "2s"})
    deliver(proxy)
    seen = len(server.talks)

    def hang(talk, _):
        release.wait()
        talk.say("220 late.test ESMTP")

    server.serve = fake.Server(greeting=hang)
    with Client(proxy.address()) as client:
        client.handshake()
        client.ends("421 4.3.2 ")
    # The client's, and two of the monitor's.
    server.talk(seen + 2)
    release.set()
    until(lambda: all(talk.is_over for talk in server.talks[seen:]), "all are over")
    assert server.talk(seen + 2).commands == ["EHLO mail.test", "QUIT"]
    assert not any(talk.received.startswith((b"PROXY", b"\r\n")) for talk in server.talks)
    deliver(proxy)
    assert len(proxy.wait_events("no-identity")) == 1


@pytest.mark.long
def test_server_that_comes_to_want_a_header(postern, backend):
    server = backend(OneHello())
    proxy = start(postern, server)
    deliver(proxy)

    def closes(talk):
        """As those do that have waited for a header in vain."""
        talk.socket.settimeout(3)
        try:
            talk.more()
        except TimeoutError:
            talk.close()
        talk.socket.settimeout(20)
        Silent(2)(talk)

    server.serve = closes
    with Client(proxy.address()) as client:
        client.handshake()
        client.ends("421 4.3.2 ")
    until(lambda: proxy.events("identity-found"), proxy.log, seconds=60)
    deliver(proxy)
    assert server.talks[-1].header.client[0] == "127.0.0.1"

"""The ledger: a record for each message, and whether the client heard what became of it."""

import signal
import threading

import pytest

from lib import fake, mail
from lib.basics import PATIENCE_S
from lib.client import Client, tls_client
from lib.postern import Postern

TEXT = mail.stuffed(mail.PLAIN)


def client_of(proxy, kind):
    if kind == "optional":
        client = Client(proxy.address())
        client.greet()
        return client
    client = tls_client(proxy.address())
    client.greet()
    return client


def another(proxy, kind):
    """All that was there before has been dealt with."""
    client_of(proxy, kind).close()


def records(proxy, count=1):
    return [(one["transaction"], one["dot"], one["verdict"], one.get("enhanced"), one["told"])
            for one in proxy.messages(count)]


TAKEN = ("1", "yes", "250", "2.0.0")
KINDS = pytest.mark.parametrize("kind", ("implicit", "optional"))


@KINDS
def test_the_next_command_shows_that_it_was_heard(kind, postern, backend):
    proxy = postern(backend=backend(fake.Server(MAIL="250 ok", RCPT="250 ok",
                                                end="250 queued")).address, tls=kind)
    client = client_of(proxy, kind)
    for number in (1, 2):
        assert client.deliver(TEXT).code == 250
        assert len(proxy.messages(number - 1)) == number - 1
    client.command("NOOP")
    assert records(proxy, 2) == [("1", "yes", "250", None, "yes"), ("2", "yes", "250", None, "yes")]
    client.quit()


@KINDS
@pytest.mark.parametrize("end, told", [("close", "yes"), ("reset", "unconfirmed"),
                                       ("close_notify", "yes")])
def test_the_end_shows_it_too_but_no_reset(kind, end, told, postern, backend):
    if (kind, end) == ("optional", "close_notify"):
        end = "close"
    proxy = postern(backend=backend().address, tls=kind)
    client = client_of(proxy, kind)
    assert client.deliver(TEXT).code == 250
    getattr(client, end)()
    assert records(proxy) == [(*TAKEN, told)]
    client.close()


@KINDS
@pytest.mark.parametrize("end, told", [("close", "unconfirmed"), ("reset", "no")])
def test_a_client_that_does_not_wait(kind, end, told, postern, backend):
    """It is gone before the server has said that the message is taken."""
    gone = threading.Event()

    def verdict(talk, _):
        gone.wait()
        talk.say("250 2.0.0 taken")

    mta = backend(fake.Server(end=verdict))
    proxy = postern(backend=mta.address, tls=kind)
    client = client_of(proxy, kind)
    client.envelope()
    client.command("DATA", 354)
    client.send(TEXT)
    if end == "close" and kind == "implicit":
        client.close_notify()
    client.socket.shutdown(1) if end == "close" else client.reset()
    another(proxy, kind)
    proxy.sessions(1)
    gone.set()
    record, = records(proxy)
    assert record[:4] == TAKEN and record[4] in (told, "unconfirmed")
    assert len(mta.messages()) == 1
    client.close()


def test_a_stop_is_heard(home, authority, backend):
    """421 and the end of the connection, which the client answers with its own."""
    proxy = Postern(home / "postern", {"ecdsa": authority.ecdsa},
                    {"implicit": {"tls": "implicit"}}, backend().address)
    try:
        client = client_of(proxy, "implicit")
        assert client.deliver(TEXT).code == 250
        proxy.process.send_signal(signal.SIGTERM)
        client.expect("421 4.3.2")
        client.close()
        assert proxy.process.wait(PATIENCE_S) == 0
        assert records(proxy) == [(*TAKEN, "yes")]
    finally:
        proxy.kill()


def test_a_verdict_before_the_end(postern, backend):
    said = threading.Event()

    def text(talk, _):
        talk.read_to(b"Subject")
        talk.say("554 5.6.0 no such mail")
        said.set()
        talk.wait_end()
        raise fake.Gone

    proxy = postern(backend=backend(fake.Server(text=text)).address)
    client = client_of(proxy, "implicit")
    client.envelope()
    client.command("DATA", 354)
    client.send(b"Subject: one\r\n")
    said.wait()
    another(proxy, "implicit")
    client.send(b"\r\ntwo\r\n.\r\n")
    client.expect(554)
    client.expect(421)
    client.close()
    assert records(proxy) == [("1", "no", "554", "5.6.0", "yes")]


def test_many_messages_ahead(postern, backend):
    """A client that does not wait for a single answer: all are taken, each has its record."""
    count = 40
    proxy = postern(backend=backend(fake.Server(keywords=["PIPELINING", "CHUNKING"])).address)
    client = client_of(proxy, "implicit")
    one = b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nBDAT 5 LAST\r\nhello"
    client.send(one * count + b"QUIT\r\n")
    client.rest()
    client.close()
    found = records(proxy, count)
    assert [record[0] for record in found] == [str(n) for n in range(1, count + 1)]
    assert {record[2] for record in found} == {"250"}
    assert found[-1][4] == "yes"
    assert set(record[4] for record in found) <= {"yes", "unconfirmed"}

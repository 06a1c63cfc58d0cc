"""Ends of sessions that need real sockets: each is told in the log by its word."""

import ssl
import time

import pytest

import proc
from lib import fake, mail
from lib.basics import until
from lib.client import Client, tls_client


def test_client_closes_between_transactions(postern, backend):
    proxy = postern(backend=backend().address)
    with tls_client(proxy.address()) as client:
        client.greet()
        client.close_notify()
        client.rest()
    assert proxy.reasons(1) == ["client-closed"]


def test_client_goes_without_a_word(postern, backend):
    proxy = postern(backend=backend().address)
    with tls_client(proxy.address()) as client:
        client.greet()
    assert proxy.reasons(1) == ["client-lost"]


def test_client_breaks_tls(postern, backend):
    """A record that nobody with the key has written."""
    proxy = postern(backend=backend().address)
    with tls_client(proxy.address()) as client:
        client.greet()
        client.send_raw(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        with pytest.raises(ssl.SSLError, match="(?i)alert"):
            client.rest()
    assert proxy.reasons(1) == ["tls-error"]


def test_client_that_takes_nothing(postern, backend):
    mta = backend(fake.Server(NOOP="250 " + "x" * 400))
    proxy = postern(backend=mta.address, timeouts={"command": "2s"})
    client = Client(proxy.address(), receive_buffer=4096)
    with client.handshake():
        client.greet()
        client.socket.settimeout(0.5)
        with pytest.raises((TimeoutError, ConnectionError)):
            for _ in range(200_000):
                client.send(b"NOOP\r\n" * 100)
        # Its last words have their own time, which is longer than we care to wait.
        until(lambda: mta.talk().is_over, "the server is let go")
        client.reset()
    assert proxy.reasons(1) == ["client-stuck"]


def test_backend_is_down(postern, down):
    proxy = postern(backend=down)
    with tls_client(proxy.address()) as client:
        client.expect("421 4.3.2")
        client.rest()
    assert proxy.reasons(1) == ["backend-down"]


def test_backend_that_takes_nothing(postern, backend):
    """The rest of the message is swallowed, then the client hears of it."""
    def text(talk, _):
        while not ended:
            time.sleep(0.05)
        raise fake.Gone

    ended = []
    mta = backend(fake.Server(text=text), receive_buffer=4096)
    proxy = postern(backend=mta.address, timeouts={"data_block": "2s"})
    whole = mail.stuffed(mail.numbered(1, 16_000_000))
    with tls_client(proxy.address()) as client:
        client.greet()
        client.envelope()
        client.command("DATA", 354)
        client.send(whole)
        client.expect("451 4.3.0")
        client.expect("421 4.3.2")
        ended.append(True)
        client.rest()
    assert proxy.reasons(1) == ["backend-stuck"]


def test_stop_that_waits_no_longer(home, authority, sink):
    directory = home / "postern"
    directory.mkdir()
    sections = proc.base(authority, sink().address) | {"timeouts": {"drain": "300ms"}}
    one = proc.Daemon(directory, sections).wait_ready()
    try:
        with tls_client(one.address()) as client:
            client.greet()
            client.envelope()
            client.command("DATA", 354)
            client.send(b"half a message\r\n")
            assert one.stop() == 0
            client.rest()
    finally:
        one.kill()
    assert [event["reason"] for event in one.events("session")] == ["drain-timeout"]

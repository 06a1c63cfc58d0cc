"""Client certificates at a real Postern: what the refused are told, and what the server sees of them:
nothing. Who is refused is the unit tests' (test_certs_clients)."""

import os
import shutil
import signal
import ssl

import pytest

from lib import fake
from lib.basics import until
from lib.client import Client, lenient_context

TEXT = b"Subject: x\r\n\r\nx\r\n.\r\n"


def context(certificate=None, **settings):
    made = lenient_context(**settings)
    if certificate:
        made.load_cert_chain(certificate.chain, certificate.key)
    return made


@pytest.fixture(scope="module")
def shown(authority):
    """Who comes: {name: certificate}."""
    return {
        "good": authority.client("good"),
        "revoked": authority.client("revoked"),
        "expired": authority.client("expired", days=-1),
        "wrong": authority.client("wrong", extension="extendedKeyUsage = serverAuth"),
        "stranger": authority.client("stranger", issuer=False),
        "none": None,
    }


@pytest.fixture
def section(authority, shown):
    return {"ca": authority.file, "crl": authority.revocations("list", shown["revoked"])}


def start(postern, backend, section, tls):
    server = backend(fake.Server())
    return server, postern(backend=server.address, tls=tls, listener={"clients": "devices"},
                           sections={"clients devices": section})


REFUSALS = {
    "revoked": ("Your certificate has been revoked", "revoked"),
    "expired": ("Your certificate has expired", "expired"),
    "wrong": ("Your certificate is not for TLS clients", "wrong-purpose"),
    "stranger": ("Your certificate is not from an authority that is known here",
                 "unknown-issuer"),
    "none": ("A client certificate is required", "none"),
}


def meet(proxy, tls, how):
    """A client's connection after the handshake."""
    client = Client(proxy.address())
    return client.handshake(how) if tls == "implicit" else client.starttls(context=how)


def by_certificate(proxy, count=len(REFUSALS)):
    """The ends of sessions, which need not come in the order of their beginnings."""
    return {event["client_certificate"]: event for event in proxy.sessions(count)}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("tls", ["implicit", "required"])
def test_refused_in_words(tls, version, postern, backend, section, shown):
    server, proxy = start(postern, backend, section, tls)
    for name, (words, _) in REFUSALS.items():
        with meet(proxy, tls, context(shown[name], maximum_version=version)) as client:
            if tls == "required":
                client.send(b"EHLO client.test\r\n")
            client.ends(f"{554 if tls == 'implicit' else 550} 5.7.0 {words}")
    assert len(server.talks) == 0
    told = by_certificate(proxy)
    assert set(told) == {word for _, word in REFUSALS.values()}
    for words, word in REFUSALS.values():
        assert (told[word]["reason"], told[word]["detail"]) == ("client-refused", words)
    assert told["revoked"]["subject"] == "CN=revoked"
    with meet(proxy, tls, context(shown["good"], maximum_version=version)) as client:
        if tls == "implicit":
            client.expect(220)
        client.command("EHLO client.test", 250)
        assert client.deliver(TEXT).code == 250
        client.quit()
    assert "verified" in by_certificate(proxy, len(REFUSALS) + 1)


def test_refused_by_alert(postern, backend, section, shown):
    server, proxy = start(postern, backend, section | {"refuse": "tls"}, "implicit")
    for name in REFUSALS:
        with Client(proxy.address()) as client, pytest.raises((ssl.SSLError, ConnectionError)):
            client.handshake(context(shown[name]))
            client.expect(220)
    assert len(server.talks) == 0
    told = by_certificate(proxy)
    assert set(told) == {word for _, word in REFUSALS.values()}
    assert {event["reason"] for event in told.values()} == {"client-refused"}
    assert told["revoked"]["subject"] == "CN=revoked"


def test_request_tells_the_log_and_refuses_nobody(postern, backend, section, shown):
    server, proxy = start(postern, backend, section | {"verify": "request"}, "optional")
    for name in shown:
        with meet(proxy, "optional", context(shown[name])) as client:
            client.command("EHLO client.test", 250)
            client.quit()
    told = by_certificate(proxy, len(shown))
    assert set(told) == {"verified", *(word for _, word in REFUSALS.values())}
    assert told["unknown-issuer"]["issuer"] == "CN=stranger"
    assert len(told["unknown-issuer"]["sha256"]) == 64
    assert server.talks


def test_login_of_the_verified_alone(postern, backend, section, shown):
    _, proxy = start(postern, backend, section | {"verify": "request", "login": "cn"}, "implicit")
    for name in ("good", "stranger"):
        with meet(proxy, "implicit", context(shown[name])) as client:
            client.greet()
            client.quit()
    told = by_certificate(proxy, 2)
    assert told["verified"]["login"] == "good"
    assert "login" not in told["unknown-issuer"]


def test_files_are_read_anew_when_they_change(postern, backend, authority, shown, tmp_path):
    crl = tmp_path / "present.crl"
    shutil.copy(authority.revocations("before", shown["revoked"]), crl)
    server, proxy = start(postern, backend, {"ca": authority.file, "crl": crl}, "implicit")
    with meet(proxy, "implicit", context(shown["good"])) as before:
        before.greet()
        proxy.file.write_text("[nonsense]\n")  # no matter: nobody asked for the configuration
        (tmp_path / "next").write_text("no list\n")
        (tmp_path / "next").rename(crl)
        until(lambda: proxy.events("reload-failed"), "a broken list is refused")
        with meet(proxy, "implicit", context(shown["good"])) as client:
            client.greet()
            client.quit()
        shutil.copy(authority.revocations("after", shown["good"]), tmp_path / "next")
        (tmp_path / "next").rename(crl)
        until(lambda: proxy.events("reloaded"), "the good one is taken")
        with meet(proxy, "implicit", context(shown["good"])) as client:
            client.expect("554 5.7.0 Your certificate has been revoked")
        assert before.deliver(TEXT).code == 250
        before.quit()
    assert len(proxy.events("reload-failed")) == 1


def test_reload_with_a_revocation_ends_resumption(postern, backend, authority, shown, tmp_path):
    crl = tmp_path / "present.crl"
    shutil.copy(authority.revocations("before", shown["revoked"]), crl)
    server, proxy = start(postern, backend, {"ca": authority.file, "crl": crl}, "implicit")
    how = context(shown["good"], maximum_version=ssl.TLSVersion.TLSv1_2)

    def come(session=None):
        client = Client(proxy.address())
        client.socket = how.wrap_socket(client.socket, session=session, server_hostname="x.test")
        return client

    with come() as client:
        client.greet()
        session = client.socket.session
        client.command("QUIT", 221)
    with come(session) as client:
        assert client.socket.session_reused
        client.greet()
        client.command("QUIT", 221)
    shutil.copy(authority.revocations("after", shown["revoked"], shown["good"]), crl)
    os.kill(proxy.pid, signal.SIGHUP)
    until(lambda: proxy.events("reloaded"), "the reload")
    with come(session) as client:
        assert not client.socket.session_reused
        client.expect("554 5.7.0 Your certificate has been revoked")

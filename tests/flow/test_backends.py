"""
What real servers make of each identity: whose address they log. docs/backends.md has the matrix, and
this holds it to what is so.
"""

import base64
import itertools
import re

import pytest

from lib import backends
from lib.basics import ROOT, until
from lib.client import Client, lenient_context, tls_client

TEXT = b"Subject: x\r\n\r\nx\r\n.\r\n"
PAGE = ROOT / "docs" / "backends.md"
COLUMNS = ("proxy-v1", "proxy-v2", "xclient", "none")
STRANGER = {"127.0.0.1": "127.0.0.77", "::1": "::1"}
NAMES = {"127.0.0.1": "v4", "::1": "v6"}
OWN = "127.0.0.1"


def matrix():
    """{(server, identity): word} of the page's first table."""
    page = PAGE.read_text().split("\n## What")[0]
    rows = re.findall(r"^\| (\w+) \|(.*)\|$", page, re.MULTILINE)
    return {(name.lower(), column): cell.strip()
            for name, cells in rows for column, cell in zip(COLUMNS, cells.split("|"))
            if name.lower() in backends.ALL}


MATRIX = matrix()


def setup_for(name, identity):
    """How the server is set up where Postern speaks so; "plain" where it cannot be."""
    setup = {"proxy-v1": "proxy", "proxy-v2": "proxy", "xclient": "xclient"}.get(identity, "plain")
    known = getattr(backends.ALL[name], "SETUPS", None) or backends.ALL[name].SETTINGS
    return setup if setup in known else "plain"


def credentials(user, password):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def deliver(proxy, tls, host, certificate=None, login=None):
    """The verdict on a message, or of the reply that ends it before."""
    context = lenient_context()
    if certificate:
        context.load_cert_chain(certificate.chain, certificate.key)
    with Client(proxy.address(f"{tls}-{NAMES[host]}"), source=STRANGER[host]) as client:
        try:
            if tls == "implicit":
                client.handshake(context)
                client.expect(220)
            elif tls == "required":
                client.starttls(context=context)
            else:
                client.expect(220)
            client.command("EHLO client.test", 250)
            if login:
                client.command(f"AUTH PLAIN {credentials(*login)}", 235)
            code = client.deliver(TEXT).code
            client.quit()
            return code
        except (AssertionError, ConnectionError):
            return None


def listeners(clients=False):
    """Each kind of TLS, on IPv4 and IPv6."""
    made = {}
    for tls, host in itertools.product(("implicit", "required", "optional"), STRANGER):
        address = f"[{host}]:0" if ":" in host else f"{host}:0"
        made[f"{tls}-{NAMES[host]}"] = {"tls": tls, "address": address}
        if clients and tls != "optional":
            made[f"{tls}-{NAMES[host]}"]["clients"] = "devices"
    return made


def start(postern, server, identity, authority, **more):
    return postern(backend=server.address, listeners=listeners(True), policy={"auth": "always"},
                   sections={"backend mta": {"identity": identity} | more,
                             "clients devices": {"ca": authority.file, "verify": "request",
                                                 "login": "cn"}})


def found_out(proxy, server, certificate, wanted):
    """Delivers in every way; the word for what the server has logged."""
    codes, sent = [], []
    for tls, host, shown in itertools.product(("implicit", "required", "optional"), STRANGER,
                                              (None, certificate)):
        codes.append(deliver(proxy, tls, host, shown, getattr(server, "login", None)))
        sent.append(STRANGER[host])
    if codes == [None] * len(codes):
        return "no service"
    assert codes == [250] * len(codes), codes
    until(lambda: len(server.clients()) >= len(codes),
          lambda: f"{wanted}: {server.clients()} logged")
    logged = sorted(server.clients())
    return {tuple(sorted(sent)): "the client", (OWN,) * len(sent): "Postern"}.get(tuple(logged),
                                                                                  str(logged))


@pytest.mark.parametrize("name, identity", MATRIX)
def test_whose_address_is_logged(name, identity, start_backend, postern, authority):
    server = start_backend(name, setup_for(name, identity))
    more = {"proxy_header_size": 231} if name == "exim" else {}
    proxy = start(postern, server, identity, authority, **more)
    wanted = MATRIX[name, identity]
    assert found_out(proxy, server, authority.client("device"), wanted) == wanted


def test_matrix_is_whole():
    assert set(MATRIX) == set(itertools.product(backends.ALL, COLUMNS))


def test_login_by_certificate(start_backend, postern, authority):
    """Postfix takes XCLIENT LOGIN for that of AUTH."""
    server = start_backend("postfix", "xclient")
    proxy = start(postern, server, "xclient", authority)
    assert deliver(proxy, "implicit", "127.0.0.1", authority.client("device")) == 250
    until(server.logins, lambda: server.log())
    assert server.logins() == ["device"]


def test_dovecot_offers_auth_to_clients_with_tls(start_backend, postern, authority):
    """It announces no mechanism to probes, which have no TLS; clients of a pool see it all the same."""
    server = start_backend("dovecot", "tls-login")
    pool = "127.0.0.1:{0}, localhost:{0}".format(server.address[1])
    proxy = postern(backend=pool, sections={"backend mta": {"identity": "proxy-v2",
                                                            "probe": "100ms"}})
    until(lambda: len(proxy.events("server-offers")) == 2, proxy.log)
    assert proxy.events("server-offers")[0]["offers"].endswith(" AUTH")
    with tls_client(proxy.address()) as client:
        assert "AUTH PLAIN" in client.greet().keywords
        client.quit()


def auto_table():
    """{(server, setup): identity} of the page's second table."""
    rows = re.findall(r"^\| (\w+) \| (proxy|xclient|plain) \| ([\w-]+) \|$", PAGE.read_text(),
                      re.MULTILINE)
    return {(name.lower(), setup): found for name, setup, found in rows}


@pytest.mark.parametrize("name, setup", auto_table())
def test_auto_finds(name, setup, start_backend, postern, authority):
    wanted = auto_table()[name, setup]
    server = start_backend(name, setup)
    proxy = start(postern, server, "auto", authority)
    login = getattr(server, "login", None)
    wide = authority.named("wide", "n" * 200)  # would make the header longer than Exim takes it
    assert [deliver(proxy, "implicit", host, wide, login) for host in STRANGER] == [250, 250]
    until(lambda: len(server.clients()) >= 2, lambda: str(server.clients()))
    assert sorted(server.clients()) == sorted(2 * [OWN] if wanted == "none" else STRANGER.values())
    word = "no-identity" if wanted == "none" else "identity-found"
    assert [event.get("identity", "none") for event in proxy.wait_events(word)] == [wanted]
    assert len(proxy.events("no-identity")) + len(proxy.events("identity-found")) == 1


def test_auto_table_is_whole():
    assert set(auto_table()) == {
        (name, setup) for name, made in backends.ALL.items()
        for setup in getattr(made, "SETUPS", None) or made.SETTINGS if setup != "tls-login"}

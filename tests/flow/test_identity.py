"""
What a server is told of the client: by PROXY headers and by XCLIENT, to a scripted server that
looks at every byte. What real servers make of it: test_identity_mtas.py.
"""

import ssl

import pytest

from lib import fake
from lib.basics import AS_ROOT, until
from lib.client import Client, lenient_context
from lib.proxyheader import ProxyServer

TEXT = b"Subject: x\r\n\r\nx\r\n.\r\n"
MODES = pytest.mark.parametrize("tls", ["implicit", "required", "optional"])


def start(postern, server, identity, tls="implicit", address="127.0.0.1:0", clients=None, **more):
    listener = {"address": address} | ({"clients": "devices"} if clients else {})
    sections = {"backend mta": {"identity": identity} | more}
    if clients:
        sections["clients devices"] = clients
    return postern(backend=server.address, tls=tls, listener=listener, sections=sections)


def meet(proxy, tls, context=None, **more):
    client = Client(proxy.address())
    if tls == "implicit":
        client.handshake(context, **more)
        client.expect(220)
    else:
        client.starttls(context=context, **more)
    client.command("EHLO client.test", 250)
    return client


def cipher(client):
    return client.tls.cipher()[0]


class XclientServer(fake.Server):
    """Greets anew after XCLIENT, as Postfix does."""

    ATTRIBUTES = "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"

    def __init__(self, **more):
        answers = {"XCLIENT": "220 again.test ESMTP"} | more
        super().__init__(keywords=(*fake.KEYWORDS, f"XCLIENT {self.ATTRIBUTES}"), **answers)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("version", [1, 2])
@MODES
def test_proxy_header_comes_first(tls, version, host, postern, backend):
    server = backend(ProxyServer(version))
    address = "[::1]:0" if ":" in host else "127.0.0.1:0"
    proxy = start(postern, server, f"proxy-v{version}", tls, address)
    with meet(proxy, tls) as client:
        assert client.deliver(TEXT).code == 250
        client.quit()
    talk = server.talk(1 if tls == "optional" else 0)
    assert talk.header.client == (host, client.port)
    assert talk.header.local == (host, proxy.address()[1])
    assert proxy.reasons(1) == ["quit"]
    if tls == "optional":
        assert server.talk(0).header.ssl is None


@MODES
def test_facts_of_tls(tls, postern, backend):
    server = backend(ProxyServer(2))
    proxy = start(postern, server, "proxy-v2", tls)
    context = lenient_context(minimum_version=ssl.TLSVersion.TLSv1_3)
    context.set_alpn_protocols(["smtp"])
    with meet(proxy, tls, context) as client:
        client.quit()
    header = server.talk(1 if tls == "optional" else 0).header
    assert header.ssl == (1, 1, {"version": b"TLSv1.3", "cipher": cipher(client).encode()})
    assert header.tlvs["authority"] == b"mail.test"
    assert header.tlvs["alpn"] == b"smtp"
    assert header.tlvs["unique_id"].decode() == proxy.sessions(1)[0]["id"]


def test_plain_session_claims_no_tls(postern, backend):
    server = backend(ProxyServer(2))
    proxy = start(postern, server, "proxy-v2", "optional")
    with Client(proxy.address()) as client:
        client.greet()
        client.quit()
    assert server.talk().header.ssl is None
    assert list(server.talk().header.tlvs) == ["unique_id"]


def shown(context, certificate):
    context.load_cert_chain(certificate.chain, certificate.key)
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("tls", ["implicit", "required"])
def test_certificate_verified_and_resumed(tls, version, postern, backend, authority):
    server = backend(ProxyServer(2))
    proxy = start(postern, server, "proxy-v2", tls, clients={"ca": authority.file})
    context = shown(lenient_context(maximum_version=version), authority.client("device"))
    with meet(proxy, tls, context) as client:
        client.quit()
        session = client.tls.session
    facts = server.talk().header.ssl
    assert facts[:2] == (7, 0) and facts[2]["cn"] == b"device"
    with meet(proxy, tls, context, session=session) as client:
        client.quit()
    assert proxy.sessions(2)[1]["resumed"] == "yes"
    facts = server.talk(1).header.ssl
    assert facts[:2] == (5, 0) and facts[2]["cn"] == b"device"


def test_certificate_that_is_not_verified(postern, backend, authority):
    server = backend(ProxyServer(2))
    section = {"ca": authority.file, "verify": "request"}
    proxy = start(postern, server, "proxy-v2", clients=section)
    context = shown(lenient_context(), authority.client("stranger", issuer=False))
    with meet(proxy, "implicit", context) as client:
        client.quit()
    client, verify, facts = server.talk().header.ssl
    assert (client, verify) == (7, 1) and facts["cn"] == b"stranger"


HOSTILE = {
    "line-ends": ("a\\0D\\0Ab XCLIENT LOGIN=root", False),
    "blanks": ("a = b + c", True),
    "long": ("x" * 60000, False),
    "none": ("", False),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_common_name(name, postern, backend, authority):
    text, is_told = HOSTILE[name]
    certificate = authority.named(f"hostile-{name}", text.replace("\\0D\\0A", "\r\n"))
    server = backend(ProxyServer(2))
    section = {"ca": authority.file, "verify": "request"}
    proxy = start(postern, server, "proxy-v2", clients=section)
    with meet(proxy, "implicit", shown(lenient_context(), certificate)) as client:
        assert client.deliver(TEXT).code == 250
        client.quit()
    facts = server.talk().header.ssl[2]
    assert facts.get("cn") == (text.encode() if is_told else None)
    assert all(" session " in line or " message " in line
               for line in proxy.log().splitlines() if "id=" in line)


def test_header_is_kept_short(postern, backend, authority):
    server = backend(ProxyServer(2))
    proxy = start(postern, server, "proxy-v2", clients={"ca": authority.file},
                  proxy_header_size=231)
    certificate = authority.named("wide", "n" * 200)
    with meet(proxy, "implicit", shown(lenient_context(), certificate)) as client:
        client.quit()
    header = server.talk().header
    assert header.length < 232
    assert header.ssl[:2] == (7, 0) and "cn" not in header.ssl[2]


@MODES
def test_xclient_before_anything_is_shown(tls, postern, backend):
    server = backend(XclientServer())
    proxy = start(postern, server, "xclient", tls)
    with meet(proxy, tls) as client:
        assert client.deliver(TEXT).code == 250
        client.quit()
    talk = server.talk(1 if tls == "optional" else 0)
    assert talk.commands[:3] == [
        "EHLO mail.test",
        f"XCLIENT NAME=[UNAVAILABLE] PORT={client.port} DESTADDR=127.0.0.1 "
        f"DESTPORT={proxy.address()[1]} ADDR=127.0.0.1",
        "EHLO client.test"]
    assert proxy.reasons(1) == ["quit"]
    assert not proxy.events("no-identity")


def test_xclient_shows_one_greeting(postern, backend):
    server = backend(XclientServer())
    proxy = start(postern, server, "xclient", address="[::1]:0")
    with Client(proxy.address()) as client:
        client.handshake()
        assert client.expect(220).text == "220 again.test ESMTP"
        assert "XCLIENT" not in client.command("EHLO client.test", 250).text
        client.quit()
    assert server.talk().commands[1].endswith("DESTADDR=IPV6:::1 DESTPORT="
                                              f"{proxy.address()[1]} ADDR=IPV6:::1")


def test_server_without_xclient_is_warned_of(postern, backend):
    server = backend()
    proxy = start(postern, server, "xclient")
    with meet(proxy, "implicit") as client:
        client.quit()
    for number, hello in enumerate(("EHLO mail.test", "EHLO client.test")):
        until(lambda: server.talk(number).commands == [hello, "QUIT"],
              lambda: f"QUIT after {server.talk(number).commands}")
    assert len(proxy.events("no-identity")) == 1


@pytest.mark.parametrize("tls", ["implicit", "required"])
def test_refused_xclient_is_no_service(tls, postern, backend):
    server = backend(XclientServer(XCLIENT="550 5.7.0 not you"))
    proxy = start(postern, server, "xclient", tls)
    with Client(proxy.address()) as client:
        if tls == "implicit":
            client.handshake()
        else:
            client.starttls()
            client.send(b"EHLO client.test\r\n")
        client.ends("421 4.3.0 ")
    assert server.talk().commands == ["EHLO mail.test", server.talk().commands[1]]
    assert proxy.reasons(1) == ["backend-identity"]


@pytest.mark.parametrize("hello", ["421 4.3.2 busy", "550 no"])
def test_refused_ehlo_of_our_own(hello, postern, backend):
    server = backend(fake.Server(EHLO=hello))
    proxy = start(postern, server, "xclient")
    with Client(proxy.address()) as client:
        client.handshake()
        client.ends("421 4.3.2 ")
    assert proxy.reasons(1) == ["backend-refused"]


def test_server_that_leaves_while_it_is_told(postern, backend):
    def leave(talk, _):
        talk.close()

    server = backend(XclientServer(XCLIENT=leave))
    proxy = start(postern, server, "xclient")
    with Client(proxy.address()) as client:
        client.handshake()
        client.ends("421 4.3.2 ")
    assert proxy.reasons(1) == ["backend-lost"]


@pytest.mark.parametrize("tls", ["implicit", "required"])
def test_login_by_certificate(tls, postern, backend, authority):
    """Of who is verified, resumed or not; nobody else has one."""
    server = backend(XclientServer())
    proxy = start(postern, server, "xclient", tls,
                  clients={"verify": "request", "ca": authority.file, "login": "cn"})
    names = {"anna": True, "eve": False}
    for number, (name, good) in enumerate(names.items()):
        shown = authority.client(name) if good else authority.client(name, issuer=False)
        context = lenient_context(maximum_version=ssl.TLSVersion.TLSv1_2)
        context.load_cert_chain(shown.chain, shown.key)
        with meet(proxy, tls, context) as client:
            client.quit()
        assert ("LOGIN=anna" in server.talk(number).commands[1]) == good
        assert ("LOGIN=" in server.talk(number).commands[1]) == good


@pytest.mark.skipif(not AS_ROOT, reason="CAP_NET_RAW is needed")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_transparent(address, postern, backend):
    """The server sees the client's own address; a client of the other family gets no service."""
    server = backend()
    text = "[::1]:0" if ":" in address else f"{address}:0"
    proxy = start(postern, server, "transparent", address=text)
    with Client(proxy.address(), source=None if ":" in address else "127.0.0.77") as client:
        client.handshake()
        if ":" in address:
            client.ends("421 4.3.2 ")
            assert proxy.reasons(1) == ["backend-down"] and not server.talks
            return
        client.greet()
        assert client.deliver(TEXT).code == 250
        assert server.talk().socket.getpeername()[0] == "127.0.0.77"
        assert server.talk().socket.getpeername()[1] != client.port
        client.quit()
    assert proxy.reasons(1) == ["quit"]

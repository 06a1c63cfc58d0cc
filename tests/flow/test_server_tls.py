"""TLS towards the backend: by STARTTLS and from the first byte, verified or refused, resumed."""

import hashlib
import ssl
import subprocess

import pytest

from lib import fake
from lib.basics import POSTERN
from lib.certs import openssl
from lib.client import Client

TEXT = b"Subject: x\r\n\r\nx\r\n.\r\n"
KINDS = pytest.mark.parametrize("kind", ["starttls", "implicit"])


def server_context(certificate, **settings):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate.chain, certificate.key)
    for name, value in settings.items():
        setattr(made, name, value)
    return made


class TlsServer(fake.Server):
    def __init__(self, context, kind, **more):
        super().__init__(**({"STARTTLS": self.starttls} | more))
        self.context, self.kind = context, kind
        if kind == "starttls":
            self.keywords = (*self.keywords, "STARTTLS")

    def __call__(self, talk):
        talk.secured = False
        if self.kind == "implicit":
            self.secure(talk)
        super().__call__(talk)

    def secure(self, talk):
        try:
            talk.socket = self.context.wrap_socket(talk.socket, server_side=True)
        except (ssl.SSLError, ConnectionError, OSError):
            raise fake.Gone from None
        talk.secured = True

    def starttls(self, talk, _):
        talk.say("220 2.0.0 go")
        self.secure(talk)

    def offers(self, talk):
        return [word for word in self.keywords if word != "STARTTLS" or not talk.secured]


def start(postern, server, kind, authority, **more):
    settings = {"tls": kind, "tls_ca": authority.file, "tls_name": "mail.test"} | more
    settings = {name: value for name, value in settings.items() if value is not None}
    return postern(backend=server.address, sections={"backend mta": settings})


def is_refused(proxy, detail):
    with Client(proxy.address()) as client:
        client.handshake()
        client.ends("421 4.3.2 ")
    end = proxy.sessions(1)[0]
    assert end["reason"] == "backend-tls"
    assert detail in end["detail"]


@KINDS
@pytest.mark.parametrize("tls", ["implicit", "required", "optional"])
def test_verified(tls, kind, postern, backend, authority):
    server = backend(TlsServer(server_context(authority.ecdsa), kind))
    settings = {"tls": kind, "tls_ca": authority.file, "tls_name": "mail.test"}
    proxy = postern(backend=server.address, tls=tls, sections={"backend mta": settings})
    with Client(proxy.address()) as client:
        if tls == "implicit":
            client.handshake()
            client.expect(220)
        else:
            client.starttls()
        assert "STARTTLS" not in client.command("EHLO client.test", 250).text
        big = b"Subject: x\r\n\r\n" + (b"x" * 70 + b"\r\n") * 20000 + b".\r\n"
        assert client.deliver(big).code == 250
        client.quit()
    talk = server.talk(1 if tls == "optional" else 0)
    assert talk.secured and talk.messages == [big[:-3]]
    assert talk.commands[: 2 if kind == "starttls" else 0] == (
        ["EHLO mail.test", "STARTTLS"] if kind == "starttls" else [])
    assert proxy.reasons(1) == ["quit"]


@KINDS
def test_name_of_the_certificate(kind, postern, backend, authority):
    server = backend(TlsServer(server_context(authority.ecdsa), kind))
    is_refused(start(postern, server, kind, authority, tls_name="other.test"),
               "hostname mismatch")
    assert server.talk().messages == []


def test_address_is_the_name_where_no_other_is(postern, backend, authority):
    server = backend(TlsServer(server_context(authority.ecdsa), "implicit"))
    is_refused(start(postern, server, "implicit", authority, tls_name=None),
               "IP address mismatch")


@KINDS
def test_unknown_authority(kind, postern, backend, authority):
    stranger = authority.client("server-stranger", issuer=False)
    server = backend(TlsServer(server_context(stranger), kind))
    is_refused(start(postern, server, kind, authority), "self-signed certificate")


def pin_of(certificate):
    public = openssl("x509", "-in", certificate.chain, "-noout", "-pubkey")
    der = subprocess.run(("openssl", "pkey", "-pubin", "-outform", "DER"), input=public.encode(),
                         capture_output=True, check=True).stdout
    return "spki:" + hashlib.sha256(der).hexdigest()


@KINDS
def test_pinned_key(kind, postern, backend, authority):
    stranger = authority.client("server-pinned", issuer=False)
    server = backend(TlsServer(server_context(stranger), kind))
    pins = f"spki:{'0' * 64}, {pin_of(stranger)}"
    proxy = start(postern, server, kind, authority, tls_ca=None, tls_name=None, tls_pin=pins)
    with Client(proxy.address()) as client:
        client.handshake().greet()
        assert client.deliver(TEXT).code == 250
        client.quit()


def test_another_key_than_the_pinned(postern, backend, authority):
    server = backend(TlsServer(server_context(authority.ecdsa), "implicit"))
    is_refused(start(postern, server, "implicit", authority, tls_ca=None, tls_name=None,
                     tls_pin=f"spki:{'0' * 64}"), "none of tls_pin")


@KINDS
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_session_is_resumed(version, kind, postern, backend, authority):
    context = server_context(authority.rsa, maximum_version=version)
    server = backend(TlsServer(context, kind))
    proxy = start(postern, server, kind, authority)
    for number in range(3):
        with Client(proxy.address()) as client:
            client.handshake().greet()
            assert client.deliver(TEXT).code == 250
            client.quit()
        proxy.sessions(number + 1)
    assert context.session_stats()["hits"] == 2


@pytest.mark.parametrize("policy", ["intermediate", "legacy"])
def test_old_server(policy, postern, backend, authority):
    context = server_context(authority.rsa, minimum_version=ssl.TLSVersion.TLSv1,
                             maximum_version=ssl.TLSVersion.TLSv1)
    context.set_ciphers("AES128-SHA:@SECLEVEL=0")
    server = backend(TlsServer(context, "starttls"))
    proxy = start(postern, server, "starttls", authority, tls_policy=policy)
    if policy == "intermediate":
        is_refused(proxy, "")
        return
    with Client(proxy.address()) as client:
        client.handshake().greet()
        assert client.deliver(TEXT).code == 250
        client.quit()


def test_starttls_is_not_offered(postern, backend, authority):
    server = backend(fake.Server())
    is_refused(start(postern, server, "starttls", authority), "offers no STARTTLS")
    assert server.talk().commands == ["EHLO mail.test"]


def test_starttls_is_refused(postern, backend, authority):
    server = backend(TlsServer(None, "starttls", STARTTLS="454 4.7.0 not now"))
    is_refused(start(postern, server, "starttls", authority), "offers no STARTTLS")


def test_bytes_behind_the_answer_to_starttls(postern, backend, authority):
    """CVE-2021-38371 and kin."""
    def inject(talk, _):
        talk.say("220 go", "250-injected", "250 XCLIENT ADDR")
        talk.wait_end()

    server = backend(TlsServer(None, "starttls", STARTTLS=inject))
    is_refused(start(postern, server, "starttls", authority), "bytes came behind")


@KINDS
def test_handshake_that_hangs(kind, postern, backend, authority):
    server = backend(TlsServer(None, kind))
    server.serve.secure = lambda talk: talk.wait_end()
    settings = {"tls": kind, "tls_ca": authority.file, "tls_name": "mail.test"}
    proxy = postern(backend=server.address, sections={"backend mta": settings},
                    timeouts={"greeting": "500ms"})
    with Client(proxy.address()) as client:
        client.handshake()
        client.ends("421 4.3.2 ")
    assert proxy.reasons(1) == ["backend-timeout"]


def test_server_that_cuts_the_stream_in_a_message(postern, backend, authority):
    def cut(talk, _):
        talk.read(1000)
        talk.socket.unwrap = None
        talk.reset()

    server = backend(TlsServer(server_context(authority.ecdsa), "implicit", text=cut))
    proxy = start(postern, server, "implicit", authority)
    with Client(proxy.address()) as client:
        client.handshake().greet()
        client.envelope()
        client.command("DATA", 354)
        client.send(b"x" * 998 + b"\r\n" + b"\r\n.\r\n")
        client.ends("451 4.3.0 ")
    assert proxy.reasons(1) == ["backend-lost"]


@pytest.mark.parametrize("settings, words", [
    ({"server": "unix:/run/mta", "tls": "implicit"}, "`tls_name` is needed"),
    ({"server": "mx.test:25", "tls": "implicit", "tls_ca": "/nonexistent"}, "tls_ca: "),
])
def test_check_complains(settings, words, tmp_path, authority):
    settings = {"server": "127.0.0.1:25", "tls_ca": authority.file} | settings
    settings["server"] = settings["server"].replace("mx.test", "127.0.0.1")
    file = tmp_path / "postern.ini"
    lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
    file.write_text(f"[postern]\nuser = nobody\n[listener a]\naddress = 127.0.0.1:4650\n"
                    f"[certificate a]\nchain = {authority.ecdsa.chain}\n"
                    f"key = {authority.ecdsa.key}\n[backend mta]\n{lines}")
    done = subprocess.run((POSTERN, "-c", file, "check"), capture_output=True, text=True)
    assert done.returncode == 2 and words in done.stdout + done.stderr

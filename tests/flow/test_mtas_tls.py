"""TLS towards real servers: verified by authority and name, or by pin; refused where it is not so."""

import base64
import re

import pytest

from lib import mtas, rooms
from lib.basics import AS_ROOT, tcp_connections, until
from lib.certs import Authority
from lib.client import Client, tls_client
from lib.sasl import Sasl
from test_open_relay import refuses_strangers
from test_server_tls import is_refused, pin_of

TEXT = b"Subject: x\r\n\r\nx\r\n.\r\n"
PEER = {"implicit": {"smtpd_tls_wrappermode": "yes"}, "starttls": {}}
POSTFIX_COMPLAINTS = ("warning", "error", "fatal", "lost connection", "improper")


def postfix_tls(kind, certificate, **more):
    return {"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": certificate.chain,
            "smtpd_tls_key_file": certificate.key, "smtpd_tls_loglevel": "1"} | PEER[kind] | more


class TlsExim(mtas.Exim):
    """Takes mail with TLS alone."""

    package = "exim4-daemon-heavy"

    def __init__(self, directory, kind, certificate, more=""):
        self.kind, self.certificate, self.more = kind, certificate, more
        super().__init__(directory, False)

    def configure(self, tolerant):
        for file, name in ((self.certificate.chain, "mx.pem"), (self.certificate.key, "mx.key")):
            self.room.write(f"/etc/exim4/{name}", file.read_text())
        always = f"tls_on_connect_ports = {self._port.number}\n" if self.kind == "implicit" else ""
        self.SETTINGS = self.SETTINGS.replace("tls_advertise_hosts =\n", (
            "tls_advertise_hosts = *\ntls_certificate = /etc/exim4/mx.pem\n"
            "tls_privatekey = /etc/exim4/mx.key\n" + always + self.more))
        super().configure(tolerant)

    def log(self):
        return self.room.path("/var/log/exim4/mainlog").read_text()


@pytest.fixture
def start_mta(request, home, start_postfix, authority):
    """A server with TLS, which may be told of clients: start_mta("exim", "starttls", certificate)."""
    started = []

    def start(name, kind, certificate, told="none"):
        if name == "postfix":
            more = {"xclient": {"smtpd_authorized_xclient_hosts": "127.0.0.1"},
                    "proxy-v2": {"smtpd_upstream_proxy_protocol": "haproxy"}}.get(told, {})
            return start_postfix(**postfix_tls(kind, certificate, **more))
        try:
            one = TlsExim(home, kind, certificate,
                          "hosts_proxy = 127.0.0.1\n" if told == "proxy-v2" else "")
        except rooms.Unavailable as why:
            pytest.skip(f"{name}: {why}")
        request.node.flow_logs = getattr(request.node, "flow_logs", []) + [one.log_file]
        started.append(one)
        return one

    yield start
    for one in started:
        one.stop()


def start(postern, server, kind, **more):
    return postern(backend=server.address,
                   sections={"backend mta": {"tls": kind, "proxy_header_size": 231} | more})


def deliver(address, source=None):
    with Client(address, source=source) as client:
        client.handshake().greet()
        assert client.deliver(TEXT).code == 250
        client.quit()


WAYS = [("postfix", "starttls", "none"), ("postfix", "starttls", "xclient"),
        ("postfix", "starttls", "proxy-v2"), ("postfix", "implicit", "none"),
        ("postfix", "implicit", "xclient"), ("postfix", "implicit", "proxy-v2"),
        ("exim", "starttls", "none"), ("exim", "starttls", "proxy-v2"),
        ("exim", "implicit", "none"), ("exim", "implicit", "proxy-v2")]
HEARD = {"postfix": r"TLS connection established from", "exim": r" <= .* X=TLS1\.3"}
FROM = {"postfix": ": client=unknown[127.0.0.77]", "exim": " [127.0.0.77] P=esmtps "}


def trusting(authority, trust):
    return {"ca": {"tls_ca": authority.file, "tls_name": "mail.test"},
            "pin": {"tls_pin": pin_of(authority.ecdsa)}}[trust]


@pytest.mark.parametrize("name, kind, told, trust", [
    *((*way, "ca") for way in WAYS), *((*way, "pin") for way in WAYS if way[2] == "none")])
def test_mail_goes_through(name, kind, told, trust, start_mta, postern, authority):
    server = start_mta(name, kind, authority.ecdsa, told)
    proxy = start(postern, server, kind, identity=told, **trusting(authority, trust))
    for _ in range(2):
        deliver(proxy.address(), "127.0.0.77")
    client = "127.0.0.1" if told == "none" else "127.0.0.77"
    until(lambda: server.log().count(FROM[name].replace("127.0.0.77", client)) == 2, server.log)
    assert len(re.findall(HEARD[name], server.log())) == 2


@pytest.mark.parametrize("name, kind", [("postfix", "starttls"), ("postfix", "implicit"),
                                        ("exim", "starttls"), ("exim", "implicit")])
def test_what_is_not_trusted_gets_no_session(name, kind, start_mta, postern, authority, tmp_path):
    server = start_mta(name, kind, authority.ecdsa)
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other")
    good = trusting(authority, "ca")
    for more, words in (
            (good | {"tls_ca": stranger.file}, "self-signed certificate in certificate chain"),
            (good | {"tls_name": "other.test"}, "hostname mismatch"),
            ({"tls_pin": pin_of(stranger.ecdsa)}, "none of tls_pin")):
        proxy = start(postern, server, kind, **more)
        is_refused(proxy, words)
    assert server.log().count(FROM[name].replace("127.0.0.77", "127.0.0.1")) == 0


@pytest.fixture
def public(home):
    """An authority's file, copied to where the monitor, which is nobody, can read it."""

    def place(authority):
        file = home / "ca.pem"
        file.write_text(authority.file.read_text())
        return file

    return place


@pytest.fixture
def probing(daemon, base):
    def start(address, env=None, **options):
        sections = base(address, workers=1)
        sections["backend mta"] |= {"probe": "100ms"} | options
        return daemon(sections, env=env)

    return start


@pytest.mark.parametrize("kind", ["starttls", "implicit"])
def test_probes_of_postfix_over_tls(kind, probing, start_postfix, authority, public):
    postfix = start_postfix(**postfix_tls(kind, authority.ecdsa))
    before = postfix.log_so_far()
    one = probing(postfix.address, tls=kind, tls_ca=public(authority), tls_name="mail.test",
                  probe="2s")  # time enough to stop between two
    one.wait_events("server-up")
    ends = {"starttls": "ehlo=3 starttls=1 quit=1 commands=5",
            "implicit": "ehlo=1 quit=1 commands=2"}[kind]
    until(lambda: postfix.log().count(ends) >= 3, lambda: postfix.log()[-2000:])
    assert one.stop() == 0
    until(lambda: not tcp_connections(postfix.address[1]), "all have ended")
    said = postfix.log()[before:]
    assert not any(word in said for word in POSTFIX_COMPLAINTS), said


@pytest.mark.parametrize("trusted", [True, False])
def test_whom_the_system_trusts(trusted, probing, start_postfix, authority, public, tmp_path):
    """OpenSSL's environment names the list; the name to verify is that of the server, as written."""
    postfix = start_postfix(**postfix_tls("starttls", authority.ecdsa))
    (tmp_path / "other").mkdir()
    file = public(authority if trusted else Authority(tmp_path / "other"))
    one = probing(("localhost", postfix.address[1]), {"SSL_CERT_FILE": str(file)}, tls="starttls",
                  tls_ca="system")
    if trusted:
        one.wait_events("server-up")
        deliver(one.address())
        postfix.messages(1)
    else:
        assert "self-signed certificate in certificate chain" in one.wait_events("server-down")[0]["why"]
        with tls_client(one.address()) as client:
            client.ends("421 4.3.2 ")
        assert postfix.count() == 0
    assert one.stop() == 0


def test_postfix_that_hides_auth_from_plain_text(probing, start_postfix, home, authority, public):
    """What the warning says to do is the remedy."""
    sasl = Sasl(home / "sasl", "user", "secret")
    more = {"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot",
            "smtpd_sasl_path": home / "sasl", "smtpd_tls_auth_only": "yes"}
    postfix = start_postfix(**postfix_tls("starttls", authority.ecdsa, **more))
    one = probing(postfix.address)
    assert "`tls = starttls`" in one.wait_events("server-no-auth")[0]["message"]
    with tls_client(one.address()) as client:
        assert not any("AUTH" in keyword for keyword in client.greet().keywords)
        client.quit()
    one.stop()
    one = probing(postfix.address, tls="starttls", tls_ca=public(authority), tls_name="mail.test")
    assert "AUTH=PLAIN,LOGIN" in one.wait_events("server-offers")[0]["offers"]
    with tls_client(one.address()) as client:
        client.greet()
        login = base64.b64encode(b"\0user\0secret").decode()
        client.command(f"AUTH PLAIN {login}", 235)
        assert client.deliver(TEXT).code == 250
        client.quit()
    assert not one.events("server-no-auth")
    assert one.stop() == 0
    sasl.stop()


@pytest.mark.skipif(not AS_ROOT, reason="only root can read what others cannot")
def test_authorities_that_only_root_can_read(daemon, base, backend, authority):
    """Sessions have TLS; the monitor, which is nobody, says what it cannot do, and what to do."""
    server = backend()
    sections = base(server.address)
    sections["backend mta"] |= {"tls": "starttls", "tls_ca": authority.file, "probe": "100ms",
                                "open_relay": "refuse"}
    one = daemon(sections)
    message = one.wait_events("monitor")[0]["message"]
    assert "Permission denied" in message and "let the user that Postern runs as read" in message
    refuses_strangers(one, 1)
    assert server.talks == []
    assert one.stop() == 0

"""
STARTTLS: listeners with tls = required and optional, what must not get across the upgrade, other
protocols at the wrong door, deadlines, and all three kinds of listener in one process.
"""

import smtplib
import ssl
import threading
import time

import pytest

from lib import clients, fake, mail
from lib.basics import PATIENCE_S, until
from lib.client import Client, lenient_context, tls_client
from lib.postfix import client_settings, without_trace
from lib.sasl import Sasl

KINDS = ("required", "optional")
ALL_KINDS = ("implicit", *KINDS)
OWN_KEYWORDS = ["PIPELINING", "ENHANCEDSTATUSCODES", "STARTTLS"]


def secured(proxy, kind):
    """A client of any kind of listener, TLS on and EHLO said."""
    client = Client(proxy.address(kind))
    if kind == "implicit":
        client.handshake()
        client.greet()
    else:
        client.starttls()
        client.command("EHLO client.test", 250)
    return client


# Real clients.


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("client", clients.ALL)
def test_client_delivers(client, kind, postern, postfix, way):
    proxy = postern(backend=postfix.address, tls=kind)
    texts = [mail.PLAIN, mail.EIGHT_BIT, mail.DOTS]
    for text in texts:
        clients.ALL[client](way(proxy, "starttls"), text)
    assert mail.digests(postfix.messages(3)) == mail.digests(texts)
    assert all(session["tls"].startswith("TLSv1.") for session in proxy.sessions(3))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", ["encrypt", "may"])
def test_postfix_as_client(level, kind, postern, postfix, start_postfix, authority):
    proxy = postern(backend=postfix.address, tls=kind)
    sender = start_postfix(**client_settings(proxy.address(), authority.file,
                                             smtp_tls_security_level=level))
    texts = [mail.PLAIN, mail.EIGHT_BIT, mail.DOTS]
    with smtplib.SMTP(*sender.address) as session:
        for text in texts:
            session.sendmail(mail.SENDER, [mail.RECIPIENT], text)
    arrived = map(without_trace, postfix.messages(3))
    assert mail.digests(arrived) == mail.digests(texts)
    until(lambda: "TLS connection established" in sender.log(), sender.log)


@pytest.mark.parametrize("kind", KINDS)
def test_megabytes(kind, postern, postfix, way):
    proxy = postern(backend=postfix.address, tls=kind)
    text = mail.big(5)
    clients.curl(way(proxy, "starttls"), text)
    assert mail.digests(postfix.messages(1)) == [mail.digest(text)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("client", clients.ALL)
def test_auth(client, kind, postern, start_postfix, way, home):
    sasl = Sasl(home / "sasl", "user", "secret")
    mta = start_postfix(smtpd_sasl_auth_enable="yes", smtpd_sasl_type="dovecot",
                        smtpd_sasl_path=home / "sasl")
    proxy = postern(backend=mta.address, tls=kind)
    login = clients.Login("user", "secret", "PLAIN")
    clients.ALL[client](way(proxy, "starttls"), mail.PLAIN, login)
    assert mail.digests(mta.messages(1)) == [mail.digest(mail.PLAIN)]
    until(lambda: "sasl_method=PLAIN, sasl_username=user" in mta.log(), mta.log)
    sasl.stop()


# Before TLS.


def test_required_says_all_itself_before_tls(postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, tls="required")
    with Client(proxy.address()) as client:
        client.expect("220 mail.test")
        assert client.command("EHLO client.test", 250).keywords == OWN_KEYWORDS
        client.command("HELO client.test", 250)
        for line in ("MAIL FROM:<a@client.test>", "RCPT TO:<box@mail.test>", "DATA",
                     "AUTH PLAIN AGEAYg==", "VRFY box", "BDAT 0 LAST"):
            client.command(line, "530 5.7.0")
        client.command("NOOP", 250)
        client.command("RSET", 250)
        client.command("STARTTLS now", "501 5.5.4")
        client.command("QUIT", 221)
        client.ends()
    assert proxy.reasons(1) == ["quit"]
    assert not mta.talks


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_remembered_across_tls(kind, postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, tls=kind)
    with Client(proxy.address()).starttls() as client:
        client.command("MAIL FROM:<a@client.test>", "503 5.5.1")
        assert "STARTTLS" not in client.command("EHLO client.test", 250).keywords
        client.command("STARTTLS", "503 5.5.1")
        assert client.deliver(mail.stuffed(mail.PLAIN)).code == 250
        client.quit()
    assert mta.messages() == [mail.PLAIN]
    secure = mta.talk(0 if kind == "required" else 1)
    assert secure.commands[0] == "EHLO client.test"
    if kind == "optional":
        assert mta.talk(0).commands == ["EHLO client.test", "QUIT"]
    assert len(mta.talks) == (1 if kind == "required" else 2)


def test_optional_without_tls(postern, postfix):
    proxy = postern(backend=postfix.address, tls="optional")
    with smtplib.SMTP(*proxy.address()) as session:
        session.ehlo()
        assert session.has_extn("starttls") and session.has_extn("pipelining")
        session.sendmail(mail.SENDER, [mail.RECIPIENT], mail.DOTS)
    assert mail.digests(postfix.messages(1)) == [mail.digest(mail.DOTS)]


@pytest.mark.parametrize("auth", ["tls", "always", "never"])
def test_auth_where_the_policy_has_it(auth, postern, backend):
    keywords = ("PIPELINING", "AUTH PLAIN LOGIN GSSAPI", "AUTH=PLAIN LOGIN")
    mta = backend(fake.Server(keywords=keywords, AUTH="235 2.7.0 welcome"))
    proxy = postern(backend=mta.address, tls="optional", policy={"auth": auth})

    def try_auth(client, is_open, refusal):
        offered = [one for one in client.command("EHLO client.test", 250).keywords
                   if one.startswith("AUTH")]
        assert not any("GSSAPI" in one for one in offered)
        assert any("PLAIN" in one for one in offered) == is_open
        client.command("AUTH PLAIN AGEAYg==", 235 if is_open else refusal)

    with Client(proxy.address()) as client:
        client.expect(220)
        try_auth(client, auth == "always", "5")
        client.quit()
    with Client(proxy.address()).starttls() as client:
        try_auth(client, auth != "never", "5")
        client.quit()


def test_auth_in_clear_is_refused(postern, backend):
    mta = backend(fake.Server(keywords=("AUTH PLAIN",)))
    proxy = postern(backend=mta.address, tls="optional")
    with Client(proxy.address()) as client:
        assert not any(one.startswith("AUTH") for one in client.greet().keywords)
        client.command("AUTH PLAIN AGEAYg==", "530 5.7.0")
        client.quit()
    assert "AUTH PLAIN AGEAYg==" not in mta.talk().commands


# Bytes before the 220.

INJECTED = b"EHLO evil.test\r\nMAIL FROM:<evil@client.test>\r\nRCPT TO:<box@mail.test>\r\n"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("behind", [INJECTED, b"\r\n", b"N", None],
                         ids=["commands", "line-end", "byte", "client-hello"])
def test_injection_in_one_segment(behind, kind, postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, tls=kind)
    with Client(proxy.address()) as client:
        client.greet()
        client.send(b"STARTTLS\r\n" + (behind or client.hello_bytes()))
        assert "220" not in client.rest()
    assert proxy.reasons(1) == ["starttls-injection"]
    assert_nothing_injected(mta, kind)


def assert_nothing_injected(mta, kind):
    if kind == "required":
        assert not mta.talks
    else:
        until(lambda: mta.talk().is_over, "the backend's session ends")
        assert set(mta.talk().commands) <= {"EHLO client.test", "NOOP", "QUIT"}
        assert len(mta.talks) == 1


def test_injection_in_the_next_packet(postern, backend):
    """The 220 is still to come while a command before STARTTLS awaits its answer."""
    release = threading.Event()

    def noop(talk, _):
        release.wait(PATIENCE_S)
        talk.say("250 2.0.0 ok")

    mta = backend(fake.Server(NOOP=noop))
    proxy = postern(backend=mta.address, tls="optional")
    with Client(proxy.address()) as client:
        client.greet()
        client.send(b"NOOP\r\nSTARTTLS\r\n")
        until(lambda: "NOOP" in mta.talk().commands, "the backend is asked")
        client.send(INJECTED)
        until(proxy.is_quiet, "Postern has seen all that came")
        release.set()
        assert "220" not in client.rest()
    assert proxy.reasons(1) == ["starttls-injection"]
    assert_nothing_injected(mta, "optional")


@pytest.mark.parametrize("kind", KINDS)
def test_failed_handshake_closes(kind, postern, backend):
    """Plain text in place of a ClientHello is never a command."""
    mta = backend()
    proxy = postern(backend=mta.address, tls=kind)
    with Client(proxy.address()) as client:
        client.greet()
        client.command("STARTTLS", 220)
        client.send(INJECTED)
        assert "250" not in client.rest()
    assert proxy.reasons(1)[0] in ("handshake-failed", "plain-on-tls")
    assert_nothing_injected(mta, kind)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_handshake_without_a_common_cipher(kind, postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, tls=kind)
    context = lenient_context(maximum_version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("AES256-SHA")
    with Client(proxy.address()) as client:
        if kind != "implicit":
            client.greet()
            client.command("STARTTLS", 220)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            client.handshake(context)
    assert proxy.reasons(1) == ["handshake-failed"]
    assert len(mta.talks) == (1 if kind == "optional" else 0)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_client_hello_in_pieces(kind, postern, backend):
    proxy = postern(backend=backend().address, tls=kind)
    with Client(proxy.address()) as client:
        if kind != "implicit":
            client.greet()
            client.command("STARTTLS", 220)
        client.handshake(pieces=7)
        if kind == "implicit":
            client.expect(220)
        client.command("EHLO client.test", 250)
        client.quit()


# Other protocols.


@pytest.mark.parametrize("text", [b"EHLO client.test\r\n", b"QUIT\r\n"], ids=["ehlo", "quit"])
def test_plain_text_on_the_tls_port(text, postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address)
    with Client(proxy.address()) as client:
        client.send(text)
        client.rest()
    assert proxy.reasons(1) == ["plain-on-tls"]
    assert not mta.talks


@pytest.mark.parametrize("kind", KINDS)
def test_client_hello_on_a_plain_port(kind, postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, tls=kind)
    with Client(proxy.address()) as client:
        client.expect(220)
        client.send(client.hello_bytes())
        client.rest()
    assert proxy.reasons(1) == ["tls-on-plain"]
    assert all(b"\x16\x03" not in talk.received for talk in mta.talks)


REQUESTS = [b"GET / HTTP/1.1\r\nHost: mail.test\r\n\r\n",
            b"POST /submit HTTP/1.1\r\nHost: mail.test\r\nContent-Length: 30\r\n\r\n"
            b"MAIL FROM:<evil@client.test>\r\n"]


@pytest.mark.parametrize("request_bytes", REQUESTS, ids=["get", "post"])
@pytest.mark.parametrize("kind", ALL_KINDS)
def test_http(kind, request_bytes, postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, tls=kind)
    with Client(proxy.address()) as client:
        if kind == "implicit":
            client.handshake()
        client.expect(220)
        client.send(request_bytes)
        client.rest()
    assert proxy.reasons(1) == ["http"]
    for talk in mta.talks:
        until(lambda: talk.is_over, "the backend's session ends")
        assert b"HTTP" not in talk.received and b"evil" not in talk.received


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("protocols", [["h2"], ["h2", "http/1.1"]], ids=",".join)
def test_foreign_alpn(protocols, kind, postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, tls=kind)
    context = lenient_context()
    context.set_alpn_protocols(protocols)
    with Client(proxy.address()) as client:
        if kind != "implicit":
            client.greet()
            client.command("STARTTLS", 220)
        with pytest.raises(ssl.SSLError, match="no application protocol"):
            client.handshake(context)
    assert proxy.reasons(1) == ["foreign-alpn"]
    assert len(mta.talks) == (1 if kind == "optional" else 0)


@pytest.mark.parametrize("protocols, selected", [(["smtp"], "smtp"), (["h2", "smtp"], "smtp"),
                                                 (["other"], None)])
def test_alpn(protocols, selected, postern, backend):
    proxy = postern(backend=backend().address)
    context = lenient_context()
    context.set_alpn_protocols(protocols)
    with tls_client(proxy.address(), context=context) as client:
        assert client.tls.selected_alpn_protocol() == selected
        client.greet()
        client.quit()


# Greeting.


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_early_talker(kind, postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, tls=kind, listener={"greet_delay": "30s"})
    with Client(proxy.address()) as client:
        if kind == "implicit":
            client.handshake()
        client.send(b"EHLO client.test\r\n")
        client.expect("554 5.5.1")
        client.ends()
    assert proxy.reasons(1) == ["early-talker"]
    assert not any(talk.commands for talk in mta.talks)


def test_early_talker_before_a_slow_backend_greets(postern, backend):
    heard = threading.Event()

    def greeting(talk, _):
        heard.wait(PATIENCE_S)
        talk.say("220 fake.test ESMTP")

    proxy = postern(backend=backend(fake.Server(greeting=greeting)).address)
    with tls_client(proxy.address()) as client:
        client.send(b"EHLO client.test\r\n")
        client.expect("554 5.5.1")
        heard.set()
        client.ends()
    assert proxy.reasons(1) == ["early-talker"]


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_greet_delay_ends(kind, postern, backend):
    proxy = postern(backend=backend().address, tls=kind, listener={"greet_delay": "300ms"})
    start = time.monotonic()
    with Client(proxy.address()) as client:
        if kind == "implicit":
            client.handshake()
        client.expect(220)
        assert time.monotonic() - start >= 0.29
        client.command("EHLO client.test", 250)
        client.quit()


def test_early_talker_tolerated(postern, backend):
    proxy = postern(backend=backend().address, listener={"greet_delay": "200ms"},
                    policy={"early_talker": "tolerate"})
    with tls_client(proxy.address()) as client:
        client.send(b"EHLO client.test\r\n")
        client.expect(220)
        client.expect(250)
        client.quit()


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_networks(kind, postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, tls=kind,
                    listener={"networks": "192.0.2.0/24, 2001:db8::/32"})
    with Client(proxy.address()) as client:
        if kind == "implicit":
            client.handshake()
        client.expect("554 5.7.1")
        client.ends()
    assert proxy.reasons(1) == ["network-refused"]
    assert not mta.talks


def test_networks_let_in(postern, backend):
    proxy = postern(backend=backend().address, listener={"networks": "192.0.2.0/24, 127.0.0.0/8"})
    with tls_client(proxy.address()) as client:
        client.greet()
        client.quit()


# Backends of few words.


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("code", [500, 502])
def test_helo_only_backend(code, kind, postern, backend):
    mta = backend(fake.Server(EHLO=f"{code} 5.5.1 what?"))
    proxy = postern(backend=mta.address, tls=kind)
    with secured(proxy, kind) as client:
        assert client.command("EHLO client.test", 250).keywords == ["PIPELINING"]
        client.command("MAIL FROM:<a@client.test> SIZE=100", "555 5.5.4")
        assert client.deliver(mail.stuffed(mail.DOTS)).code == 250
        client.quit()
    assert mta.messages() == [mail.stuffed(mail.DOTS)[:-3]]
    assert "HELO client.test" in mta.talks[-1].commands


@pytest.mark.parametrize("kind", KINDS)
def test_helo_client(kind, postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, tls=kind)
    with Client(proxy.address()) as client:
        client.expect(220)
        client.command("HELO client.test", 250)
        client.command("STARTTLS", 220)
        client.handshake()
        client.command("HELO client.test", 250)
        assert client.deliver(mail.stuffed(mail.PLAIN)).code == 250
        client.quit()
    assert mta.messages() == [mail.PLAIN]


def test_pipelining_for_a_backend_without(postern, backend):
    """Offered to the client; the backend gets a command only when it has answered the last."""
    proxy = None
    pressed = []

    def answer(talk, line):
        until(proxy.is_quiet, "Postern has sent all that it wants to send")
        pressed.append((line, talk.unread()))
        talk.say("250 2.0.0 ok")

    mta = backend(fake.Server(keywords=("8BITMIME",), MAIL=answer, RCPT=answer))
    proxy = postern(backend=mta.address)
    with tls_client(proxy.address()) as client:
        assert "PIPELINING" in client.greet().keywords
        client.send(b"MAIL FROM:<a@client.test>\r\n" + b"RCPT TO:<box@mail.test>\r\n" * 3
                    + b"DATA\r\n")
        assert [client.reply().code for _ in range(5)] == [250] * 4 + [354]
        client.send(mail.stuffed(mail.PLAIN) + b"RSET\r\nQUIT\r\n")
        assert [client.reply().code for _ in range(3)] == [250, 250, 221]
        client.ends()
    assert len(pressed) == 4 and not any(more for _, more in pressed), pressed
    assert mta.messages() == [mail.PLAIN]


@pytest.mark.parametrize("kind", KINDS)
def test_backend_down(kind, postern, down):
    proxy = postern(backend=down, tls=kind)
    with Client(proxy.address()) as client:
        if kind == "required":
            client.starttls()
            client.send(b"EHLO client.test\r\n")
        client.expect("421 4.3.2")
        client.ends()


@pytest.mark.parametrize("greeting", ["554 5.3.2 not today", "450 4.3.2 later"])
def test_backend_that_refuses_after_starttls(greeting, postern, backend):
    mta = backend(fake.Server(greeting=greeting))
    proxy = postern(backend=mta.address, tls="required")
    with Client(proxy.address()).starttls() as client:
        client.command("EHLO client.test", greeting)
        client.ends()
    assert proxy.reasons(1) == ["backend-refused"]


# Message text by policy.


def normalized(text):
    """What normalize makes of text, by the letter of the rule, before dots are doubled."""
    text = text.replace(b"\r\n", b"\0").replace(b"\r", b" ").replace(b"\n", b"\0")
    return text.replace(b"\0", b"\r\n")


@pytest.mark.parametrize("policy", [{"bare_newline": "normalize"},
                                    {"normalize_networks": "192.0.2.0/24, 127.0.0.0/8"}],
                         ids=["normalize", "networks"])
def test_normalize(policy, postern, sink):
    taken = sink()
    proxy = postern(backend=taken.address, policy=policy)
    text = mail.message("bare", b"line\n.\n..dots\nlone\rCR\r\r\n\n\n.a\n" * 30_000 + b"end\r\n")
    with tls_client(proxy.address()) as client:
        client.greet()
        assert client.deliver(text + b".\r\n").code == 250
        client.quit()
    until(taken.messages, "the message at the sink")
    expected = normalized(text)
    assert taken.messages() == [expected]


def test_normalize_is_for_its_networks_only(postern, sink):
    taken = sink()
    proxy = postern(backend=taken.address, policy={"normalize_networks": "192.0.2.0/24"})
    with tls_client(proxy.address()) as client:
        client.greet()
        client.envelope()
        client.command("DATA", 354)
        client.send(b"bare\nnewline\r\n.\r\n")
        client.expect("550 5.5.2")
        client.rest()
    assert proxy.reasons(1) == ["bare-newline"]
    assert not taken.messages()


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_message_size(kind, postern, sink):
    taken = sink()
    proxy = postern(backend=taken.address, tls=kind, policy={"message_size": "100K"})
    with secured(proxy, kind) as client:
        assert "SIZE 102400" in client.command("EHLO client.test", 250).keywords
        client.command("MAIL FROM:<a@client.test> SIZE=102401", "552 5.3.4")
        assert client.deliver(mail.stuffed(mail.numbered(1, 90_000))).code == 250
        client.envelope()
        client.command("DATA", 354)
        client.send(mail.stuffed(mail.numbered(2, 200_000)))
        client.expect("552 5.3.4")
        client.rest()
    assert proxy.reasons(1) == ["message-size"]
    assert taken.messages() == [mail.numbered(1, 90_000)]


# Deadlines.


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_handshake_that_dribbles(kind, postern, backend):
    """A byte now and then does not make the handshake's deadline start anew."""
    proxy = postern(backend=backend().address, tls=kind, timeouts={"handshake": "500ms"})
    with Client(proxy.address()) as client:
        if kind != "implicit":
            client.greet()
            client.command("STARTTLS", 220)
        client.socket.settimeout(0.02)
        for byte in client.hello_bytes()[:200]:
            client.send_raw(bytes([byte]))
            try:
                if not client.read():
                    break
            except TimeoutError:
                pass
        else:
            pytest.fail("the handshake has no deadline")
    assert proxy.reasons(1) == ["handshake-timeout"]


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_handshake_that_never_begins(kind, postern, backend):
    proxy = postern(backend=backend().address, tls=kind, timeouts={"handshake": "300ms"})
    with Client(proxy.address()) as client:
        if kind != "implicit":
            client.greet()
            client.command("STARTTLS", 220)
        client.rest()
    assert proxy.reasons(1) == ["handshake-timeout"]


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("last", ["greeting", "ehlo", "half", "mail"])
def test_idle_client(kind, last, postern, backend):
    """In clear where the listener has that, in TLS otherwise."""
    proxy = postern(backend=backend().address, tls=kind, timeouts={"command": "2s"})
    with Client(proxy.address()) as client:
        if kind == "implicit":
            client.handshake()
        client.expect(220)
        if last != "greeting":
            client.command("EHLO client.test", 250)
        if last == "half":
            client.send(b"NOO")
        if last == "mail":
            client.command("MAIL FROM:<a@client.test>", 530 if kind == "required" else 250)
        client.expect("421 4.4.2")
        client.ends()
    assert proxy.reasons(1) == ["client-timeout"]


@pytest.mark.parametrize("verb, timeout", [("MAIL", "reply"), ("DATA", "data_start")])
def test_backend_that_does_not_answer(verb, timeout, postern, backend):
    mta = backend(fake.Server(**{verb: lambda talk, _: talk.wait_end()}))
    proxy = postern(backend=mta.address, timeouts={timeout: "2s"})
    with tls_client(proxy.address()) as client:
        client.greet()
        client.send(b"MAIL FROM:<a@client.test>\r\nRCPT TO:<box@mail.test>\r\nDATA\r\n")
        for _ in range({"MAIL": 0, "DATA": 2}[verb]):
            client.expect(250)
        client.expect(421)
        client.ends()
    assert proxy.reasons(1) == ["backend-timeout"]


def test_client_that_stops_in_a_message(postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, timeouts={"data_block": "300ms"})
    with tls_client(proxy.address()) as client:
        client.greet()
        client.envelope()
        client.command("DATA", 354)
        client.send(b"Subject: half\r\n")
        client.expect("421 4.4.2")
        client.rest()
    assert proxy.reasons(1) == ["client-timeout"]
    until(lambda: mta.talk().ended, "the backend's session ends")
    assert mta.talk().ended == "reset" and not mta.messages()


def test_backend_without_a_verdict(postern, backend):
    mta = backend(fake.Server(end=lambda talk, _: talk.wait_end()))
    proxy = postern(backend=mta.address, timeouts={"data_end": "300ms"})
    with tls_client(proxy.address()) as client:
        client.greet()
        client.envelope()
        client.command("DATA", 354)
        client.send(mail.stuffed(mail.PLAIN))
        assert client.reply().code in (421, 451)
        client.rest()
    assert proxy.reasons(1) == ["backend-timeout"]
    assert proxy.messages(1)[0]["verdict"] != "250"


def test_session_ends_between_transactions(postern, backend):
    proxy = postern(backend=backend().address, timeouts={"session": "2s"})
    with tls_client(proxy.address()) as client:
        client.greet()
        client.envelope()
        client.command("DATA", 354)
        client.send(b"Subject: x\r\n")
        start = time.monotonic()
        until(lambda: time.monotonic() > start + 2.2, "the session's time is over")
        assert not proxy.sessions()
        client.send(b"\r\ntext\r\n.\r\n")
        client.expect(250)
        client.expect("421 4.4.2")
        client.ends()
    assert proxy.reasons(1) == ["session-timeout"]


# Listeners side by side.


def test_three_kinds_in_one_process(postern, postfix, sink, way):
    other = sink()
    listeners = {
        "smtps": {"tls": "implicit", "backend": "mx"},
        "submission": {"tls": "required", "backend": "other", "certificate": "rsa"},
        "smtp": {"tls": "optional", "backend": "mx"},
    }
    proxy = postern(listeners=listeners, workers=2,
                    backend={"mx": postfix.address, "other": other.address})
    clients.swaks(way(proxy, "implicit", "smtps"), mail.numbered(1))
    clients.swaks(way(proxy, "starttls", "submission"), mail.numbered(2))
    clients.swaks(way(proxy, "starttls", "smtp"), mail.numbered(3))
    with smtplib.SMTP(*proxy.address("smtp")) as session:
        session.sendmail(mail.SENDER, [mail.RECIPIENT], mail.numbered(4))
    assert mail.digests(postfix.messages(3)) == mail.digests(map(mail.numbered, (1, 3, 4)))
    assert other.messages() == [mail.numbered(2)]
    assert sorted(event["listener"] for event in proxy.sessions(4)) == [
        "smtp", "smtp", "smtps", "submission"]


def test_session_id_is_told(postern, backend):
    proxy = postern(backend=backend().address, tls="required")
    with Client(proxy.address()) as client:
        greeting = client.expect(220)
        refusal = client.command("MAIL FROM:<a@client.test>", 530)
        client.quit()
    session = proxy.sessions(1)[0]
    assert len(session["id"]) >= 6
    assert session["id"] in greeting.text and session["id"] in refusal.text

"""The Received: field in front of each message (`trace_header`), at a scripted server and at Postfix.
Where it goes is the dialogues' (trace), what it says of strangers the unit tests' (test_smtp_received).
"""

import datetime
import email.utils
import re
import ssl

import pytest

from lib import fake, mail
from lib.client import Client, lenient_context
from proc import Daemon, base

TEXT = b"Subject: x\r\n\r\nx\r\n.\r\n"
STORED = b"Subject: x\r\n\r\nx\r\n"
FIELD = re.compile(rb"Received: from (?P<who>[^;]*?)\r\n\tby mail\.test \(Postern\) with (?P<how>\w+)"
                   rb" id (?P<id>\w+)(?P<tls>(\r\n\t\([^;]*\))?);\r\n\t(?P<date>[^\r\n]+)\r\n")


class Field:
    """The field at the start of a message, and what is behind it."""

    def __init__(self, message):
        found = FIELD.match(message)
        assert found, message
        self.who, self.how, self.id, self.tls, self.date = (
            found[name].decode().replace("\r\n\t", " ").strip()
            for name in ("who", "how", "id", "tls", "date"))
        self.rest = message[found.end():]
        assert all(len(line) <= 78 for line in found[0].split(b"\r\n"))
        moment = email.utils.parsedate_to_datetime(self.date)
        assert email.utils.format_datetime(moment) == self.date
        self.age = (datetime.datetime.now(datetime.timezone.utc) - moment).total_seconds()
        self.offset = moment.utcoffset()


def start(postern, server, tls="implicit", sections=None, **more):
    return postern(backend=server.address, tls=tls, sections={
        "backend mta": {"trace_header": "yes"}} | (sections or {}), **more)


def meet(proxy, tls, context=None, **more):
    client = Client(proxy.address())
    if tls == "implicit":
        client.handshake(context, **more)
        client.expect(220)
    else:
        client.starttls(context=context, **more)
    client.command("EHLO client.test", 250)
    return client


@pytest.mark.parametrize("tls", ["implicit", "required", "optional"])
def test_each_message_has_one(tls, postern, backend):
    server = backend(fake.Server())
    proxy = start(postern, server, tls)
    with meet(proxy, tls) as client:
        cipher = client.tls.cipher()[0]
        assert client.deliver(TEXT).code == 250
        assert client.deliver(b".\r\n").code == 250
        client.envelope()
        client.send(b"BDAT 14\r\n" + STORED[:14] + b"BDAT 3 LAST\r\n" + STORED[14:])
        client.expect(250)
        client.expect(250)
        client.quit()
    fields = [Field(message) for message in server.messages()]
    assert [field.rest for field in fields] == [STORED, b"", STORED]
    session = proxy.sessions(1)[0]
    for field in fields:
        assert field.who == "client.test ([127.0.0.1])"
        assert (field.how, field.id) == ("ESMTPS", session["id"])
        assert field.tls == f"(tls version=TLSv1.3 cipher={cipher} group={session['group']})"
        assert -2 <= field.age < 60
    assert proxy.messages(3)[0]["bytes"] == str(len(STORED))


def test_plain_session(postern, backend):
    server = backend(fake.Server())
    proxy = start(postern, server, "optional")
    with Client(proxy.address()) as client:
        client.expect(220)
        client.command("HELO a(b", 250)
        assert client.deliver(TEXT).code == 250
        client.quit()
    field = Field(server.messages()[0])
    assert (field.who, field.how, field.tls) == (
        "[127.0.0.1] ([127.0.0.1]) (helo=a+28b)", "SMTP", "")


def test_verified_certificate_alone(postern, backend, authority):
    server = backend(fake.Server())
    proxy = start(postern, server, listener={"clients": "devices"}, sections={
        "clients devices": {"verify": "request", "ca": authority.file, "login": "cn"}})
    for shown in (authority.client("anna b"), authority.client("eve", issuer=False)):
        context = lenient_context(maximum_version=ssl.TLSVersion.TLSv1_2)
        context.load_cert_chain(shown.chain, shown.key)
        session = None
        for _ in range(2):
            with meet(proxy, "implicit", context, session=session) as client:
                assert client.deliver(TEXT).code == 250
                client.quit()
                session = client.tls.session
    assert [one["resumed"] for one in proxy.sessions(4)] == ["no", "yes", "no", "no"]
    told = [Field(message).tls for message in server.messages()]
    for one in told[:2]:
        assert one.endswith(" (verified certificate cn=anna+20b login=anna+20b)"), one
    assert not any("verified" in one or "eve" in one for one in told[2:])


def test_size_has_room_for_it(postern, backend):
    server = backend(fake.Server())
    proxy = start(postern, server)
    with meet(proxy, "implicit") as client:
        assert "SIZE 997952" in client.command("EHLO client.test", 250).keywords
        client.command("MAIL FROM:<a@b.test> SIZE=997952", 250)
        client.quit()
    assert "MAIL FROM:<a@b.test> SIZE=1000000" in server.talk().commands


def test_text_sent_in_one_go(postern, backend):
    """More than a buffer holds, right behind the 354."""
    server = backend(fake.Server(keywords=("PIPELINING",)))
    proxy = start(postern, server)
    text = mail.message("big", b"0123456789 0123456789 0123456789\r\n" * 20000)
    with meet(proxy, "implicit") as client:
        assert client.deliver(mail.stuffed(text)).code == 250
        client.quit()
    assert Field(server.messages()[0]).rest == text


@pytest.mark.parametrize("zone, offset", [("XYZ-05:30", 330), ("XYZ03:45", -225), ("UTC", 0)])
def test_local_time(zone, offset, backend, authority, tmp_path):
    server = backend(fake.Server())
    sections = base(authority, server.address)
    sections["backend mta"] |= {"trace_header": "yes"}
    daemon = Daemon(tmp_path, sections, env={"TZ": zone})
    try:
        daemon.wait_ready()
        with meet(daemon, "implicit") as client:
            assert client.deliver(TEXT).code == 250
            client.quit()
        assert daemon.stop() == 0
    finally:
        daemon.kill()
    field = Field(server.messages()[0])
    assert field.offset == datetime.timedelta(minutes=offset)
    assert -2 <= field.age < 60


@pytest.mark.parametrize("how", ["DATA", "BDAT"])
def test_postfix_stores_it_below_its_own(how, postern, postfix):
    proxy = start(postern, postfix, "required")
    text = mail.message("traced", b"text\r\n")
    with meet(proxy, "required") as client:
        if how == "DATA":
            assert client.deliver(mail.stuffed(text)).code == 250
        else:
            client.envelope()
            client.send(b"BDAT %d LAST\r\n" % len(text) + text)
            client.expect(250)
        client.quit()
    stored = Field(postfix.messages(1)[0].replace(b"\n", b"\r\n"))
    assert (stored.who, stored.how) == ("client.test ([127.0.0.1])", "ESMTPS")
    assert stored.rest == text

"""Values that a client chooses, HELO and the name in its certificate, on their way to real servers."""

import re
import ssl

import pytest

from lib.basics import until
from lib.client import Client, lenient_context
from test_asked import COMPLAINTS
from test_backends import credentials

TEXT = b"Subject: x\r\n\r\nx\r\n.\r\n"
LONG = 60000  # more than 65 280 bytes in all OpenSSL cannot put into a ticket

NAMES = {
    "line-ends": "a\r\nRCPT TO:<evil@evil.test>\r\n",
    "folded": "a\r\n\tEvil: yes\r\nEvil: yes",
    "line-feed": "a\nEvil: yes\n\nevil",
    "nul": "a\0b",
    "blanks": "a LOGIN=root ADDR=192.0.2.66",
    "coded": "a+0D+0AEvil=3A+",
    "equals": "=?utf-8?q?=0D=0AEvil:_yes?=",
    "comment": "a) (b\\) ; evil c",
    "quote": "a\"b",  # Postfix takes all up to the next one for one word
    "open-brackets": "a<b[c(d",
    "backslash": "a\\",
    "percents": "%s%n%d${readfile{/etc/passwd}}",
    "foreign": "\u00fc\u202e\u4e2d",
    "no-text": " ",
    "coded-is-too-long": "=" * 86,  # 258 bytes: Postfix takes 255
    "kilobyte": "n" * 1024,
    "long": "n" * LONG,
    "long-line-ends": "\r\n" * (LONG // 2),
}

HELOS = ["a) (b", "a\"b;c", "a;\tb", "=?utf-8?q?=0D=0AEvil:_yes?=", "[192.0.2.66] ADDR=192.0.2.66",
         "a+0D+0AEvil", "\u00fc\u4e2d", "%s%n${readfile{/etc/passwd}}", "[IPv6:::ffff]", "h" * 2000]

SERVERS = [("postfix", "xclient", "xclient"), ("postfix", "proxy", "proxy-v2"),
           ("exim", "proxy", "proxy-v2"), ("opensmtpd", "proxy", "proxy-v2"),
           ("dovecot", "xclient", "xclient"), ("dovecot", "proxy", "proxy-v2")]
BOTH = pytest.mark.parametrize("name, setup, identity", SERVERS)

REFUSED_HELO = r'rejected EHLO|failed-command command="EHLO'

# In front of each line of what a server logs.
PREFIX = {"postfix": r"\w+ \d+ [\d:]+ mx postfix/", "exim": r"\d+-\d+-\d+ [\d:]+ | Suggested action",
          "opensmtpd": r"[0-9a-f]{16} (smtp|mta) |info: |warn: ",
          "dovecot": r"\w+ \d+ [\d:]+ (master|submission|auth)"}


def start(postern, server, name, identity, authority):
    server.before = server.log_so_far() if name == "postfix" else 0
    return postern(backend=server.address, listener={"clients": "devices"}, sections={
        "backend mta": {"identity": identity, "trace_header": "yes",
                        "proxy_header_size": 231 if name == "exim" else 536},
        "clients devices": {"ca": authority.file, "verify": "request", "login": "cn"}})


def meet(proxy, certificate=None):
    context = lenient_context()
    if certificate:
        context.load_cert_chain(certificate.chain, certificate.key)
    client = Client(proxy.address(), source="127.0.0.77")
    client.handshake(context).expect(220)
    return client


def deliver(client, server):
    if login := getattr(server, "login", None):
        client.command(f"AUTH PLAIN {credentials(*login)}", 235)
    assert client.deliver(TEXT).code == 250
    client.quit()


def messages(server, count):
    """What can be read of them, whole."""
    if hasattr(server, "relay"):
        return server.relay.messages()
    if hasattr(server, "count"):
        until(lambda: server.count() >= count and not server.is_busy(), server.log)
        return [path.read_bytes() for path in server._arrived()]
    return []


def is_well_formed(message):
    """Postern's field and the text are as they should be, and no field was made by others."""
    head, _, text = message.replace(b"\r\n", b"\n").partition(b"\n\n")
    assert text == b"x\n"
    fields = re.split(rb"\n(?![ \t])", head)
    assert {field.split(b":")[0] for field in fields} <= {
        b"Return-Path", b"X-Original-To", b"Delivered-To", b"Received", b"Subject"}, head[:2000]
    (own,) = [field for field in fields if b"by mail.test " in field]
    assert own.startswith(b"Received: from ") and fields.index(own) == len(fields) - 2
    assert max(map(len, own.split(b"\n"))) <= 998
    assert re.fullmatch(rb"[\t\n -~]*", own)


def is_unimpressed(proxy, server, name, count):
    until(lambda: len(server.clients()) >= count, lambda: server.log()[-3000:])
    assert server.clients() == count * ["127.0.0.77"]
    log = server.log()[server.before:].rpartition("\n")[0]  # whole lines
    strange = [line for line in log.splitlines() if not re.match(PREFIX[name], line)]
    assert not strange, strange
    assert not re.search(r"evil@|\bEvil: yes$|client=\S+\[192\.0\.2\.66\]", log)
    complaints = COMPLAINTS.get(name, "warning|improper|lost connection")
    assert not [line for line in log.splitlines()
                if re.search(complaints, line) and not re.search(REFUSED_HELO, line)], log[-3000:]
    for message in messages(server, count):
        is_well_formed(message)
    lines = proxy.log_file.read_bytes().split(b"\n")[:-1]
    assert all(re.match(rb"\d{4}-\d\d-\d\dT[\d:.]+Z \w+ [\w-]+ ", line) for line in lines)
    assert not re.search(rb"[\x00-\x09\x0b-\x1f]", b"\n".join(lines))


@BOTH
def test_certificate(name, setup, identity, start_backend, postern, authority):
    server = start_backend(name, setup)
    proxy = start(postern, server, name, identity, authority)
    for number, text in enumerate(NAMES.values()):
        client = meet(proxy, authority.named(f"{name}-{identity}-{number}", text))
        client.command("EHLO client.test", 250)
        deliver(client, server)
    is_unimpressed(proxy, server, name, len(NAMES))
    ends = proxy.sessions(len(NAMES))
    assert [end["client_certificate"] for end in ends] == len(NAMES) * ["verified"]


def test_certificate_that_is_too_long_for_tls(postern, backend, authority):
    """It ends its own handshake, and nothing else."""
    server = backend()
    proxy = start(postern, server, "fake", "none", authority)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        meet(proxy, authority.named("too-long", "n" * 65536))
    client = meet(proxy)
    client.command("EHLO client.test", 250)
    deliver(client, server)
    ends = proxy.sessions(2)
    assert [end["reason"] for end in ends] == ["handshake-failed", "quit"]


# How many of HELOS each takes; OpenSMTPD and Exim are strict.
TAKEN = {"postfix": 10, "exim": 2, "opensmtpd": 1, "dovecot": 9}


@BOTH
def test_helo(name, setup, identity, start_backend, postern, authority):
    """It is the server's to refuse; what it takes stands in Postern's field, coded where it must."""
    server = start_backend(name, setup)
    proxy = start(postern, server, name, identity, authority)
    taken = 0
    for helo in HELOS:
        client = meet(proxy)
        code = client.command(f"EHLO {helo}").code
        if code == 250:
            deliver(client, server)
            taken += 1
        else:
            assert code in (500, 501)
            client.quit()
    assert taken == TAKEN[name]
    proxy.sessions(len(HELOS))
    is_unimpressed(proxy, server, name, taken)


def test_helo_with_control_bytes_goes_nowhere(postern, start_backend, authority):
    server = start_backend("postfix", "xclient")
    proxy = start(postern, server, "postfix", "xclient", authority)
    bytes_ = "\0\1\x0b\x1b\x7f"
    for byte in bytes_:
        client = meet(proxy)
        client.send(f"EHLO a{byte}b\r\nMAIL FROM:<a@client.test>\r\n".encode())
        client.ends("500 5.5.2 ")
    assert not any(end.get("helo") for end in proxy.sessions(len(bytes_)))
    # One EHLO, Postern's, and XCLIENT; the session is cut then.
    until(lambda: server.log().count("ehlo=1 xclient=0/1 commands=1/2") == len(bytes_), server.log)

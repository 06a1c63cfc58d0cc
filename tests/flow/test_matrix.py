"""
SMTP smuggling (CVE-2023-51764, -51765, -51766) against real servers: whatever stands before and
behind the dot, a client that sends one message through Postern never has two delivered.

That the attack works at all is shown on each server in its most tolerant settings, without Postern.
"""

import concurrent.futures
import itertools
import select

import pytest

from lib import mtas, postfix, rooms
from lib.client import Client

LINE_ENDS = [b"\n", b"\r", b"\r\n", b"\r\r\n", b"\n\r", b"\r\0\n"]
BEFORE = [*LINE_ENDS, b"\r\n\0", b"\n\0"]
BEHIND = [*LINE_ENDS, b"\0\r\n", b"\0\n"]
PLAIN_ENDS = [b"\n", b"\r", b"\r\n"]
AT_ONCE = 12
REACTION_S = 0.03
GREETING_S = 3


def told(lines_end):
    return lines_end.join((b"Subject: told-%d", b"", b"text"))


def attacks():
    """Texts that hold no CRLF.CRLF, each with something that a server may take for it."""
    texts = [told(b"\r\n") + before + b"." + behind
             for before, behind in itertools.product(BEFORE, BEHIND)]
    texts += [told(b"\n") + before + b"." + behind
              for before, behind in itertools.product(PLAIN_ENDS, PLAIN_ENDS)]
    texts += [b"." + behind + told(b"\r\n") + b"\r\n" for behind in BEHIND if behind != b"\r\n"]
    return [text for text in texts if b"\r\n.\r\n" not in text]


HARMLESS = [told(b"\r\n") + line for line in (b"\r\n. \r\n", b"\r\n.\t\r\n", b"\r\n..\r\n",
                                              b"\r\n .\r\n", b"\r\n.\v\r\n", b"\r\n.\x85\r\n")]
TEXTS = attacks() + HARMLESS
SMUGGLED = [b"MAIL FROM:<evil@client.test>\r\n", b"RCPT TO:<box@mail.test>\r\n", b"DATA\r\n",
            b"Subject: smuggled-%d\r\n\r\nsmuggled\r\n.\r\n"]


def send(client, number, line_by_line):
    """One message, the text of that number with an attack behind it; its end; then QUIT."""
    client.greet()
    client.envelope()
    client.command("DATA", 354)
    pieces = [TEXTS[number], *SMUGGLED]
    pieces = [piece.replace(b"%d", b"%d" % number) for piece in pieces]
    try:
        if line_by_line:
            for piece in pieces[:-1]:
                client.send(piece)
                if select.select([client.socket], [], [], REACTION_S)[0]:
                    client.reply()
            client.send(pieces[-1])
        else:
            client.send(b"".join(pieces))
        client.reply()
        client.send(b"QUIT\r\n")
        client.rest()
    except ConnectionError:
        pass


def is_greeted(client):
    """OpenSMTPD sometimes forgets one of the connections that come together."""
    return select.select([client.socket], [], [], GREETING_S)[0]


def attack(address, tls, line_by_line):
    """All texts."""
    def one(number):
        for is_last in (False, False, True):
            with Client(address) as client:
                if tls:
                    client.handshake()
                if is_last or is_greeted(client):
                    send(client, number, line_by_line)
                    return

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, range(len(TEXTS))))


@pytest.fixture
def start_mta(request, home):
    started = []

    def start(name, tolerant):
        if name == "postfix" and not postfix.RUNS:
            pytest.skip(postfix.WHY_NOT)
        try:
            started.append(mtas.ALL[name](home, tolerant))
        except rooms.Unavailable as why:
            pytest.skip(f"{name}: {why}")
        request.node.flow_logs = [started[-1].log_file]
        return started[-1]

    yield start
    for one in started:
        one.stop()


SETTINGS = pytest.mark.parametrize("settings", ["default", "tolerant"])
MTAS = pytest.mark.parametrize("name", mtas.ALL)


def counts(mta):
    """By number of the text: how often it was taken as a message, and how often smuggled."""
    mtas.wait_done(mta)
    found = mta.subjects()
    return [(found.count(f"told-{number}"), found.count(f"smuggled-{number}"))
            for number in range(len(TEXTS))]


@MTAS
def test_attack_works_without_postern(name, start_mta):
    mta = start_mta(name, tolerant=True)
    attack(mta.address, False, mta.sends_line_by_line)
    assert any(smuggled for _, smuggled in counts(mta))


@SETTINGS
@MTAS
@pytest.mark.parametrize("bare_newline", ["reject", "normalize"])
def test_never_two_messages(bare_newline, name, settings, start_mta, postern):
    mta = start_mta(name, settings == "tolerant")
    proxy = postern(backend=mta.address, policy={"bare_newline": bare_newline})
    attack(proxy.address(), True, mta.sends_line_by_line)
    proxy.sessions(len(TEXTS))
    for text, (as_told, as_smuggled) in zip(TEXTS, counts(mta)):
        is_good = text in HARMLESS or bare_newline == "normalize" and b"\0" not in text
        assert as_smuggled == 0 and as_told <= is_good, text
        if text.startswith(b"Subject"):  # a dot before it makes it no header to some servers
            assert as_told == is_good, text

"""Sessions with Postfix and Dovecot that are opened ahead (`warm`): used once, and ended in order."""

import re

import pytest

from lib.basics import tcp_connections, until
from lib.client import Client, tls_client
from test_backends import credentials
from test_open_relay import configuration, refuses_strangers, verdicts

TEXT = b"Subject: x\r\n\r\nx\r\n.\r\n"
MAILS = 6
COMPLAINTS = r"warning|error|fatal|lost connection|improper|panic|Error|Warning|Connection closed"


def warm(base, server, **more):
    sections = base(server.address, workers=1)
    sections["backend mta"] |= {"warm": 2} | more
    return sections


def deliver(one, login=None, listener="smtps"):
    with Client(one.address(listener), source="127.0.0.77") as client:
        client.handshake().greet()
        if login:
            client.command(f"AUTH PLAIN {credentials(*login)}", 235)
        assert client.deliver(TEXT).code == 250
        client.quit()


def are_there(server, count):
    until(lambda: len(tcp_connections(server.address[1])) == count, f"{count} sessions ahead")


def has_ended(one, server):
    assert one.stop() == 0
    until(lambda: not tcp_connections(server.address[1]), "all have ended")


def ends(log):
    return re.findall(r"disconnect from (.*)\n", log)


def smtpds(log, what):
    """The processes that have logged it: each has one connection at a time."""
    return re.findall(rf"smtpd\[(\d+)\]: {what}", log)


@pytest.mark.parametrize("settings, identity, seen", [
    ({}, "none", "127.0.0.1"),
    ({"smtpd_authorized_xclient_hosts": "127.0.0.1"}, "xclient", "127.0.0.77"),
])
def test_postfix(settings, identity, seen, start_postfix, daemon, base):
    postfix = start_postfix(**settings)
    before = postfix.log_so_far()
    one = daemon(warm(base, postfix, identity=identity))
    until(lambda: len(smtpds(postfix.log()[before:], "connect from")) == 2, postfix.log)
    ahead = smtpds(postfix.log()[before:], "connect from")
    deliver(one)
    (used,) = until(lambda: smtpds(postfix.log()[before:], r"\w+: client="), postfix.log)
    assert used in ahead
    for _ in range(MAILS - 1):
        deliver(one)
    are_there(postfix, 2)
    postfix.messages(MAILS)
    has_ended(one, postfix)
    until(lambda: len(ends(postfix.log()[before:])) ==
          len(smtpds(postfix.log()[before:], "connect from")), postfix.log)
    said = postfix.log()[before:]
    assert not re.search(COMPLAINTS, said), said
    assert said.count(f": client=unknown[{seen}]") == MAILS
    assert len(ends(said)) >= MAILS + 2
    assert all(" quit=1 " in end for end in ends(said)), said
    assert sum(" mail=1 " in end for end in ends(said)) == MAILS, said


@pytest.mark.parametrize("setup, identity, seen", [("plain", "none", "127.0.0.1"),
                                                   ("xclient", "xclient", "127.0.0.77")])
def test_dovecot(setup, identity, seen, start_backend, daemon, base):
    server = start_backend("dovecot", setup)
    one = daemon(warm(base, server, identity=identity))
    are_there(server, 2)
    for _ in range(MAILS):
        deliver(one, server.login)
    until(lambda: server.clients() == MAILS * [seen], server.log)
    assert len(server.relay.messages()) == MAILS
    has_ended(one, server)
    assert not re.search(COMPLAINTS, server.log()), server.log()
    until(lambda: server.log().count("Logged out (state=READY)") == MAILS, server.log)


def test_strangers_get_none_of_a_postfix_that_relays(start_postfix, daemon, base):
    """They are there for others, whom it may relay for."""
    postfix = start_postfix()
    before = postfix.log_so_far()
    inside = {"address": "127.0.0.1:0", "backend": "mta", "networks": "127.0.0.0/8"}
    one = daemon(configuration(base, postfix.address, {"listener inside": inside}, warm=2,
                               identity="none"))
    assert verdicts(one)[0]["verdict"] == "relays"
    are_there(postfix, 2)
    for number in range(3):
        refuses_strangers(one, number + 1)
    are_there(postfix, 2)
    deliver(one, listener="inside")
    with tls_client(one.address("smtps")) as client:
        client.ends("421 4.3.2")
    postfix.messages(1)
    has_ended(one, postfix)
    said = postfix.log()[before:]
    assert not re.search(COMPLAINTS, said), said

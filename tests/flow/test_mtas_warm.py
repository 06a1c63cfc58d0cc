"""Sessions with Postfix and Dovecot that are opened ahead (`warm`): used once, and ended in order."""

import re

import pytest

from lib.basics import tcp_connections, text_of, until
from lib.client import Client, tls_client
from test_backends import credentials
from test_open_relay import configuration, refuses_strangers, verdicts

TEXT = b"Subject: x\r\n\r\nx\r\n.\r\n"
MAILS = 6
AHEAD = 2
COMPLAINTS = r"warning|error|fatal|lost connection|improper|panic|Error|Warning|Connection closed"


def warm(watched, server, **more):
    return watched(server.address, **{"postern": {"workers": 1},
                                      "backend mta": {"warm": AHEAD} | more})


def deliver(one, login=None, listener="smtps"):
    with Client(one.address(listener), source="127.0.0.77") as client:
        client.handshake().greet()
        if login:
            client.command(f"AUTH PLAIN {credentials(*login)}", 235)
        assert client.deliver(TEXT).code == 250
        client.quit()


def are_there(one, server, taken=0):
    """All that are to be open have greeted, and so end with a QUIT; others have taken theirs."""
    greetings = 'postern_server_greeting_seconds_count{backend="mta",server="%s"}' % (
        text_of(server.address))
    until(lambda: one.metric(greetings) == taken + AHEAD, f"{AHEAD} sessions ahead")


def deliver_all(one, server, login=None):
    """Each mail in a session that was opened ahead."""
    for taken in range(MAILS):
        are_there(one, server, taken)
        deliver(one.daemon, login)
    are_there(one, server, MAILS)


def has_ended(one, server):
    assert one.daemon.stop() == 0
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
def test_postfix(settings, identity, seen, start_postfix, watched):
    postfix = start_postfix(**settings)
    before = postfix.log_so_far()
    one = warm(watched, postfix, identity=identity)
    deliver_all(one, postfix)
    postfix.messages(MAILS)
    has_ended(one, postfix)
    until(lambda: len(ends(postfix.log()[before:])) == MAILS + AHEAD, postfix.log)
    said = postfix.log()[before:]
    assert not re.search(COMPLAINTS, said), said
    assert said.count(f": client=unknown[{seen}]") == MAILS
    assert len(smtpds(said, "connect from")) == MAILS + AHEAD
    assert all(" quit=1 " in end for end in ends(said)), said
    assert sum(" mail=1 " in end for end in ends(said)) == MAILS, said


@pytest.mark.parametrize("setup, identity, seen", [("plain", "none", "127.0.0.1"),
                                                   ("xclient", "xclient", "127.0.0.77")])
def test_dovecot(setup, identity, seen, start_backend, watched):
    server = start_backend("dovecot", setup)
    one = warm(watched, server, identity=identity)
    deliver_all(one, server, server.login)
    until(lambda: server.clients() == MAILS * [seen], server.log)
    assert len(server.relay.messages()) == MAILS
    has_ended(one, server)
    until(lambda: server.log().count("Logged out (state=READY)") == MAILS, server.log)
    until(lambda: server.log().count("Aborted login by logging out") == AHEAD, server.log)
    assert not re.search(COMPLAINTS, server.log()), server.log()


def test_strangers_get_none_of_a_postfix_that_relays(start_postfix, watched, base):
    """They are there for others, whom it may relay for."""
    postfix = start_postfix()
    before = postfix.log_so_far()
    inside = {"address": "127.0.0.1:0", "backend": "mta", "networks": "127.0.0.0/8"}
    sections = configuration(base, postfix.address, warm=AHEAD, identity="none")
    one = watched(postfix.address, **{
        "postern": {"workers": 1}, "backend mta": sections["backend mta"], "listener inside": inside})
    assert verdicts(one.daemon)[0]["verdict"] == "relays"
    are_there(one, postfix)
    for number in range(3):
        refuses_strangers(one.daemon, number + 1)
    are_there(one, postfix)
    deliver(one.daemon, listener="inside")
    with tls_client(one.daemon.address("smtps")) as client:
        client.ends("421 4.3.2")
    postfix.messages(1)
    are_there(one, postfix, 1)
    has_ended(one, postfix)
    said = postfix.log()[before:]
    assert not re.search(COMPLAINTS, said), said

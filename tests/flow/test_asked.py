"""Real servers, probed and asked whether they relay: the verdict, who is served, and their logs."""

import re

import pytest

from lib.basics import tcp_connections, until
from lib.client import tls_client
from test_open_relay import configuration, refuses_strangers, verdicts

# (server, set up for, it relays for, identity, verdict).
CASES = [
    ("exim", "plain", "local", "none", "relays"),
    ("exim", "plain", "none", "none", "closed"),
    ("exim", "proxy", "local", "proxy-v1", "closed"),
    ("exim", "proxy", "local", "proxy-v2", "closed"),
    ("opensmtpd", "plain", "local", "none", "relays"),
    ("opensmtpd", "plain", "none", "none", "closed"),
    ("opensmtpd", "proxy", "local", "proxy-v2", "closed"),
    ("opensmtpd", "proxy", "all", "proxy-v2", "relays"),
    ("sendmail", "plain", "local", "none", "relays"),
    ("sendmail", "plain", "local", "source", "closed"),
    ("dovecot", "plain", "none", "none", "closed"),
    ("dovecot", "proxy", "none", "proxy-v2", "closed"),
    ("dovecot", "xclient", "none", "xclient", "closed"),
]

# What each logs of a connection that ended by QUIT, ...
FAREWELLS = {
    "exim": r"closed by QUIT",
    "opensmtpd": r"smtp disconnected reason=quit",
    "sendmail": r"did not issue MAIL/EXPN/VRFY/ETRN during connection|, nrcpts=\d",
    "dovecot": r"Aborted login by logging out",
}

# ... and of one that it does not like.
COMPLAINTS = {
    "exim": r"error|lost|unexpected|dropped|timed? ?out|invalid|panic|PROXY",
    "opensmtpd": r"reason=(?!quit)\S+|failed-command command=(?!\"RCPT TO:<b@to.test>\").*"
                 r"|unsupported|failed to|timeout",
    "sendmail": r"lost input|reset by|NOQUEUE|SYSERR|rejecting|timeout|possible SMTP",
    "dovecot": r"Error|Warning|Fatal|haproxy|Connection closed|[Tt]imed? ?out",
}


def start(server, name, identity, base, daemon, **more):
    if name == "exim":
        more["proxy_header_size"] = 231
    # One probe: another one that a stop cuts off is to a slow server a connection that was lost.
    return daemon(configuration(base, server.address, identity=identity, probe="1h", **more))


def say_farewell(server, name, count):
    until(lambda: len(re.findall(FAREWELLS[name], server.log())) >= count,
          lambda: f"{count} farewells in:\n{server.log()}")


def is_served(one):
    with tls_client(one.address()) as client:
        client.greet()
        client.quit()


@pytest.mark.parametrize("name, setup, relays_for, identity, verdict", CASES)
def test_verdict(name, setup, relays_for, identity, verdict, start_backend, daemon, base):
    """`source`: an address that Sendmail does not trust by itself."""
    server = start_backend(name, setup, relays_for=relays_for)
    more = {}
    if identity == "source":
        identity, more = "none", {"source": "127.0.0.2"}
    one = start(server, name, identity, base, daemon, **more)
    event = verdicts(one)[0]
    assert event["verdict"] == verdict, event
    if identity != "none":
        until(lambda: "192.0.2.1" in server.log() or verdict == "relays", server.log)
    if verdict == "relays":
        refuses_strangers(one, 1)
    else:
        is_served(one)
    say_farewell(server, name, 2 if verdict == "relays" else 3)
    until(lambda: not tcp_connections(server.address[1]), "nobody is there")
    assert one.stop() == 0
    until(lambda: not tcp_connections(server.address[1]), "all have ended")
    complaints = [line for line in server.log().splitlines()
                  if re.search(COMPLAINTS[name], line)]
    assert not complaints, "\n".join(complaints)


def test_exim_asks_for_a_header_in_words(start_backend, daemon, base):
    """It greets who sends none, after 3 s, and answers EHLO by 503 for ever; so it is sent one."""
    server = start_backend("exim", "proxy", relays_for="local")
    one = start(server, "exim", "auto", base, daemon)
    assert one.wait_events("identity-found")[0]["identity"] == "proxy-v2"
    assert verdicts(one)[0]["verdict"] == "closed"
    is_served(one)
    assert one.stop() == 0

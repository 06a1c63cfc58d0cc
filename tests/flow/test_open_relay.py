"""Would the server relay for strangers? Asked as one of them, on the way that sessions take."""

import os
import re
import signal

import pytest

from lib import fake
from lib.basics import until
from lib.client import tls_client

QUESTION = ["EHLO mail.test", "MAIL FROM:<a@from.test>", "RCPT TO:<b@to.test>", "RSET", "QUIT"]


@pytest.fixture
def guarded(daemon, base):
    """A Postern that asks, and does not probe: guarded(address, other options of the backend)."""

    def start(address, sections=None, **options):
        return daemon(configuration(base, address, sections, **options))

    return start


def configuration(base, address, sections=None, **options):
    configured = base(address, workers=1)
    configured["backend mta"] |= {"open_relay": "refuse", "relay_from": "a@from.test",
                                  "relay_to": "b@to.test"} | options
    for section, more in (sections or {}).items():
        configured.setdefault(section, {}).update(more)
    return configured


def verdicts(one, count=1):
    return one.wait_events("open-relay", count)


def answering(code, **more):
    return fake.Server(RCPT=code, **more)


def test_it_never_sends_anything(guarded, backend):
    server = backend(answering("250 2.1.5 ok"))
    one = guarded(server.address)
    event = verdicts(one)[0]
    assert (event["verdict"], event["listeners"]) == ("relays", "smtps")
    assert "mynetworks" in event["message"] and "require_auth" in event["message"]
    until(lambda: server.talk().is_over, "it has ended")
    assert server.talk().commands == QUESTION
    assert one.stop() == 0


def test_one_that_does_not(guarded, backend):
    server = backend(answering("554 5.7.1 Relay access denied"))
    one = guarded(server.address)
    event = verdicts(one)[0]
    assert (event["verdict"], event["reply"]) == ("closed", "554 5.7.1 Relay access denied")
    assert one.stop() == 0


def test_not_asked_where_it_is_accepted(guarded, backend):
    server = backend()
    one = guarded(server.address, open_relay="accept")
    one.reload()
    assert one.stop() == 0
    assert server.talks == []


def test_a_server_that_puts_it_off_is_asked_again(guarded, backend):
    answers = answering("451 4.7.1 later")
    server = backend(answers)
    one = guarded(server.address)
    event = verdicts(one)[0]
    assert (event["verdict"], event["reply"]) == ("unknown", "451 4.7.1 later")
    assert "open_relay = accept" in event["message"]
    until(lambda: len(server.talks) >= 2, "it is asked again")
    assert len(one.events("open-relay")) == 1
    answers.answers["RCPT"] = "550 5.7.1 no"
    assert verdicts(one, 2)[1]["verdict"] == "closed"
    assert one.stop() == 0


def test_a_server_that_changes_its_mind(guarded, backend):
    """Each reload asks; what is put off changes nothing."""
    answers = answering("550 5.7.1 no")
    server = backend(answers)
    one = guarded(server.address)
    assert verdicts(one)[0]["verdict"] == "closed"
    answers.answers["RCPT"] = "250 2.1.5 ok"
    one.reload()
    assert verdicts(one, 2)[1]["verdict"] == "relays"
    answers.answers["RCPT"] = "550 5.7.1 no"
    one.reload()
    assert verdicts(one, 3)[2]["verdict"] == "closed"
    assert one.stop() == 0


def test_one_that_comes_up_is_asked_at_once(guarded, backend):
    """And not when its hour has come: that it was restarted may be to the point."""
    answers = answering("550 5.7.1 no")
    server = backend(answers)
    one = guarded(server.address, probe="200ms")
    assert verdicts(one)[0]["verdict"] == "closed"
    answers.answers["greeting"] = "554 5.3.2 no"
    one.wait_events("server-down")
    answers.answers["RCPT"] = "250 2.1.5 ok"
    answers.answers["greeting"] = "220 fake.test ESMTP"
    assert verdicts(one, 2)[1]["verdict"] == "relays"
    assert one.stop() == 0


def test_listeners_that_strangers_cannot_use_are_not_named(guarded, backend):
    server = backend(answering("250 2.1.5 ok"))
    listener = {"address": "127.0.0.1:0", "backend": "mta"}
    one = guarded(server.address, {
        "listener inside": listener | {"networks": "127.0.0.0/8"},
        "listener login": listener | {"policy": "login"},
        "listener open": listener,
        "policy login": {"require_auth": "yes"},
    })
    assert verdicts(one)[0]["listeners"] == "smtps,open"
    assert one.stop() == 0


def refuses_strangers(one, count):
    with tls_client(one.address()) as client:
        client.expect("421 4.3.2")
        client.ends()
    assert one.wait_events("session", count)[-1]["reason"] == "open-relay"


def test_strangers_wait_for_the_verdict_and_obey_it(guarded, backend, base):
    answers = answering("451 4.7.1 later")
    server = backend(answers)
    one = guarded(server.address)
    verdicts(one)
    refuses_strangers(one, 1)
    answers.answers["RCPT"] = "550 5.7.1 no"
    verdicts(one, 2)
    with tls_client(one.address()) as client:
        client.greet()
        client.quit()
    answers.answers["RCPT"] = "250 2.1.5 ok"
    one.reload()
    verdicts(one, 3)
    refuses_strangers(one, 3)
    one.reload(configuration(base, server.address, open_relay="accept"))
    with tls_client(one.address()) as client:
        client.greet()
        client.quit()
    assert one.stop() == 0


def test_the_verdict_outlives_the_monitor(guarded, backend):
    """Nobody is refused, nor let in, because it is not there."""
    answers = answering("550 5.7.1 no")
    server = backend(answers)
    one = guarded(server.address)
    verdicts(one)
    (pid,) = one.monitors()
    os.kill(pid, signal.SIGSTOP)
    with tls_client(one.address()) as client:
        client.greet()
        client.quit()
    os.kill(pid, signal.SIGKILL)
    one.wait_events("monitor-ended")
    with tls_client(one.address()) as client:
        client.greet()
        client.quit()
    until(lambda: len(server.talks) >= 4, "the next one asks, too")
    assert one.stop() == 0


# Postfix, which trusts 127.0.0.1, and so Postern.

PROXY = {"smtpd_upstream_proxy_protocol": "haproxy"}
XCLIENT = {"smtpd_authorized_xclient_hosts": "127.0.0.1"}


@pytest.mark.parametrize("settings, identity, verdict", [
    ({}, "none", "relays"),
    ({"mynetworks": "192.168.254.254"}, "none", "closed"),
    (XCLIENT, "xclient", "closed"),
    (XCLIENT, "auto", "closed"),
    ({**XCLIENT, "mynetworks": "192.0.2.0/24"}, "xclient", "relays"),
    (PROXY, "proxy-v2", "closed"),
    (PROXY, "proxy-v1", "closed"),
    ({**PROXY, "mynetworks": "192.0.2.0/24"}, "proxy-v2", "relays"),
])
def test_postfix(guarded, start_postfix, settings, identity, verdict):
    """Told of clients, it judges 192.0.2.1; told nothing, it judges Postern's address."""
    postfix = start_postfix(**settings)
    before = postfix.log_so_far()
    one = guarded(postfix.address, identity=identity)
    event = verdicts(one)[0]
    assert event["verdict"] == verdict, one.log()
    if verdict == "closed":
        assert re.match(r"454 4\.7\.1|554 5\.7\.1", event["reply"])
    if identity != "none":
        until(lambda: "192.0.2.1" in postfix.log(), postfix.log)
    until(lambda: (said := postfix.log()[before:]).count(" connect from ") ==
          said.count("disconnect from "), postfix.log)
    assert one.stop() == 0
    assert "lost connection" not in postfix.log()[before:]
    until(lambda: postfix.queue() == [], "nothing was sent")

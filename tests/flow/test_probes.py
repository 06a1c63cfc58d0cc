"""Whether servers are well, as the monitor asks them; what it says of them, and what they see."""

import os
import re
import signal
import threading
import time

import pytest

from lib import fake, mtas
from lib.basics import until
from lib.client import tls_client


@pytest.fixture
def watched(daemon, base):
    """A Postern that probes: watched(address, probe=..., other options of the backend)."""

    def start(address, sections=None, **options):
        configured = base(address, workers=1)
        configured["backend mta"] |= {"probe": "200ms"} | options
        for section, more in (sections or {}).items():
            configured.setdefault(section, {}).update(more)
        return daemon(configured)

    return start


def test_a_probe_is_polite(watched, backend):
    """It waits for each answer, and for the one to QUIT."""
    server = backend()
    one = watched(server.address)
    event = one.wait_events("server-up")[0]
    assert (event["backend"], event["server"]) == ("mta", "%s:%d" % server.address)
    until(lambda: len(server.talks) >= 3 and server.talks[2].is_over, "three probes")
    for talk in server.talks[:3]:
        assert talk.commands == ["EHLO mail.test", "QUIT"]
    assert len(one.events("server-up")) == 1
    assert not one.events("server-down")
    assert one.stop() == 0


def test_no_probes(daemon, base, backend):
    server = backend()
    one = daemon(base(server.address))
    one.reload()
    assert one.stop() == 0
    assert server.talks == []


def test_what_it_offers_is_told_and_each_change(watched, backend):
    offers = fake.Server()
    server = backend(offers)
    one = watched(server.address)
    assert one.wait_events("server-offers")[0]["offers"] == \
        "SIZE=1000000 PIPELINING 8BITMIME CHUNKING ENHANCEDSTATUSCODES"
    offers.keywords = ("SIZE 5", "AUTH LOGIN PLAIN")
    assert one.wait_events("server-changed")[0]["offers"] == "SIZE=5 AUTH=PLAIN,LOGIN"
    seen = len(server.talks)
    until(lambda: len(server.talks) >= seen + 3, "more probes")
    assert len(one.events("server-changed")) == len(one.events("server-offers")) == 1
    assert one.stop() == 0


def test_a_server_that_hides_auth_from_plain_text(watched, backend):
    offers = fake.Server(keywords=("STARTTLS", "SIZE 5"))
    server = backend(offers)
    one = watched(server.address)
    assert "`tls = starttls`" in one.wait_events("server-no-auth")[0]["message"]
    until(lambda: len(server.talks) >= 3, "more probes")
    assert len(one.events("server-no-auth")) == 1
    assert one.stop() == 0


@pytest.mark.parametrize("fault, why", [
    ("554 5.3.2 no", "554 5.3.2 no"),
    ("HTTP/1.1 400 Bad Request", "the server said what is not SMTP"),
    (fake.Talk.close, "the server closed the connection"),
])
def test_down_and_up_again(watched, backend, fault, why):
    faults = fake.Server()
    server = backend(faults)
    one = watched(server.address)
    one.wait_events("server-up")
    faults.answers["greeting"] = fault if isinstance(fault, str) else lambda talk, _: fault(talk)
    event = one.wait_events("server-down")[0]
    assert event["why"] == why
    faults.answers["greeting"] = "220 fake.test ESMTP"
    one.wait_events("server-up", 2)
    assert len(one.events("server-down")) == 1
    assert one.stop() == 0


def test_nobody_listens(watched, down):
    one = watched(down)
    assert one.wait_events("server-down")[0]["why"] == "Connection refused"
    assert one.stop() == 0


def test_a_server_that_hangs(watched, backend):
    release = threading.Event()

    def hang(talk, _):
        release.wait()
        talk.close()

    server = backend(fake.Server(greeting=hang))
    one = watched(server.address, {"timeouts": {"greeting": "100ms"}})
    assert one.wait_events("server-down")[0]["why"] == "no greeting in time"
    release.set()
    assert one.stop() == 0


def test_a_server_that_hangs_later(watched, backend):
    release = threading.Event()

    def hang(talk, _):
        release.wait()
        talk.close()

    server = backend(fake.Server(EHLO=hang))
    one = watched(server.address, {"timeouts": {"reply": "100ms"}})
    assert one.wait_events("server-down")[0]["why"] == "no answer in time"
    release.set()
    assert one.stop() == 0


def test_one_that_knows_no_ehlo_is_well(watched, backend):
    server = backend(fake.Server(EHLO="502 5.5.1 what"))
    one = watched(server.address)
    one.wait_events("server-up")
    assert server.talk().commands[:2] == ["EHLO mail.test", "HELO mail.test"]
    assert one.stop() == 0


def test_a_busy_server_is_not_down(watched, backend):
    greetings = fake.Server()
    server = backend(greetings)
    one = watched(server.address)
    one.wait_events("server-up")
    greetings.answers["greeting"] = "421 4.7.0 mx.test Error: too many connections from 127.0.0.1"
    event = one.wait_events("server-busy")[0]
    assert event["greeting"].startswith("421 4.7.0") and "50" in event["cause"]
    seen = len(server.talks)
    until(lambda: len(server.talks) >= seen + 5, "more probes")
    assert len(one.events("server-busy")) == 1
    assert not one.events("server-down")
    assert one.stop() == 0


def test_a_failure_of_a_session_is_looked_at_at_once(watched):
    """The next probe would be in an hour."""
    server = fake.Backend()
    one = watched(server.address, probe="1h")
    one.wait_events("server-up")
    server.stop()
    with tls_client(one.address()) as client:
        client.expect("421 4.3.2")
    one.wait_events("server-down")
    assert one.stop() == 0


def test_proxy_says_local(watched, backend):
    def serve(talk):
        talk.header = talk.read(16)
        fake.Server()(talk)

    server = backend(serve)
    one = watched(server.address, identity="proxy-v2")
    one.wait_events("server-up")
    assert server.talk().header == b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
    assert one.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_what_is_known_outlives_the_monitor(watched, backend, number):
    server = backend()
    one = watched(server.address)
    one.wait_events("server-up")
    (pid,) = one.monitors()
    os.kill(pid, number)
    if number == signal.SIGSTOP:
        one.reload()
    else:
        one.wait_events("monitor-ended")
    seen = len(server.talks)
    until(lambda: len(server.talks) >= seen + 3, "probes again")
    assert len(one.events("server-up")) == len(one.events("server-offers")) == 1
    assert one.stop() == 0


def test_postfix_has_nothing_to_complain_of(watched, postfix):
    before = postfix.log_so_far()
    one = watched(postfix.address, probe="2s")  # time enough to stop between two
    one.wait_events("server-up")
    until(lambda: len(re.findall(r"disconnect from .* ehlo=1 quit=1 commands=2",
                                 postfix.log())) >= 3, lambda: postfix.log())
    assert one.stop() == 0
    until(lambda: not mtas.tcp_connections(postfix.address[1]), "all have ended")
    said = postfix.log()[before:]
    assert "lost connection" not in said and "improper command pipelining" not in said, said


# `identity = auto`.


def test_auto_finds_xclient(watched, backend):
    server = backend(fake.Server(keywords=("XCLIENT NAME ADDR PORT",)))
    one = watched(server.address, identity="auto")
    assert one.wait_events("identity-found")[0]["identity"] == "xclient"
    one.wait_events("server-up")
    assert one.stop() == 0


def test_auto_finds_nothing_and_says_so(watched, backend):
    server = backend()
    one = watched(server.address, identity="auto")
    assert " warning " in one.wait_events("no-identity")[0].line
    until(lambda: len(server.talks) >= 3, "probes go on")
    assert len(one.events("no-identity")) == 1
    assert all(talk.received.startswith(b"EHLO ") for talk in server.talks if talk.received)
    assert one.stop() == 0


@pytest.mark.parametrize("version, mode", [(2, "proxy-v2"), (1, "proxy-v1")])
def test_auto_finds_proxy_where_nothing_greets(watched, backend, version, mode):
    def serve(talk):
        first = talk.read(5)
        if (first == b"PROXY") != (version == 1):
            talk.close()
        if version == 1:
            talk.line()
        else:
            talk.read(11)
        fake.Server()(talk)

    server = backend(serve)
    one = watched(server.address, identity="auto")
    assert one.wait_events("identity-found")[0]["identity"] == mode
    assert one.events("server-up") or one.wait_events("server-up")
    assert one.stop() == 0


def test_auto_is_found_anew_for_a_new_configuration(daemon, base, backend):
    """The same configuration keeps what it has found, without a question."""
    offers = fake.Server(keywords=("XCLIENT ADDR PORT",))
    server = backend(offers)
    configured = base(server.address, workers=1)
    configured["backend mta"]["identity"] = "auto"
    one = daemon(configured)
    one.wait_events("identity-found")
    offers.keywords = ()
    one.reload()
    one.reload()
    assert len(server.talks) == 1 and not one.events("no-identity")
    configured["backend mta"]["connect_timeout"] = "4s"
    one.reload(configured)
    one.wait_events("no-identity")
    assert len(one.events("identity-found")) == 1 and len(server.talks) == 2
    configured["backend mta"]["identity"] = "proxy-v2"
    one.reload(configured)
    configured["backend mta"] |= {"identity": "auto", "connect_timeout": "3s"}
    offers.keywords = ("XCLIENT ADDR PORT",)
    one.reload(configured)
    one.wait_events("identity-found", 2)
    assert one.stop() == 0


@pytest.mark.parametrize("identity", ["auto", "xclient"])
def test_xclient_comes_and_goes(watched, backend, identity):
    offers = fake.Server(keywords=("XCLIENT ADDR PORT",))
    server = backend(offers)
    one = watched(server.address, identity=identity)
    one.wait_events("server-up")
    offers.keywords = ()
    event = one.wait_events("no-identity")[0]
    assert " warning " in event.line and event["server"] == "%s:%d" % server.address
    with tls_client(one.address()) as client:
        client.expect(220)
    assert len(one.events("no-identity")) == 1
    offers.keywords = ("XCLIENT ADDR PORT",)
    assert one.wait_events("identity-found", 2 if identity == "auto" else 1)
    assert one.stop() == 0


def test_probes_are_spread(watched, backend):
    """Not all at the same moment for ever: the pauses differ."""
    times = []

    def greet(talk, _):
        times.append(time.monotonic())
        talk.say("220 fake.test ESMTP")

    server = backend(fake.Server(greeting=greet))
    one = watched(server.address, probe="100ms")
    until(lambda: len(times) >= 12, "twelve probes")
    pauses = [round(b - a, 3) for a, b in zip(times, times[1:])]
    assert len(set(pauses)) > 3, pauses
    assert one.stop() == 0

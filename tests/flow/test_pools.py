"""Several servers behind one backend: who is chosen, what becomes of one that fails, who waits."""

import collections
import contextlib
import os
import signal
import socket
import threading

import pytest

from lib import fake, mail, processes
from lib.basics import Port, text_of, until
from lib.client import Client, tls_client
from lib import table as tables
from lib.table import DISABLED, DOWN, ENABLED, PAUSED, RELAYS, Table, UNKNOWN, UP


def listed(*servers):
    return ", ".join(one if isinstance(one, str) else text_of(getattr(one, "address", one))
                     for one in servers)


def options(**more):
    """Options of the backend, for the fixture."""
    return {"backend mta": more}


def deliver(proxy, number=1, listener=None):
    with tls_client(proxy.address(listener)) as client:
        client.greet()
        reply = client.deliver(mail.stuffed(mail.numbered(number)))
        assert reply.code == 250, reply
        client.quit()


def servers_of(proxy, count):
    return [session.get("server") for session in proxy.sessions(count)]


# Choosing.


@pytest.mark.parametrize("balance", ["least", "round-robin"])
def test_sessions_are_spread(balance, postern, backend):
    mtas = [backend(), backend(), backend()]
    proxy = postern(backend=listed(*mtas), sections=options(balance=balance))
    with contextlib.ExitStack() as stack:
        for _ in range(9):
            stack.enter_context(tls_client(proxy.address())).greet()
        assert [len(mta.talks) for mta in mtas] == [3, 3, 3]
    spread = collections.Counter(servers_of(proxy, 9))
    assert spread == {text_of(mta.address): 3 for mta in mtas}


def test_least_goes_where_there_is_room(postern, backend):
    """Over two workers: what the other one has counts, too."""
    mtas = [backend(), backend()]
    proxy = postern(backend=listed(*mtas), workers=2)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(tls_client(proxy.address())) for _ in range(8)]
        for client in clients:
            client.greet()
        assert [len(mta.talks) for mta in mtas] == [4, 4]
    assert proxy.reasons(8) == ["client-lost"] * 8


def test_a_client_stays_with_its_server(postern, backend):
    mtas = [backend(), backend(), backend()]
    proxy = postern(backend=listed(*mtas), sections=options(balance="source"))
    for number in range(6):
        deliver(proxy, number)
    assert len(set(servers_of(proxy, 6))) == 1


def test_the_message_line_names_the_server(postern, backend):
    mta = backend()
    proxy = postern(backend=listed(mta))
    deliver(proxy)
    assert proxy.messages(1)[0]["server"] == text_of(mta.address)


# Failing over.


def hangs_up(talk):
    talk.close()


BUSY = "421 4.7.0 mx.test Error: too many connections from 127.0.0.1"


@pytest.mark.parametrize("how", ["refuses", "closes", "is busy", "resets", "is no SMTP"])
@pytest.mark.parametrize("tls", ["implicit", "required"])
def test_the_next_one_is_tried(how, tls, postern, backend):
    serves = {"closes": hangs_up, "resets": lambda talk: talk.reset(),
              "is busy": fake.Server(greeting=BUSY),
              "is no SMTP": lambda talk: (talk.say("SSH-2.0-OpenSSH_9.2"), talk.wait_end())}
    port = Port()
    bad = port.address if how == "refuses" else backend(serves[how]).address
    good = backend()
    proxy = postern(backend=listed(bad, good), tls=tls, sections=options(balance="round-robin"))
    client = Client(proxy.address())
    with client:
        if tls == "implicit":
            client.handshake()
        else:
            client.starttls()
            client.command("EHLO client.test", 250)
        if tls == "implicit":
            client.greet()
        assert client.deliver(mail.stuffed(mail.PLAIN)).code == 250
        client.quit()
    session = proxy.sessions(1)[0]
    assert session["server"] == text_of(good.address)
    assert session["failovers"] == "1"
    assert session["reason"] == "quit"
    assert good.messages() == [mail.stuffed(mail.PLAIN)[:-3]]


def test_a_refusal_for_good_is_passed_on(postern, backend):
    bad, good = backend(fake.Server(greeting="554 5.7.1 not you")), backend()
    proxy = postern(backend=listed(bad, good), sections=options(balance="round-robin"))
    with tls_client(proxy.address()) as client:
        client.expect("554 5.7.1 not you")
        client.ends()
    assert proxy.reasons(1) == ["backend-refused"]
    assert not good.talks


def test_where_all_are_busy_the_client_is_told_so(postern, backend):
    mtas = [backend(fake.Server(greeting=BUSY)), backend(fake.Server(greeting=BUSY))]
    proxy = postern(backend=listed(*mtas))
    with tls_client(proxy.address()) as client:
        client.expect(BUSY)
        client.ends()
    assert proxy.reasons(1) == ["backend-refused"]
    assert all(len(mta.talks) == 1 for mta in mtas)
    said = proxy.events("server-busy")
    assert {event["server"] for event in said} == {text_of(mta.address) for mta in mtas}
    assert all("smtpd_client_connection_count_limit" in event["cause"] for event in said)


def test_all_are_down(postern):
    ports = [Port(), Port()]
    proxy = postern(backend=listed(*(port.address for port in ports)))
    with tls_client(proxy.address()) as client:
        client.expect("421 4.3.2")
        client.ends()
    session = proxy.sessions(1)[0]
    assert session["reason"] == "backend-down"
    assert session["failovers"] == "1"


def test_a_hung_one_leaves_time_for_the_other(postern, backend):
    """Its system still accepts, so only the missing greeting tells."""
    hung, good = backend(lambda talk: talk.wait_end()), backend()
    proxy = postern(backend=listed(hung, good), sections=options(balance="round-robin"),
                    timeouts={"greeting": "4s"})
    deliver(proxy)
    session = proxy.sessions(1)[0]
    assert session["server"] == text_of(good.address)
    assert len(hung.talks) == 1


def test_one_that_keeps_failing_comes_last(postern, backend):
    bad, good = backend(hangs_up), backend()
    proxy = postern(backend=listed(bad, good), sections=options(balance="round-robin"))
    for number in range(12):
        deliver(proxy, number)
    assert len(bad.talks) == 3
    assert len(good.talks) == 12


def test_a_single_server_is_tried_again(postern, backend):
    """Whatever failed before, the next session tries."""
    answers = ["close"] * 5 + ["serve"] * 2

    def serve(talk):
        if answers.pop(0) == "close":
            talk.close()
        fake.Server()(talk)

    proxy = postern(backend=backend(serve).address)
    for _ in range(5):
        with tls_client(proxy.address()) as client:
            client.expect("421 4.3.2")
            client.ends()
    deliver(proxy)
    deliver(proxy)
    assert proxy.reasons(7) == ["backend-lost"] * 5 + ["quit"] * 2


def test_nobody_goes_elsewhere_once_told(postern, backend):
    """The greeting has been passed on: what fails then is the session's end."""
    bad = backend(fake.Server(EHLO=lambda talk, _: talk.reset()))
    good = backend()
    proxy = postern(backend=listed(bad, good), sections=options(balance="round-robin"))
    with tls_client(proxy.address()) as client:
        client.expect(220)
        client.command("EHLO client.test", 421)
        client.ends()
    assert not good.talks


# Real processes that come and go.


def test_a_stopped_sink_is_passed_over(postern, sink):
    """SIGSTOP: connections are still made, and nothing answers."""
    stopped, good = sink(), sink()
    proxy = postern(backend=listed(stopped, good), timeouts={"greeting": "4s"},
                    sections=options(balance="round-robin"))
    os.kill(stopped.process.pid, signal.SIGSTOP)
    try:
        for number in range(4):
            deliver(proxy, number)
    finally:
        os.kill(stopped.process.pid, signal.SIGCONT)
    assert len(good.messages()) == 4
    assert stopped.messages() == []


# Ways to a server.


@contextlib.contextmanager
def accepting(family, address):
    """A listener that serves each connection as fake.Server does; yields its sockets."""
    with socket.socket(family) as listener:
        listener.bind(address)
        listener.listen(10)
        peers = []

        def serve():
            while True:
                try:
                    connection, peer = listener.accept()
                except OSError:
                    return
                peers.append(peer)
                talk = fake.Talk(connection)
                try:
                    fake.Server()(talk)
                except fake.Gone:
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname(), peers
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_unix_and_ipv6_and_a_dead_one(postern, home):
    path = home / "smtp.sock"
    dead = home / "nobody.sock"
    with accepting(socket.AF_INET6, ("::1", 0)) as (v6, v6_peers), \
            accepting(socket.AF_UNIX, str(path)) as (_, unix_peers):
        os.chmod(path, 0o777)
        servers = [f"unix:{dead}", f"[::1]:{v6[1]}", f"unix:{path}"]
        proxy = postern(backend=listed(*servers), sections=options(balance="round-robin"))
        for number in range(6):
            deliver(proxy, number)
        assert set(servers_of(proxy, 6)) == set(servers[1:])
        assert len(v6_peers) + len(unix_peers) == 6


def test_source_addresses(postern):
    with accepting(socket.AF_INET, ("127.0.0.1", 0)) as (v4, v4_peers), \
            accepting(socket.AF_INET6, ("::1", 0)) as (v6, v6_peers):
        servers = [text_of(v4), f"[::1]:{v6[1]}"]
        proxy = postern(backend=listed(*servers),
                        sections=options(balance="round-robin",
                                         source="127.0.0.77, 127.0.0.78, ::1"))
        for number in range(8):
            deliver(proxy, number)
        assert sorted(peer[0] for peer in v4_peers) == ["127.0.0.77"] * 2 + ["127.0.0.78"] * 2
        assert {peer[0] for peer in v6_peers} == {"::1"}


# A limit of sessions.


class Counted(fake.Server):
    """How many sessions it has at a time, and the most it ever had."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()
        self.now = self.most = 0

    def __call__(self, talk):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            super().__call__(talk)
        finally:
            with self.lock:
                self.now -= 1

    def quit(self, talk, _):
        with self.lock:
            self.now -= 1
        try:
            super().quit(talk, _)
        finally:
            with self.lock:
                self.now += 1


def test_never_over_max_sessions(postern, backend):
    """Two workers, forty clients at once, three places: everybody is served in time."""
    counted = Counted()
    proxy = postern(backend=backend(counted).address, workers=2,
                    sections=options(max_sessions=3, full="wait 60s"))
    failures = []

    def one(number):
        try:
            deliver(proxy, number)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert counted.most <= 3
    sessions = proxy.sessions(40)
    assert {session["reason"] for session in sessions} == {"quit"}
    assert any("waited_seconds" in session for session in sessions)


def test_who_came_first_is_served_first(postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, sections=options(max_sessions=1, full="wait 60s"))
    first = tls_client(proxy.address())
    first.greet("first")
    waiting = []
    for number in range(4):
        waiting.append(tls_client(proxy.address()))
        until(lambda: processes.are_quiet(proxy.pids()), "the worker has put it into the queue")
    assert len(mta.talks) == 1
    first.quit()
    for number, client in enumerate(waiting):
        client.greet(f"number{number}")
        client.quit()
    proxy.sessions(5)
    greeted = [talk.commands[0] for talk in mta.talks]
    assert greeted == ["EHLO first"] + [f"EHLO number{number}" for number in range(4)]


def test_who_waits_too_long_is_told_to_come_again(postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, sections=options(max_sessions=1, full="wait 500ms"))
    with tls_client(proxy.address()) as first:
        first.greet()
        with tls_client(proxy.address()) as second:
            second.expect("421 4.3.2")
            second.ends()
        assert first.deliver(mail.stuffed(mail.PLAIN)).code == 250
        first.quit()
    assert sorted(proxy.reasons(2)) == ["backend-full", "quit"]


def test_full_and_refused_at_once(postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, sections=options(max_sessions=1, full="refuse"))
    with tls_client(proxy.address()) as first:
        first.greet()
        with tls_client(proxy.address()) as second:
            second.expect("421 4.3.2")
            second.ends()
        first.quit()
    deliver(proxy)
    assert sorted(proxy.reasons(3)) == ["backend-full", "quit", "quit"]


def test_one_that_gives_up_waiting_leaves_the_queue(postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, sections=options(max_sessions=1, full="wait 60s"))
    first = tls_client(proxy.address())
    first.greet()
    gone = tls_client(proxy.address())
    patient = tls_client(proxy.address())
    gone.reset()
    proxy.sessions(1)
    first.quit()
    patient.greet()
    patient.quit()
    assert proxy.reasons(3)[0] == "client-lost"
    assert len(mta.talks) == 2


def test_a_killed_worker_leaves_no_place_taken(postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, workers=1,
                    sections=options(max_sessions=2, full="refuse"))
    held = [tls_client(proxy.address()) for _ in range(2)]
    for client in held:
        client.greet()
    worker, = [pid for pid in proxy.worker_pids() if processes.descriptors(pid)][:1]
    old = proxy.worker_pids()
    os.kill(worker, signal.SIGKILL)
    until(lambda: proxy.worker_pids() and worker not in proxy.worker_pids()
          and len(proxy.worker_pids()) == len(old), "another worker")
    for client in held:
        client.close()
    for number in range(3):
        deliver(proxy, number)


# What the monitor and the administrator say of a server.


def test_no_stranger_comes_to_an_open_relay(postern, backend):
    """The monitor has asked both before the first client comes; the table says what it found."""

    def refuse_strangers(talk, line):
        talk.say("550 5.7.1 no" if "abuse@gmail.com" in line else "250 2.1.5 ok")

    relays, closed = backend(), backend(fake.Server(RCPT=refuse_strangers))
    listeners = {"strangers": {"tls": "implicit"},
                 "networks": {"tls": "implicit", "networks": "127.0.0.0/8"}}
    proxy = postern(backend=listed(relays, closed), listeners=listeners,
                    sections=options(open_relay="refuse", probe="0s"))
    until(lambda: len(proxy.events("open-relay")) == 2, proxy.log)
    for number in range(4):
        deliver(proxy, number, "strangers")
    assert not relays.messages() and len(closed.messages()) == 4
    Table(proxy).set_verdict("mta", text_of(closed.address), RELAYS)
    with tls_client(proxy.address("strangers")) as client:
        client.expect("421 4.3.2")
        client.ends()
    deliver(proxy, 5, "networks")
    assert proxy.reasons(6)[4:] == ["open-relay", "quit"]


def test_a_pool_that_is_down_is_not_tried(postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, sections=options(probe="1h"))
    until(lambda: proxy.events("server-up"), proxy.log)
    table = Table(proxy)
    table.set_health("mta", text_of(mta.address), DOWN)
    with tls_client(proxy.address()) as client:
        client.expect("421 4.3.2")
        client.ends()
    assert len(mta.talks) == 1  # the probe
    table.set_health("mta", text_of(mta.address), UP)
    deliver(proxy)
    assert proxy.reasons(2) == ["backend-down", "quit"]


def test_disabled_is_as_if_not_there(postern, backend):
    off, on = backend(), backend()
    proxy = postern(backend=listed(off, on))
    Table(proxy).set_admin("mta", text_of(off.address), DISABLED)
    for number in range(3):
        deliver(proxy, number)
    assert (len(off.talks), len(on.talks)) == (0, 3)


def test_paused_has_clients_wait(postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, sections=options(full="refuse"))
    table = Table(proxy)
    table.set_admin("mta", text_of(mta.address), PAUSED)
    with tls_client(proxy.address()) as client:
        assert not mta.talks
        table.set_admin("mta", text_of(mta.address), ENABLED)
        client.greet()
        client.quit()
    assert proxy.reasons(1) == ["quit"]


def test_clients_are_told_what_all_can_do(postern, backend):
    """Of those that are up: what the other lacks is not shown, and comes back when it is off."""
    one, other = backend(), backend()
    proxy = postern(backend=listed(one, other), sections=options(probe="1h"))
    until(lambda: len(proxy.events("server-up")) == 2, proxy.log)
    table = Table(proxy)
    table.set_health("mta", text_of(other.address), UNKNOWN)
    table.set_offer("mta", text_of(other.address),
                    [tables.SIZE, tables.PIPELINING, tables.EIGHT_BIT_MIME], 5000)

    def told():
        with tls_client(proxy.address()) as client:
            keywords = client.greet().keywords
            client.quit()
        return keywords

    everything = ["PIPELINING", "SIZE 1000000", "8BITMIME", "CHUNKING", "ENHANCEDSTATUSCODES"]
    assert told() == everything
    table.set_health("mta", text_of(other.address), UP)
    for _ in range(2):
        assert told() == ["PIPELINING", "SIZE 5000", "8BITMIME"]
    table.set_admin("mta", text_of(other.address), DISABLED)
    assert told() == everything


def test_the_lowest_of_all_limits_is_told(postern, backend):
    """RFC 9422: a client may be sent to either, and may remember what it was told."""
    one = backend(fake.Server(keywords=("LIMITS RCPTMAX=50 MAILMAX=20",)))
    other = backend(fake.Server(keywords=("LIMITS RCPTMAX=10 RCPTDOMAINMAX=3",)))
    third = backend(fake.Server(keywords=()))
    proxy = postern(backend=listed(one, other, third),
                    sections=options(probe="1h", balance="round-robin"))
    until(lambda: len(proxy.events("server-up")) == 3, proxy.log)
    told = set()
    for _ in range(3):
        with tls_client(proxy.address()) as client:
            told.add(tuple(client.greet().keywords))
            client.quit()
    assert told == {("LIMITS RCPTMAX=10 MAILMAX=20 RCPTDOMAINMAX=3", "PIPELINING"),
                    ("LIMITS RCPTMAX=10 RCPTDOMAINMAX=3 MAILMAX=20", "PIPELINING"),
                    ("PIPELINING",)}
    offers = [event["offers"] for event in proxy.events("server-offers")]
    assert "LIMITS=RCPTMAX:50,MAILMAX:20" in offers

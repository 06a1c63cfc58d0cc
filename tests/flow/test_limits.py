"""Limits over all workers: sessions, connection rates and failed logins of an address, and the sum."""

import base64
import collections
import concurrent.futures
import os
import random
import signal
import socket
import ssl
import subprocess

import pytest

import proc
from lib import network
from lib.basics import PATIENCE_S, until
from lib.client import Client, tls_client
from lib.sasl import Sasl

IP_FREEBIND = 15
NOBODY = {"exempt": ""}


def limits(**options):
    return {"limits": NOBODY | options}


@pytest.fixture
def daemon(request, home):
    """A Postern that is killed, if it lives still, at the end of the test."""
    started = []

    def start(sections):
        directory = home / f"postern-{len(started)}"
        directory.mkdir()
        one = proc.Daemon(directory, sections)
        started.append(one)
        request.node.flow_logs = getattr(request.node, "flow_logs", []) + [one.log_file]
        return one.wait_ready()

    yield start
    for one in started:
        one.kill()


def plain(authority, address="127.0.0.1:0", workers=2, **options):
    """A configuration with a listener where Postern itself greets, and no server is needed."""
    sections = proc.base(authority, workers=workers)
    sections["listener smtps"] |= {"tls": "required", "address": address}
    return sections | limits(**options)


def connect(address, source):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    one = socket.socket(family)
    one.settimeout(PATIENCE_S)
    one.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    one.bind((source, 0))
    one.connect(address)
    return one


def said(one):
    """The first line that comes, or how it ended."""
    one.settimeout(PATIENCE_S)
    try:
        got = one.recv(1000)
    except ConnectionResetError:
        return "reset"
    return got.decode().strip() if got else "closed"


def code(one):
    return said(one)[:3]


def is_served(address, source):
    with connect(address, source) as one:
        return code(one) == "220"


# By address.


def test_a_thousand_addresses(daemon, authority):
    """Each may have two sessions, whichever worker has them; the third is told, and takes nothing."""
    one = daemon(plain(authority, sessions_per_ip=2, rate_per_ip=0))
    sources = [f"127.1.{n // 250}.{n % 250 + 1}" for n in range(1000)]
    address, opened = one.address(), []
    for _ in range(2):
        batch = [connect(address, source) for source in sources]
        assert [code(each) for each in batch] == ["220"] * len(batch)
        opened += batch
    one.wait_open(2000)
    extra = [connect(address, source) for source in sources]
    text = "421 4.7.0 Too many sessions from your address, try again later"
    assert {said(each) for each in extra} == {text}
    for each in opened[1000:] + extra:
        each.close()
    one.wait_open(1000)
    assert all(is_served(address, source) for source in sources[:50])
    for each in opened[:1000]:
        each.close()
    one.wait_open(0)
    refused = collections.Counter(event["client"].split(":")[0] for event in one.events("refused"))
    assert refused == dict.fromkeys(sources, 1)
    assert {event["reason"] for event in one.events("refused")} == {"address-sessions"}
    assert one.stop() == 0


def in_network(function):
    """Calls it in a thread that has a network of its own, with all of 2001:db8::/32 on it."""

    def run():
        network.enter()
        for words in ("link set lo up", "-6 addr add 2001:db8::1/128 dev lo nodad",
                      "-6 route add local 2001:db8::/32 dev lo"):
            subprocess.run(("ip", *words.split()), check=True)
        return function()

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def test_ipv6_counts_by_64(daemon, authority):
    if network.why_not():
        pytest.skip(network.why_not())

    def body():
        one = daemon(plain(authority, "[2001:db8::1]:0", sessions_per_ip=2, rate_per_ip=0))
        opened = []
        for net in range(300):
            batch = [connect(one.address(), f"2001:db8:1:{net:x}:{host:x}::1")
                     for host in (0, 0xabcd, 0xffff)]
            assert sorted(code(each) for each in batch) == ["220", "220", "421"], net
            opened += batch
        for each in opened:
            each.close()
        one.wait_open(0)
        assert one.stop() == 0

    in_network(body)


def test_a_rate(daemon, authority):
    """Twenty an hour: the rest is told, however many workers there are."""
    one = daemon(plain(authority, rate_per_ip="20/h", sessions_per_ip=0))
    heard = collections.Counter()
    for _ in range(50):
        with connect(one.address(), "127.0.0.9") as each:
            heard[said(each)[:26]] += 1
    assert heard["421 4.7.0 Too many connect"] == 30
    assert is_served(one.address(), "127.0.0.10")
    assert [event["reason"] for event in one.events("refused")] == ["address-rate"]
    one.wait_open(0)
    assert one.stop() == 0


def outcome(address, source):
    """What a client of an implicit port meets: a code, or no TLS at all."""
    with connect(address, source) as plain_socket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with context.wrap_socket(plain_socket) as tls:
                return tls.recv(1000).decode()[:9].strip()
        except (ssl.SSLError, ConnectionResetError):
            return "closed"


def test_implicit_is_told_inside_tls_up_to_twice_the_limit(postern, backend):
    proxy = postern(backend=backend().address, workers=2,
                    sections=limits(rate_per_ip="5/h", sessions_per_ip=0))
    heard = collections.Counter(outcome(proxy.address(), "127.0.0.9") for _ in range(20))
    assert heard == {"220 fake.": 5, "421 4.7.0": 5, "closed": 10}
    assert len(proxy.sessions(5)) == 5
    assert [event["reason"] for event in proxy.events("refused")] == ["address-rate"]


def test_the_told_have_places_of_their_own(postern, backend):
    """Two served, two told, the rest closed; and who is told keeps nobody out."""
    proxy = postern(backend=backend().address, sections=limits(sessions_per_ip=2, rate_per_ip=0))
    served = [tls_client(proxy.address()) for _ in range(2)]
    for each in served:
        each.greet()
    told = [Client(proxy.address()).knock() for _ in range(2)]  # they do no more
    for _ in range(3):
        with Client(proxy.address()) as each:
            with pytest.raises((ConnectionError, ssl.SSLError)):
                each.handshake()
    served.pop().quit()
    proxy.sessions(1)
    with tls_client(proxy.address()) as each:
        each.greet()
        each.quit()
    for each in told:
        each.handshake()
        each.expect("421 4.7.0")
        each.close()
    served.pop().quit()
    assert proxy.reasons(3) == ["quit"] * 3


def test_exempt(daemon, authority):
    one = daemon(plain(authority, sessions_per_ip=1, rate_per_ip="1/h", exempt="127.0.0.2"))
    opened = [connect(one.address(), "127.0.0.2") for _ in range(10)]
    assert [code(each) for each in opened] == ["220"] * 10
    assert is_served(one.address(), "127.0.0.3") and not is_served(one.address(), "127.0.0.3")
    for each in opened:
        each.close()
    one.wait_open(0)
    assert one.stop() == 0


def test_a_reload_forgets_nothing_and_takes_new_limits(daemon, authority):
    one = daemon(plain(authority, rate_per_ip=0, sessions_per_ip=2))
    opened = [connect(one.address(), "127.0.0.9") for _ in range(2)]
    assert [code(each) for each in opened] == ["220"] * 2
    one.reload()
    assert not is_served(one.address(), "127.0.0.9")
    one.reload(plain(authority, rate_per_ip=0, sessions_per_ip=3))
    assert is_served(one.address(), "127.0.0.9")
    for each in opened:
        each.close()
    one.wait_open(0)
    assert one.stop() == 0


# All together.


def test_the_sum_of_sessions_is_told(daemon, authority):
    """On a plain port everybody beyond is told; it is said in the log once by each worker."""
    one = daemon(plain(authority, sessions=3, exempt="127.0.0.0/8"))
    opened = [connect(one.address(), "127.0.0.9") for _ in range(10)]
    heard = [said(each)[:13] for each in opened]
    assert heard.count("421 4.3.2 Too") == 7 and one.open_sessions() == 3
    assert 1 <= len(one.events("refused")) <= 2
    assert {event["reason"] for event in one.events("refused")} == {"overload"}
    for each in opened:
        each.close()
    one.wait_open(0)
    assert is_served(one.address(), "127.0.0.9")
    one.wait_open(0)
    assert one.stop() == 0


def test_the_sum_of_sessions_over_tls(postern, backend):
    """As many again are told after the handshake; the others wait, and have their turn."""
    proxy = postern(backend=backend().address, sections={"limits": {"sessions": 2}})
    served = [tls_client(proxy.address()) for _ in range(2)]
    for each in served:
        each.greet()
    told = [Client(proxy.address()).knock() for _ in range(2)]
    waiting = [Client(proxy.address()).knock() for _ in range(5)]
    until(lambda: proxy.events("accept-paused"), "it is said")
    for each in told:
        each.handshake()
        each.expect("421 4.3.2")
        each.close()
    for each in served:
        each.quit()
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda each: each.handshake(), waiting))
    heard = [each.reply().code for each in waiting]
    assert set(heard) <= {220, 421} and 220 in heard
    for each in waiting:
        each.close()


# Failed logins.


def plain_login(password):
    return base64.b64encode(f"\0user\0{password}".encode()).decode()


@pytest.fixture
def mailer(start_postfix, home):
    """A Postfix that knows one user."""
    sasl = Sasl(home / "sasl", "user", "secret")
    yield start_postfix(smtpd_sasl_auth_enable="yes", smtpd_sasl_type="dovecot",
                        smtpd_sasl_path=home / "sasl", smtpd_hard_error_limit=100,
                        smtpd_soft_error_limit=100)
    sasl.stop()


def guess(client, password="wrong"):
    return client.command(f"AUTH PLAIN {plain_login(password)}")


def test_failed_logins_ban(postern, mailer):
    proxy = postern(backend=mailer.address, workers=2,
                    listeners={"implicit": {"tls": "implicit"}, "required": {"tls": "required"}},
                    sections=limits(auth_failures_per_ip="5/h", ban="1h"))
    with tls_client(proxy.address("implicit")) as one, tls_client(
            proxy.address("implicit")) as other:
        one.greet()
        other.greet()
        for _ in range(2):
            assert guess(one).code == guess(other).code == 535
        assert guess(one).code == 535
        assert guess(other).code == 535
        other.ends("421 4.7.0 ")
        assert guess(one).code == 535
        one.ends("421 4.7.0 ")
    assert proxy.reasons(2) == ["banned"] * 2
    assert outcome(proxy.address("implicit"), "127.0.0.1") == "closed"
    with Client(proxy.address("required")) as third:
        third.ends("421 4.7.0 ")
    with connect(proxy.address("required"), "127.0.0.2") as stranger:
        assert code(stranger) == "220"
    ban, = proxy.events("ban")
    assert (ban["address"], ban["failures"], ban["seconds"]) == ("127.0.0.1", "6", "3600.000")
    failed = proxy.events("auth-failed")
    # Each worker writes its lines once a turn.
    assert sorted(event["failures"] for event in failed[:6]) == ["1", "2", "3", "4", "5", "6"]
    assert {event["code"] for event in failed} == {"535"}
    assert [event["reason"] for event in proxy.wait_events("refused")] == ["banned"]


def test_who_has_logged_in_is_not_banned(postern, mailer):
    proxy = postern(backend=mailer.address, sections=limits(auth_failures_per_ip="2/h", ban="1h"))
    with tls_client(proxy.address()) as one:
        one.greet()
        assert guess(one, "secret").code == 235
        one.quit()
    with tls_client(proxy.address()) as one:
        one.greet()
        assert [guess(one).code for _ in range(6)] == [535] * 6
        one.quit()
    assert not proxy.events("ban") and len(proxy.events("auth-failed")) == 6


# Out of memory.

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

static bool serves;

int accept4(int fd, struct sockaddr *restrict addr, socklen_t *restrict len, int flags)
{
	static int (*real)(int, struct sockaddr *, socklen_t *, int);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "accept4");
	serves = true;
	return real(fd, addr, len, flags);
}

/* Nothing else that is so large is asked for by a worker that serves: the second to fourth session
 * cannot be had. */
void *calloc(size_t count, size_t size)
{
	static void *(*real)(size_t, size_t);
	static int asked;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "calloc");
	if (serves && count == 1 && size > 800 && ++asked >= 2 && asked <= 4)
		return NULL;
	return real(count, size);
}
"""


@pytest.mark.plain
def test_out_of_memory(home, authority):
    """Clients are told so, the log too, accept waits a moment; then all is as before."""
    shim, source = home / "shim.so", home / "shim.c"
    source.write_text(SHIM)
    subprocess.run(("gcc", "-shared", "-fPIC", "-O1", "-o", shim, source), check=True)
    one = proc.Daemon(home, plain(authority, workers=1), env={"LD_PRELOAD": str(shim)}).wait_ready()
    try:
        heard = []
        for _ in range(8):
            with connect(one.address(), "127.0.0.9") as each:
                heard.append(said(each)[:9])
        assert heard == ["220 mail."] + ["421 4.3.2"] * 3 + ["220 mail."] * 4
        assert [event["reason"] for event in one.events("refused")] == ["no-memory"] * 3
        assert "out of memory" in one.events("accept-paused")[0]["message"]
        one.wait_open(0)
        assert one.stop() == 0
    finally:
        one.kill()


# What the killed leave.


def killed(pid):
    """False where it is gone already: the master may not yet have looked."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def test_killed_workers_leave_nothing(daemon, authority):
    """Forty of them, under load; then nobody is counted who is not there."""
    one = daemon(plain(authority, sessions_per_ip=3, rate_per_ip=0, sessions=200, workers=8))
    sources = [f"127.2.0.{n}" for n in range(1, 41)]
    address, opened = one.address(), []
    for _ in range(40):
        for _ in range(60):
            try:
                opened.append(connect(address, random.choice(sources)))
            except ConnectionError:
                pass
        for each in random.sample(opened, len(opened) // 2):
            each.close()
            opened.remove(each)
        until(lambda: (workers := one.workers()) and killed(random.choice(workers)), "a worker to kill")
    for each in opened:
        each.close()
    until(lambda: len(one.workers()) == 8 and all(r.up for r in one.records().values()),
          "all workers are up")
    one.wait_open(0)
    for source in sources:
        batch = [connect(address, source) for _ in range(4)]
        assert sorted(code(each) for each in batch) == ["220", "220", "220", "421"], source
        for each in batch:
            each.close()
    one.wait_open(0)
    assert one.stop() == 0

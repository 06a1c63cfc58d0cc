"""Mail through a listener with tls = implicit: what is sent is what arrives, or nothing does."""

import asyncio
import base64
import collections
import hashlib
import os
import signal
import smtplib
import ssl
import threading

import pytest

from lib import clients, crowd, fake, mail, processes
from lib.basics import AS_ROOT, PATIENCE_S, tcp_connections, until
from lib.client import Client, tls_client
from lib.crowd import Session
from lib.postfix import client_settings, without_trace
from lib.sasl import Sasl

looks_into_workers = pytest.mark.skipif(not AS_ROOT, reason="only root can look into workers")
TEXTS = [mail.PLAIN, mail.EIGHT_BIT, mail.DOTS, mail.LONG_LINE, mail.EMPTY]


def sentinel(server):
    """A message past Postern: what came before it and was to be delivered is there with it."""
    with smtplib.SMTP(*server.address) as session:
        session.sendmail(mail.SENDER, [mail.RECIPIENT], mail.numbered(0))
    return mail.digest(mail.numbered(0))


def assert_only_sentinel(server):
    mark = sentinel(server)
    assert mail.digests(server.messages(1)) == [mark]


# Whole messages.


@pytest.mark.parametrize("client", clients.ALL)
def test_client_delivers(client, postern, postfix, way):
    proxy = postern(backend=postfix.address)
    for text in TEXTS:
        clients.ALL[client](way(proxy, "implicit"), text)
    expected = list(TEXTS)
    if client == "smtplib":
        expected[-1] = b"\r\n"  # it ends the last line, even where there is none
    assert mail.digests(postfix.messages(len(TEXTS))) == mail.digests(expected)
    assert len(proxy.messages(len(TEXTS))) == len(TEXTS)
    assert len(proxy.sessions(len(TEXTS))) == len(TEXTS)


def test_postfix_as_client(postern, postfix, start_postfix, authority):
    proxy = postern(backend=postfix.address)
    sender = start_postfix(**client_settings(
        proxy.address(), authority.file, smtp_tls_wrappermode="yes",
        smtp_tls_security_level="secure", smtp_tls_secure_cert_match="mail.test"))
    texts = [text for text in TEXTS if text]
    with smtplib.SMTP(*sender.address) as session:
        for text in texts:
            session.sendmail(mail.SENDER, [mail.RECIPIENT], text)
    arrived = map(without_trace, postfix.messages(len(texts)))
    assert mail.digests(arrived) == mail.digests(texts)


def test_fifty_megabytes(postern, postfix, way):
    proxy = postern(backend=postfix.address)
    text = mail.big(50)
    clients.curl(way(proxy, "implicit"), text)
    assert mail.digests(postfix.messages(1)) == [mail.digest(text)]


def test_fifty_megabytes_by_bdat(postern, postfix):
    proxy = postern(backend=postfix.address)
    text = mail.big(50)
    half = len(text) // 2
    with tls_client(proxy.address()) as client:
        client.greet()
        client.envelope()
        client.send(b"BDAT %d\r\n" % half, text[:half])
        client.expect(250)
        client.send(b"BDAT %d LAST\r\n" % (len(text) - half), text[half:])
        client.expect(250)
        client.quit()
    assert mail.digests(postfix.messages(1)) == [mail.digest(text)]


def test_exact_bytes(postern, sink):
    """The same without a maildir's own idea of line ends."""
    taken = sink()
    proxy = postern(backend=taken.address)
    with tls_client(proxy.address()) as client:
        client.greet()
        for text in TEXTS:
            assert client.deliver(mail.stuffed(text)).code == 250
        client.quit()
    until(lambda: len(taken.messages()) == len(TEXTS), "all messages at the sink")
    assert taken.messages() == TEXTS


def test_nul_in_a_chunk_arrives(postern, postfix):
    proxy = postern(backend=postfix.address)
    text = mail.message("nul", b"a\0b\r\n\0\0\r\n\0.\0\r\n")
    with tls_client(proxy.address()) as client:
        client.greet()
        client.envelope()
        client.send(b"BDAT %d LAST\r\n" % len(text) + text)
        client.expect(250)
        client.quit()
    assert mail.digests(postfix.messages(1)) == [mail.digest(text)]


@pytest.mark.parametrize("bad, reason", [(b"\0", "nul"), (b"\n", "bare-newline"),
                                         (b"\r", "bare-newline")])
def test_bad_byte_in_data_is_refused(bad, reason, postern, postfix):
    proxy = postern(backend=postfix.address)
    text = mail.message("bad", b"before" + bad + b"after\r\n" + b"more\r\n" * 1000)
    with tls_client(proxy.address()) as client:
        client.greet()
        client.envelope()
        client.command("DATA", 354)
        client.send(mail.stuffed(text))
        client.expect("550 5.5.2")
        client.rest()
    assert proxy.reasons(1) == [reason]
    assert_only_sentinel(postfix)


def test_twenty_messages_in_one_session(postern, postfix, way):
    proxy = postern(backend=postfix.address)
    texts = [mail.numbered(number, 50 * number) for number in range(1, 21)]
    with clients.smtplib_session(way(proxy, "implicit")) as session:
        for text in texts:
            session.sendmail(mail.SENDER, [mail.RECIPIENT], text)
    assert mail.digests(postfix.messages(20)) == mail.digests(texts)
    assert proxy.sessions(1)[0]["messages"] == "20"


def test_pipelined(postern, postfix):
    """Each group behind the end of the text before it, in one TLS record."""
    proxy = postern(backend=postfix.address)
    texts = [mail.numbered(number) for number in range(1, 21)]
    group = (f"MAIL FROM:<{mail.SENDER}>\r\nRCPT TO:<{mail.RECIPIENT}>\r\n"
             f"RCPT TO:<other@mail.test>\r\nDATA\r\n").encode()
    with tls_client(proxy.address()) as client:
        client.greet()
        client.send(group)
        for left in reversed(range(len(texts))):
            assert [client.reply().code for _ in range(4)] == [250, 250, 250, 354]
            text = mail.stuffed(texts[len(texts) - 1 - left])
            client.send(text + (group if left else b"QUIT\r\n"))
            client.expect(250)
        client.expect(221)
        client.ends()
    assert mail.digests(postfix.messages(40)) == mail.digests(texts + texts)


@pytest.mark.parametrize("pipelined", [False, True])
def test_chunks(pipelined, postern, postfix):
    proxy = postern(backend=postfix.address)
    text = mail.message("chunks", b"".join(b"line %d\r\n.\r\n" % n for n in range(5000)))
    cuts = [0, 1, 2, 17, 4096, 4097, 40_000, len(text)]
    chunks = [text[start:end] for start, end in zip(cuts, cuts[1:])]
    envelope = f"MAIL FROM:<{mail.SENDER}>\r\nRCPT TO:<{mail.RECIPIENT}>\r\n".encode()
    steps = [envelope] + [b"BDAT %d\r\n" % len(chunk) + chunk for chunk in chunks]
    steps.append(b"BDAT 0 LAST\r\n")
    with tls_client(proxy.address()) as client:
        client.greet()
        if pipelined:
            client.send(b"".join(steps))
        for step in steps:
            if not pipelined:
                client.send(step)
            for _ in range(2 if step is envelope else 1):
                client.expect(250)
        client.quit()
    assert mail.digests(postfix.messages(1)) == [mail.digest(text)]


def test_slow_client(postern, postfix):
    """A byte a record, each in a packet of its own."""
    proxy = postern(backend=postfix.address)
    text = mail.stuffed(mail.message("slow", b".\r\nx\r\n..\r\n"))
    with tls_client(proxy.address()) as client:
        client.expect(220)

        def dribble(data, code):
            for at in range(len(data)):
                client.send(data[at : at + 1])
            client.expect(code)

        dribble(b"EHLO client.test\r\n", 250)
        dribble(b"MAIL FROM:<sender@client.test>\r\n", 250)
        dribble(b"RCPT TO:<box@mail.test>\r\n", 250)
        dribble(b"DATA\r\n", 354)
        dribble(text, 250)
        dribble(b"QUIT\r\n", 221)
    assert mail.digests(postfix.messages(1)) == [
        mail.digest(mail.message("slow", b".\r\nx\r\n..\r\n"))]


@pytest.mark.plain
@looks_into_workers
def test_client_that_does_not_read(postern, backend):
    """It asks and asks; what it does not take is not gathered anywhere without a bound."""
    mta = backend(fake.Server(NOOP="250 " + "x" * 400))
    proxy = postern(backend=mta.address)
    client = Client(proxy.address(), receive_buffer=4096)
    with client.handshake():
        client.greet()
        before = proxy.memory_bytes()
        client.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            for _ in range(200_000):
                client.send(b"NOOP\r\n" * 100)
        assert proxy.memory_bytes() - before < 1_000_000


# Log and certificates.

SESSION_FIELDS = {"id", "listener", "client", "tls", "cipher", "group", "resumed", "sni", "helo",
                  "messages", "recipients", "bytes_in", "bytes_out", "backend", "reason", "seconds"}
MESSAGE_FIELDS = {"id", "bytes", "verdict", "told"}


def test_log_tells_session_and_message(postern, sink):
    taken = sink()
    proxy = postern(backend=taken.address)
    text = mail.stuffed(mail.PLAIN)
    with tls_client(proxy.address()) as client:
        client.greet("helo-name.test")
        assert client.deliver(text).code == 250
        client.quit()
        port = client.port
    session, message = proxy.sessions(1)[0], proxy.messages(1)[0]
    assert not SESSION_FIELDS - set(session), session
    assert not MESSAGE_FIELDS - set(message), message
    assert session["listener"] == "implicit" and session["client"] == f"127.0.0.1:{port}"
    assert session["tls"] == "TLSv1.3" and session["cipher"].startswith("TLS_")
    assert session["sni"] == "mail.test" and session["helo"] == "helo-name.test"
    assert session["messages"] == "1" and session["recipients"] == "1"
    assert session["reason"] == "quit" and session["id"] == message["id"]
    assert int(session["bytes_in"]) > len(text)
    assert message["verdict"] == "250" and message["told"] == "yes"
    assert abs(int(message["bytes"]) - len(text)) <= 3  # with or without the final dot


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_certificate_that_the_client_can_use(kind, postern, sink, authority):
    """Both for the same name: OpenSSL sends what the client can check."""
    proxy = postern(backend=sink().address)
    context = ssl.create_default_context(cafile=authority.file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers({"ecdsa": "ECDHE+aECDSA", "rsa": "ECDHE+aRSA"}[kind])
    with tls_client(proxy.address(), context=context, sni="localhost") as client:
        expected = getattr(authority, kind).pem
        assert client.tls.getpeercert(True) == ssl.PEM_cert_to_DER_cert(expected)
        client.greet()
        client.quit()


# AUTH.

USER, PASSWORD = "user@mail.test", "a secret"


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("client", clients.ALL)
def test_auth(client, mechanism, postern, start_postfix, way, home):
    sasl = Sasl(home / "sasl", USER, PASSWORD)
    mta = start_postfix(smtpd_sasl_auth_enable="yes", smtpd_sasl_type="dovecot",
                        smtpd_sasl_path=home / "sasl")
    proxy = postern(backend=mta.address)
    login = clients.Login(USER, PASSWORD, mechanism)
    clients.ALL[client](way(proxy, "implicit"), mail.PLAIN, login)
    assert mail.digests(mta.messages(1)) == [mail.digest(mail.PLAIN)]
    until(lambda: f"sasl_method={mechanism}, sasl_username={USER}" in mta.log(), mta.log)
    sasl.stop()


def b64(text):
    return base64.b64encode(text.encode()).decode()


def test_auth_dialogues(postern, sink):
    taken = sink("--auth", f"{USER}:{PASSWORD}")
    proxy = postern(backend=taken.address)
    with tls_client(proxy.address()) as client:
        keywords = client.greet().keywords
        assert any(line.startswith("AUTH ") and "PLAIN" in line and "LOGIN" in line
                   for line in keywords), keywords
        client.command(f"AUTH PLAIN {b64(f'{chr(0)}{USER}{chr(0)}wrong')}", 535)
        client.command("AUTH LOGIN", 334)
        client.command("*", 501)
        client.command("AUTH PLAIN", 334)
        client.command(b64(f"\0{USER}\0wrong"), 535)
        client.command("AUTH LOGIN", 334)
        client.command(b64(USER), 334)
        client.command(b64(PASSWORD), 235)
        assert client.deliver(mail.stuffed(mail.PLAIN)).code == 250
        client.quit()
    proxy.sessions(1)
    for secret in (PASSWORD, b64(PASSWORD), b64(f"\0{USER}\0wrong")):
        assert secret not in proxy.log()


# Backends that fail.


def assert_421(proxy):
    """A client is told, in order, and the session ends."""
    with tls_client(proxy.address()) as client:
        client.expect("421 4.3.2")
        client.ends()


def test_backend_down(postern, down):
    proxy = postern(backend=down)
    assert_421(proxy)
    proxy.sessions(1)


def test_backend_silent(postern, backend):
    mta = backend(fake.Talk.wait_end)
    proxy = postern(backend=mta.address, timeouts={"greeting": "300ms"})
    assert_421(proxy)
    assert proxy.reasons(1) == ["backend-timeout"]
    until(lambda: mta.talk().ended, "the backend's connection ends, too")


@pytest.mark.parametrize("way_of_ending", [fake.Talk.close, fake.Talk.reset])
def test_backend_ends_before_its_greeting(way_of_ending, postern, backend):
    mta = backend(way_of_ending)
    proxy = postern(backend=mta.address)
    assert_421(proxy)
    proxy.sessions(1)


@pytest.mark.parametrize("greeting", ["554 5.3.2 not today", "421 4.3.2 closing"])
def test_backend_refuses(greeting, postern, backend):
    mta = backend(fake.Server(greeting=greeting))
    proxy = postern(backend=mta.address)
    with tls_client(proxy.address()) as client:
        client.expect(greeting)
        client.ends()
    assert proxy.reasons(1) == ["backend-refused"]


def test_backend_that_is_not_smtp(postern, backend):
    mta = backend(lambda talk: (talk.say("SSH-2.0-OpenSSH_9.2"), talk.wait_end()))
    proxy = postern(backend=mta.address)
    with tls_client(proxy.address()) as client:
        client.expect(421)
        client.ends()
    assert proxy.reasons(1) == ["backend-protocol"]


def test_backend_killed_in_a_message(postern, postfix):
    proxy = postern(backend=postfix.address)
    with tls_client(proxy.address()) as client:
        client.greet()
        client.envelope()
        client.command("DATA", 354)
        client.send(mail.message("half", b"text\r\n" * 100_000))
        until(postfix.has_begun, "Postfix has a part of the message")
        postfix.kill()
        client.send(b"more\r\n" * 100_000 + b".\r\n")
        client.expect("451 4.3.0")
        client.send(b"NOOP\r\n")
        client.expect(421)
        client.ends()
    assert proxy.reasons(1) == ["backend-lost"]
    postfix.start()
    assert_only_sentinel(postfix)


def test_backend_ends_after_the_dot(postern, backend):
    """Nobody knows whether it has the message: the client must try again."""
    mta = backend(fake.Server(end=lambda talk, _: talk.close()))
    proxy = postern(backend=mta.address)
    with tls_client(proxy.address()) as client:
        client.greet()
        client.envelope()
        client.command("DATA", 354)
        client.send(mail.stuffed(mail.PLAIN))
        client.expect("451 4.3.0")
        client.rest()
    message, = proxy.messages(1)
    assert message["verdict"] == "unknown" and message["told"] == "yes", message


def test_backend_refuses_in_the_middle_of_a_message(postern, backend):
    said = threading.Event()

    def text(talk, _):
        talk.read_to(b"enough")
        talk.say("552 5.2.2 mailbox full")
        said.set()
        talk.wait_end()

    mta = backend(fake.Server(text=text))
    proxy = postern(backend=mta.address)
    with tls_client(proxy.address()) as client:
        client.greet()
        client.envelope()
        client.command("DATA", 354)
        client.send(mail.message("half", b"enough\r\n"))
        assert said.wait(PATIENCE_S)
        until(proxy.is_quiet, "Postern has heard it")
        client.send(b"more\r\n" * 100_000 + b".\r\n")
        client.expect("552 5.2.2 mailbox full")
        client.expect(421)
        client.ends()
    assert proxy.reasons(1) == ["early-verdict"]


# Clients that fail.


def kill_s_client(way, text):
    client = clients.SClient(way)
    client.reply(220)
    client.say("EHLO client.test", 250)
    client.say(f"MAIL FROM:<{mail.SENDER}>", 250)
    client.say(f"RCPT TO:<{mail.RECIPIENT}>", 250)
    client.say("DATA", 354)
    client.send(text)
    return client.kill


def raw_client(end):
    def start(way, text):
        client = tls_client(way.address)
        client.greet()
        client.envelope()
        client.command("DATA", 354)
        client.send(text)
        return lambda: end(client)

    return start


def close_in_order(client):
    client.close_notify()
    client.close()


LOSSES = {"killed": kill_s_client, "fin": raw_client(Client.close),
          "reset": raw_client(Client.reset), "close_notify": raw_client(close_in_order)}


DOUBTFUL = b"text\r\n.\n"


@pytest.mark.parametrize("half", [b"text\r\n" * 50_000, b"text\r\n.", b"text\r\n.\r", DOUBTFUL],
                         ids=["text", "dot", "dot-cr", "dot-lf"])
@pytest.mark.parametrize("loss", LOSSES)
def test_client_lost_in_a_message(loss, half, postern, postfix, way):
    proxy = postern(backend=postfix.address)
    end = LOSSES[loss](way(proxy, "implicit"), mail.message("half", half))
    if half != DOUBTFUL:  # before that the backend's connection is cut at once
        until(postfix.has_begun, "Postfix has begun with the message")
    end()
    proxy.sessions(1)
    assert_only_sentinel(postfix)


def test_client_lost_in_a_chunk(postern, postfix):
    proxy = postern(backend=postfix.address)
    with tls_client(proxy.address()) as client:
        client.greet()
        client.envelope()
        client.send(b"BDAT 20000 LAST\r\n" + mail.message("half", b"text\r\n" * 3000))
        until(postfix.has_begun, "Postfix has begun with the message")
    proxy.sessions(1)
    assert_only_sentinel(postfix)


@pytest.mark.parametrize("loss", ["fin", "reset", "close_notify"])
def test_lost_client_resets_the_backend(loss, postern, backend, way):
    mta = backend()
    proxy = postern(backend=mta.address)
    end = LOSSES[loss](way(proxy, "implicit"), b"half a line")
    until(lambda: b"half" in mta.talk().received, "the backend has some text")
    end()
    until(lambda: mta.talk().ended, "the backend's connection ends")
    assert mta.talk().ended == "reset"
    assert mta.talk().received.endswith(b"DATA\r\nhalf a line")
    proxy.sessions(1)


def test_message_then_immediate_close(postern, backend):
    """A whole message is delivered, and its verdict logged, though nobody is there to hear it."""
    mta = backend()
    proxy = postern(backend=mta.address)
    with tls_client(proxy.address()) as client:
        client.greet()
        client.envelope()
        client.command("DATA", 354)
        client.send(mail.stuffed(mail.PLAIN))
        client.close_notify()
    assert proxy.messages(1)[0]["verdict"] == "250"
    assert mta.messages() == [mail.PLAIN]


# A worker that dies.


def exact_digest(text):
    return hashlib.sha256(text).hexdigest()


def worker_of(proxy, client):
    """The pid of the process that holds the other end of a client's connection."""
    inodes = dict(tcp_connections(proxy.address()[1]))
    wanted = f"socket:[{inodes[client.port]}]"
    for pid in proxy.worker_pids():
        if wanted in processes.descriptors(pid).values():
            return pid
    return None


@looks_into_workers
def test_worker_killed_costs_only_its_own_sessions(postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address, workers=3)
    sessions = [tls_client(proxy.address()) for _ in range(24)]
    for client in sessions:
        client.greet()
        client.envelope()
        client.command("DATA", 354)
        client.send(b"half a line")
    by_worker = collections.defaultdict(list)
    for number, client in enumerate(sessions):
        by_worker[worker_of(proxy, client)].append(number)
    assert None not in by_worker
    victim = max(by_worker, key=lambda pid: len(by_worker[pid]))
    os.kill(victim, signal.SIGKILL)
    lost, kept = set(by_worker[victim]), 0
    for number, client in enumerate(sessions):
        if number in lost:
            assert not client.rest() and client.ended in ("fin", "reset")
        else:
            client.send(b" and a number %d\r\n.\r\n" % number)
            client.expect(250)
            client.quit()
            kept += 1
        client.close()
    until(lambda: len(pids := proxy.worker_pids()) == 3 and victim not in pids,
          "the worker is replaced")
    assert kept == len(sessions) - len(lost)
    assert sorted(mta.messages()) == sorted(
        b"half a line and a number %d\r\n" % number
        for number in range(len(sessions)) if number not in lost)
    with tls_client(proxy.address()) as client:
        client.greet()
        client.quit()


def test_worker_killed_under_load(postern):
    """Who was told 250 has a message delivered once; none is delivered twice."""
    asyncio.run(load_and_kill(postern))


async def load_and_kill(postern, clients_count=30, messages_each=20):
    told, untold, tried = set(), set(), 0

    async def send_some(proxy, number, third_done):
        nonlocal tried
        session = None
        for message in range(messages_each):
            text = mail.numbered(number * 1000 + message, 2000)
            digest = exact_digest(text)
            try:
                session = session or await Session(proxy.address()).open()
                tried += 1
                untold.add(digest)
                await session.deliver(text)
                untold.discard(digest)
                told.add(digest)
            except OSError:
                session = None
            if tried > clients_count * messages_each // 3:
                third_done.set()
        if session:
            session.abort()

    async with crowd.Mta() as mta:
        proxy = await asyncio.to_thread(postern, backend=mta.address, workers=2)
        third_done = asyncio.Event()
        load = [asyncio.create_task(send_some(proxy, number, third_done))
                for number in range(clients_count)]
        await third_done.wait()
        os.kill(proxy.worker_pids()[0], signal.SIGKILL)
        await asyncio.gather(*load)
        await asyncio.to_thread(until, lambda: len(proxy.worker_pids()) == 2, "two workers again")
        assert len(told) > clients_count * messages_each // 2
        assert all(mta.digests[one] == 1 for one in told)
        assert max(mta.digests.values()) == 1
        assert set(mta.digests) <= told | untold


# A thousand sessions.


@pytest.mark.plain
@looks_into_workers
def test_thousand_idle_connections(postern, sink):
    asyncio.run(sit_idle(postern(backend=sink().address), 1000))


async def sit_idle(proxy, count):
    before = proxy.memory_bytes()
    sessions = await crowd.gather_bounded(
        [Session(proxy.address()).open() for _ in range(count)], 50)
    await asyncio.to_thread(until, proxy.is_quiet, "Postern is idle with all of them open")
    each = (proxy.memory_bytes() - before) / count
    assert each < 20_000, f"{each:.0f} bytes an idle session"
    await asyncio.gather(*(session.command("NOOP", 250) for session in sessions))
    for session in sessions:
        session.abort()
    await asyncio.to_thread(proxy.sessions, count)


@pytest.mark.plain
@looks_into_workers
def test_thousand_messages_wait_for_a_slow_backend(postern):
    """It reads nothing, so nobody may gather what clients send; then all of it arrives."""
    asyncio.run(wait_in_text(postern, 1000, 256 * 1024))


async def wait_in_text(postern, count, size):
    async with crowd.Mta() as mta:
        proxy = await asyncio.to_thread(postern, backend=mta.address)
        before = proxy.memory_bytes()
        mta.open.clear()
        sessions = await crowd.gather_bounded(
            [Session(proxy.address()).open() for _ in range(count)], 50)
        texts = [mail.numbered(number, size) for number in range(count)]
        load = [asyncio.create_task(session.deliver(text))
                for session, text in zip(sessions, texts)]

        def is_stuck():
            sent = sum(session.sent_bytes for session in sessions)
            return (proxy.is_quiet() and all(session.sent_bytes for session in sessions)
                    and sent == sum(session.sent_bytes for session in sessions))

        await asyncio.to_thread(until, is_stuck, "everybody waits")
        assert not mta.digests
        each = (proxy.memory_bytes() - before) / count
        assert each < 160 * 1024, f"{each:.0f} bytes a waiting message"
        mta.open.set()
        await asyncio.gather(*load)
        assert mta.digests == collections.Counter(map(exact_digest, texts))
        for session in sessions:
            session.abort()
        await asyncio.to_thread(proxy.sessions, count)

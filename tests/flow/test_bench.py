"""postern-sink and postern-bench, with no Postern between: what the other tests rely on."""

import asyncio
import json
import os
import re
import signal
import smtplib
import socket
import ssl
import subprocess
import threading
import time

import pytest

from lib import fake
from lib.basics import BUILD, PATIENCE_S, SINK, text_of, until

BENCH = BUILD / "postern-bench"


class Sink:
    def __init__(self, *options, address="127.0.0.1:0"):
        self.process = subprocess.Popen((SINK, *map(str, options), address), text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        first = self.process.stdout.readline()
        assert first.startswith("listening on "), first
        self.where = first.split()[-1]
        host, _, port = self.where.rpartition(":")
        self.address = (host, int(port)) if host != "unix" else port

    def counts(self):
        """What it has counted up to now."""
        self.process.send_signal(signal.SIGUSR1)
        return json.loads(self.process.stdout.readline())

    def stop(self):
        """Ends it; what it had counted."""
        self.process.terminate()
        out, _ = self.process.communicate(timeout=PATIENCE_S)
        assert self.process.returncode == 0
        return json.loads(out)

    def open(self):
        return Talk(self.address)


class Talk:
    """SMTP by hand."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=PATIENCE_S)
        self.file = self.socket.makefile("rb")

    def say(self, data):
        self.socket.sendall(data)

    def reply(self):
        """The next reply's code; 0 at the end."""
        while True:
            line = self.file.readline()
            if not line:
                return 0
            if line[3:4] == b" ":
                return int(line[:3])

    def replies(self, count):
        return [self.reply() for _ in range(count)]

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture
def sink():
    started = []

    def start(*options, **more):
        started.append(Sink(*options, **more))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.stop()
        one.process.stdout.close()


class Result:
    def __init__(self, done, report):
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr
        self.report = report

    def failures(self):
        return {(one["kind"], one["step"], one["code"]): one["count"]
                for one in self.report["failures"]}


@pytest.fixture
def bench(tmp_path):
    def run(where, *options):
        file = tmp_path / "bench.json"
        if not {"--scenario", "--idle"} & set(options):
            options = ("--scenario", "messages", *options)
        done = subprocess.run((BENCH, "--timeout", f"{PATIENCE_S}s", *map(str, options), "--json",
                               file, where), capture_output=True, text=True, check=False,
                              timeout=2 * PATIENCE_S)
        return Result(done, json.loads(file.read_text()))

    return run


def assert_clean(result, counts, messages):
    assert result.status == 0, result.out
    assert result.report["accepted"] == messages
    assert result.report["errors"] == 0
    assert result.report["latency_us"]["message"]["count"] == messages
    assert counts["messages"] == counts["checked"] == counts["recipients"] == messages
    for what in ("damaged", "doubled", "missing", "errors", "resets", "incomplete", "open"):
        assert counts[what] == 0, what


WAYS = [(), ("--pipeline",), ("--bdat",), ("--bdat", "--pipeline"), ("--auth", "me:secret")]


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
@pytest.mark.parametrize("size", ("1", "4K", "300K"))
def test_every_message_arrives(way, size, sink, bench):
    taken = sink("--auth", "me:secret")
    result = bench(taken.where, "-n", 40, "-c", 5, "-m", 3, "-s", size, *way)
    counts = taken.stop()
    assert_clean(result, counts, 40)
    assert counts["bytes"] == 40 * result.report["size_bytes"]
    assert counts["sessions"] == result.report["connections"]
    assert size == "1" or result.report["size_bytes"] == {"4K": 4096, "300K": 307200}[size]


def test_unix_socket(tmp_path, sink, bench):
    taken = sink(address=f"unix:{tmp_path}/sink")
    assert taken.where == f"unix:{tmp_path}/sink"
    result = bench(taken.where, "-n", 3)
    assert_clean(result, taken.stop(), 3)


def test_report_for_people(sink, bench):
    result = bench(sink().where, "-n", 2, "-v", "--helo", "me.test", "--from", "a@b", "--to", "c@d")
    assert re.search(r"^messages +2 of 2 accepted", result.out, re.M)
    assert re.search(r"^errors +none$", result.out, re.M)
    assert re.search(r"^  message( +\d+\.\d+){5} +2$", result.out, re.M)
    for line in ("> EHLO me.test", "> MAIL FROM:<a@b>", "> RCPT TO:<c@d>", "> DATA", "> QUIT",
                 "< 220 postern-sink ESMTP"):
        assert line in result.err.splitlines()


def test_runs_are_told_apart(sink, bench):
    taken = sink()
    for _ in range(3):
        assert bench(taken.where, "-n", 5).status == 0
    counts = taken.stop()
    assert (counts["messages"], counts["doubled"], counts["missing"]) == (15, 0, 0)


@pytest.mark.parametrize(
    "lie, expected",
    (("--lose", {"messages": 10, "missing": 10, "doubled": 0, "damaged": 0}),
     ("--double", {"messages": 30, "missing": 0, "doubled": 10, "damaged": 0}),
     ("--damage", {"messages": 20, "missing": 0, "doubled": 0, "damaged": 10})))
def test_lies_are_noticed(lie, expected, sink, bench):
    taken = sink(lie, "--every", 2)
    result = bench(taken.where, "-n", 20, "-m", 5)
    assert result.status == 0, "the sink says 250 to all of them"
    result = bench(taken.where, "-n", 20, "-m", 5, "--sink", taken.where)
    assert result.status == 1
    assert "verdict       BAD: of 20 told 250, " in result.out
    verdict = result.report["verdict"]
    assert {name: verdict[name] for name in ("lost", "doubled", "damaged")} == {
        "lost": expected["missing"], "doubled": expected["doubled"],
        "damaged": expected["damaged"]}
    counts = taken.stop()
    assert {name: counts[name] for name in expected} == {
        name: 2 * count for name, count in expected.items()}


@pytest.mark.parametrize(
    "refusal, step, code",
    (("connect", "greeting", 554), ("connect:421", "greeting", 421), ("ehlo:502", "EHLO", 502),
     ("mail:450", "MAIL", 450), ("rcpt", "RCPT", 550), ("rcpt:421", "RCPT", 421),
     ("data:554", "DATA", 554), ("dot:451", "end of data", 451)))
@pytest.mark.parametrize("way", ((), ("--pipeline",)), ids=("one by one", "pipelined"))
def test_refusals_are_counted(way, refusal, step, code, sink, bench):
    taken = sink("--refuse", refusal)
    result = bench(taken.where, "-n", 4, "-c", 2, *way)
    assert result.status == 1
    assert result.failures() == {("refused", step, code): 4}
    assert result.report["failed"] == 4
    assert taken.stop()["messages"] == 0


def test_refused_chunk(sink, bench):
    result = bench(sink("--refuse", "bdat:452").where, "-n", 3, "--bdat")
    assert result.failures() == {("refused", "BDAT", 452): 3}


@pytest.mark.parametrize(
    "verb, step",
    (("connect", "greeting"), ("ehlo", "EHLO"), ("mail", "MAIL"), ("rcpt", "RCPT"),
     ("data", "DATA"), ("text", "end of data"), ("dot", "end of data"), ("quit", "QUIT")))
def test_drops_are_counted(verb, step, sink, bench):
    taken = sink("--drop", verb)
    result = bench(taken.where, "-n", 3)
    assert result.status == 1
    assert {where for _, where, _ in result.failures()} == {step}
    assert {kind for kind, _, _ in result.failures()} <= {"closed", "reset"}
    counts = taken.stop()
    assert counts["messages"] == (3 if verb == "quit" else 0)
    assert counts["dropped"] == counts["sessions"] == (1 if verb == "quit" else 3)


def test_only_every_third_session(sink, bench):
    taken = sink("--refuse", "rcpt", "--every", 3)
    result = bench(taken.where, "-n", 9, "-m", 1)
    assert (result.report["accepted"], result.report["failed"]) == (6, 3)
    assert taken.stop()["missing"] == 3


def test_what_is_not_offered(sink, bench):
    taken = sink("--hide", "chunking", "--hide", "PIPELINING", "--announce", "X-MORE a b")
    for option in ("--bdat", "--pipeline"):
        result = bench(taken.where, "-n", 1, option)
        assert result.failures() == {("not offered", "EHLO", 0): 1}
    talk = taken.open()
    talk.say(b"EHLO x\r\nBDAT 0 LAST\r\n")
    assert talk.replies(3) == [220, 250, 502]
    talk.close()
    client = smtplib.SMTP(*taken.address)
    client.ehlo()
    assert client.esmtp_features["x-more"] == "a b"
    assert not client.has_extn("chunking") and client.has_extn("size")
    client.quit()


def test_silence_ends_with_the_timeout(sink, bench):
    taken = sink("--silent")
    result = bench(taken.where, "-n", 5, "-c", 2, "--timeout", "2s")
    assert result.status == 1
    assert result.failures()[("timeout", "greeting", 0)] == 2
    assert result.report["failed"] == 5


def test_nobody_listens(bench, down):
    result = bench(text_of(down), "-n", 3)
    assert result.status == 1
    assert result.failures() == {("connect", "connect", 0): 3}


def test_delays(sink, bench):
    taken = sink("--greeting-delay", "60ms", "--reply-delay", "20ms", "--verdict-delay", "100ms")
    result = bench(taken.where, "-n", 1)
    assert result.status == 0
    assert result.report["latency_us"]["message"]["max"] >= 150_000
    assert result.report["latency_us"]["command"]["p50"] >= 19_000
    assert result.report["seconds"] >= 0.25


def test_slow_reader(sink, bench):
    result = bench(sink("--slow", "400K").where, "-n", 1, "-s", "100K")
    assert result.status == 0
    assert result.report["seconds"] >= 0.1


def test_idle_sessions(sink, bench):
    taken = sink()
    result = bench(taken.where, "--idle", "-c", 300, "--hold", "50ms",
                   "--source", "127.0.0.2,127.0.0.3")
    assert result.status == 0, result.out
    assert "holding 300" in result.out.splitlines()
    assert result.report["survived"] == 300
    assert taken.stop()["sessions"] == 300


def test_idle_sessions_that_die(sink, tmp_path):
    taken = sink()
    process = subprocess.Popen((BENCH, "--idle", "-c", "5", "--hold", "60s", "--json",
                                tmp_path / "idle.json", taken.where), text=True,
                               stdout=subprocess.PIPE)
    assert process.stdout.readline() == "holding 5\n"
    taken.stop()
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    report = json.loads((tmp_path / "idle.json").read_text())
    assert (report["survived"], report["failed"]) == (0, 5)


# ---------------------------------------------------------------------------------- the sink


TEXT = b"Subject: x\r\n\r\n.one\r\n..two\r\n"


def test_smtplib_delivers(sink, tmp_path):
    store, log = tmp_path / "store", tmp_path / "log"
    taken = sink("--store", store, "--log", log, "--auth", "me:secret")
    with smtplib.SMTP(*taken.address) as client:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("me", "wrong")
        assert client.login("me", "secret")[0] == 235
        client.sendmail("a@b.test", ["c@d.test", "e@f.test"], TEXT)
        assert client.vrfy("somebody")[0] == 252
        assert client.docmd("HELP")[0] == 214
        assert client.docmd("NOPE")[0] == 500
    until(lambda: taken.counts()["open"] == 0, "the sink sees the end")
    counts = taken.stop()
    assert (counts["messages"], counts["recipients"], counts["errors"]) == (1, 2, 1)
    assert sorted(path.name for path in store.iterdir()) == ["000001.eml", "000001.env"]
    assert (store / "000001.eml").read_bytes() == TEXT
    envelope = (store / "000001.env").read_text().splitlines()
    assert "user me" in envelope and f"bytes {len(TEXT)}" in envelope
    assert envelope.index("to <c@d.test>") < envelope.index("to <e@f.test>")
    lines = log.read_text().splitlines()
    assert lines[0].startswith("1 - connected from 127.0.0.1:")
    assert lines[1] == "1 S 220 postern-sink ESMTP"
    assert "1 C QUIT" in lines and lines[-1] == "1 - closed"
    assert not [line for line in lines if "two" in line]


def test_chunks_by_hand(sink, tmp_path):
    taken = sink("--store", tmp_path)
    talk = taken.open()
    talk.say(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT 7\r\n\0\r\n.\r\n")
    talk.say(b"\rBDAT 5 LAST\r\n\nQUITNOOP\r\nQUIT\r\n")
    assert talk.replies(8) == [220, 250, 250, 250, 250, 250, 250, 221]
    assert talk.reply() == 0
    talk.close()
    taken.stop()
    assert (tmp_path / "000001.eml").read_bytes() == b"\0\r\n.\r\n\r\nQUIT"


def test_a_group_is_answered_in_one_write(sink):
    talk = sink().open()
    talk.reply()
    talk.say(b"EHLO x\r\n" + b"NOOP\r\n" * 100 + b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n")
    first = talk.socket.recv(65536)
    assert first.count(b"\r\n250 2.0.0 ok") == 100
    assert first.endswith(b"\r\n354 end with a dot on a line of its own\r\n")
    talk.close()


def test_more_commands_than_are_answered_at_once(sink):
    talk = sink().open()
    count = 50_000
    sender = threading.Thread(target=talk.say, args=(b"NOOP\r\n" * count + b"QUIT\r\n",))
    sender.start()
    assert talk.replies(count + 2) == [220] + [250] * count + [221]
    sender.join()
    talk.close()


@pytest.mark.parametrize("how", ("fin", "reset"))
def test_message_without_an_end(how, sink, tmp_path):
    store, log = tmp_path / "store", tmp_path / "log"
    taken = sink("--store", store, "--log", log)
    talk = taken.open()
    talk.say(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n")
    talk.replies(5)
    talk.say(b"text\r\n.\n")
    if how == "reset":
        talk.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    talk.close()
    until(lambda: taken.counts()["open"] == 0, "the sink sees the end")
    counts = taken.stop()
    assert (counts["messages"], counts["incomplete"]) == (0, 1)
    assert counts["resets"] == (how == "reset")
    assert not list(store.iterdir())
    end = {"fin": "closed by the client", "reset": "reset"}[how]
    assert log.read_text().splitlines()[-2:] == ["1 - incomplete message dropped", f"1 - {end}"]


def test_count_ends_the_sink(sink, bench):
    taken = sink("--count", 5)
    assert bench(taken.where, "-n", 5).status == 0
    out, _ = taken.process.communicate(timeout=PATIENCE_S)
    assert taken.process.returncode == 0
    assert json.loads(out)["messages"] == 5


@pytest.mark.parametrize(
    "program, line, says",
    ((SINK, ("--greting-delay", "1s"), "did you mean --greeting-delay?"),
     (SINK, ("--reply-delay", "soon"), "expected a time"),
     (SINK, ("--refuse", "text"), "can be refused"),
     (SINK, ("--refuse", "rcpt:250"), "can be refused"),
     (SINK, ("--drop",), "needs a value"),
     (SINK, ("--lose", "--double"), "exclude each other"),
     (BENCH, (), "where to?"),
     (BENCH, ("--tls", "yes", "x:1"), "expected implicit, starttls or none"),
     (BENCH, ("-n", "0", "x:1"), "expected a whole number from 1")))
def test_wrong_command_lines(program, line, says):
    done = subprocess.run((program, *line), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert says in done.stderr and "--help" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("program", (SINK, BENCH), ids=("sink", "bench"))
def test_help_and_version(program):
    for option in ("--help", "--version"):
        done = subprocess.run((program, option), capture_output=True, text=True, check=True)
        assert program.name in done.stdout and done.stderr == ""


# ------------------------------------------------------------------------------------ with TLS


class Terminator:
    """The least that makes TLS of the sink's plain SMTP, implicit or after STARTTLS."""

    def __init__(self, certificate, behind, starttls):
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(certificate.chain, certificate.key)
        self.behind, self.starttls = behind, starttls
        self.loop = asyncio.new_event_loop()
        listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.where = text_of(listener.getsockname())
        context = None if starttls else self.context
        self.server = self.loop.run_until_complete(
            asyncio.start_server(self.serve, sock=listener, ssl=context))
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    async def secure(self, reader, writer):
        writer.write(b"220 terminator ESMTP\r\n")
        await reader.readline()
        writer.write(b"250-terminator\r\n250 STARTTLS\r\n")
        assert await reader.readline() == b"STARTTLS\r\n"
        writer.write(b"220 go on\r\n")
        await writer.start_tls(self.context)

    async def copy(self, reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        writer.close()

    async def serve(self, reader, writer):
        if self.starttls:
            await self.secure(reader, writer)
        sink_reader, sink_writer = await asyncio.open_connection(*self.behind)
        if self.starttls:
            await sink_reader.readline()
        await asyncio.gather(self.copy(reader, sink_writer), self.copy(sink_reader, writer))

    def stop(self):
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()


@pytest.fixture(params=("implicit", "starttls"))
def secured(request, authority):
    started = []

    def start(taken, tickets=2):
        started.append(Terminator(authority.ecdsa, taken.address, request.param == "starttls"))
        started[-1].context.num_tickets = tickets
        return started[-1].where, ("--tls", request.param)

    yield start
    for one in started:
        one.stop()


def test_tls(secured, sink, bench):
    taken = sink()
    where, way = secured(taken)
    result = bench(where, *way, "-n", 20, "-c", 3, "-m", 2, "-s", "100K", "--pipeline")
    counts = until(lambda: (now := taken.counts())["open"] == 0 and now, "the sink sees the ends")
    assert_clean(result, counts, 20)
    assert "certificate not checked" in result.out
    assert result.report["session"].startswith("TLSv1.3 TLS_")
    assert result.report["latency_us"]["connect"]["count"] == result.report["connections"]


def test_certificate_is_checked(secured, sink, bench, authority, tmp_path):
    where, way = secured(sink())
    stranger = tmp_path / "stranger.pem"
    stranger.write_text(authority.rsa.pem)
    good = bench(where, *way, "-n", 1, "--ca", authority.file, "--name", "mail.test")
    assert good.status == 0 and "certificate checked" in good.out
    for option in (("--name", "other.test", "--ca", authority.file), ("--ca", stranger)):
        bad = bench(where, *way, "-n", 2, *option)
        assert bad.status == 1
        assert bad.failures() == {("tls", "handshake", 0): 2}


def test_starttls_not_offered(sink, bench):
    result = bench(sink().where, "--tls", "starttls", "-n", 1)
    assert result.failures() == {("not offered", "EHLO", 0): 1}


def test_plain_server_where_tls_is_expected(sink, bench):
    result = bench(sink().where, "--tls", "implicit", "-n", 1)
    assert result.failures() == {("tls", "handshake", 0): 1}


def test_bytes_behind_starttls(backend, bench):
    """What came in the clear must not be taken for secure (RFC 3207)."""

    def serve(talk):
        talk.say("220 hello")
        talk.line()
        talk.say("250-hello", "250 STARTTLS")
        talk.line()
        talk.say("220 go on", "250 injected")
        talk.wait_end()

    result = bench(text_of(backend(serve).address), "--tls", "starttls", "-n", 1)
    assert result.failures() == {("protocol", "STARTTLS", 0): 1}


# ---------------------------------------------------------------------- scenarios and reports


def test_handshakes_alone(secured, sink, bench):
    taken = sink()
    where, way = secured(taken)
    result = bench(where, *way, "--scenario", "handshake", "-n", 12, "-c", 3)
    assert result.status == 0, result.out
    assert (result.report["accepted"], result.report["connections"]) == (12, 12)
    assert result.report["unit"] == "handshakes" and result.report["resumed"] == 0
    assert taken.stop()["messages"] == 0


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_handshakes_resumed(version, secured, sink, bench):
    where, way = secured(sink())
    result = bench(where, *way, "--scenario", "handshake", "-n", 10, "--resume",
                   "--tls-version", version)
    assert result.status == 0, result.out
    assert result.report["resumed"] == 9
    assert result.report["session"].startswith(f"TLSv{version} ")


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_the_first_fetches_the_session_for_all(version, secured, sink, bench):
    where, way = secured(sink())
    result = bench(where, *way, "--scenario", "handshake", "-n", 20, "-c", 10, "--resume",
                   "--tls-version", version)
    assert result.status == 0, result.out
    assert result.report["resumed"] == 19


def test_nobody_waits_for_a_session_that_does_not_come(secured, sink, bench):
    where, way = secured(sink(), tickets=0)
    result = bench(where, *way, "--scenario", "messages", "-n", 20, "-c", 5, "-m", 2, "--resume")
    assert result.status == 0, result.out
    assert result.report["resumed"] == 0 and result.report["connections"] >= 10


def test_ciphers_are_chosen(secured, sink, bench):
    where, way = secured(sink())
    for option, cipher in (("--suites", "TLS_AES_128_GCM_SHA256"),
                           ("--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256")):
        version = () if option == "--suites" else ("--tls-version", "1.2")
        result = bench(where, *way, "-n", 1, option, cipher, *version)
        assert result.status == 0 and result.report["session"].endswith(f" {cipher}")
        assert bench(where, *way, "-n", 1, option, "NOPE", *version, "-v").status == 1


def test_whole_sessions(sink, bench):
    taken = sink()
    result = bench(taken.where, "--scenario", "session", "-n", 8, "-c", 2, "--sink", taken.where)
    assert result.status == 0 and result.report["connections"] == 8
    assert "verdict       good: of 8 told 250, 0 lost, 0 doubled, 0 damaged" in result.out


def test_large_messages(sink, bench):
    taken = sink()
    result = bench(taken.where, "--scenario", "bulk", "-n", 2, "-s", "3M", "--sink", taken.where)
    assert result.status == 0 and result.report["megabytes_per_second"] > 0
    assert taken.stop()["bytes"] == 2 * (3 << 20)


@pytest.mark.parametrize("loops", (1, 3))
def test_mix(loops, secured, sink, bench):
    taken = sink()
    where, way = secured(taken)
    result = bench(where, *way, "--scenario", "mix", "-n", 120, "-c", 6, "--loops", loops,
                   "--seed", 5, "--sink", taken.where)
    assert result.status == 0, result.out
    counts = taken.stop()
    assert counts["messages"] == counts["checked"] == result.report["verdict"]["told"] == 120
    assert counts["recipients"] > 120 and counts["errors"] == 0
    assert 120 * 1024 < counts["bytes"]
    assert result.report["resumed"] > 0


def test_the_same_seed_rolls_the_same_dice(sink, bench):
    sizes = []
    for _ in range(2):
        taken = sink()
        assert bench(taken.where, "--scenario", "mix", "-n", 40, "--seed", 7).status == 0
        sizes.append([taken.stop()[name] for name in ("bytes", "recipients", "sessions")])
    assert sizes[0] == sizes[1]


def test_arrivals_wait_for_nobody(sink, bench):
    """One connection, 50 ms for each message: what is due meanwhile waits, and that is measured."""
    taken = sink("--verdict-delay", "50ms")
    result = bench(taken.where, "-n", 20, "-c", 1, "--rate", 200, "--seed", 3, "--sink", taken.where)
    assert result.status == 0, result.out
    assert result.report["latency_us"]["message"]["max"] > 500_000
    closed = bench(taken.where, "-n", 20, "-c", 1)
    assert closed.report["latency_us"]["message"]["p50"] < \
        result.report["latency_us"]["message"]["max"] / 2


def test_kept_connections_wait_for_arrivals(sink, bench):
    taken = sink()
    result = bench(taken.where, "-n", 30, "-c", 2, "--rate", 300, "--loops", 2)
    assert result.status == 0, result.out
    assert result.report["connections"] <= 4
    assert taken.stop()["messages"] == 30


def test_ramp_to_a_rate(sink, bench):
    """Half the rate in the mean while it ramps up."""
    result = bench(sink().where, "-c", 4, "--rate", 200, "--ramp", "2s", "--duration", "2s",
                   "--seed", 2)
    assert result.status == 0, result.out
    assert 50 < result.report["accepted"] < 300


def test_duration_with_warmup(sink, bench):
    taken = sink()
    result = bench(taken.where, "-c", 2, "--duration", "1s", "--warmup", "500ms", "--ramp",
                   "100ms", "--sink", taken.where)
    assert result.status == 0, result.out
    report = result.report
    assert 0 < report["latency_us"]["message"]["count"] < report["accepted"]
    assert report["verdict"]["told"] == report["accepted"] == taken.stop()["messages"]
    assert sum(done for done, _ in report["seconds_done"]) == report["accepted"]


def test_observed(sink, bench):
    taken = sink()
    result = bench(taken.where, "-n", 300, "--observe", taken.process.pid)
    report = result.report
    assert 0 < report["observed_cpu_us_per_unit"] < 50_000
    assert report["observed"][-1][2] > 100_000
    assert "us for each message," in result.out


def test_children_are_observed_too(bench):
    """A process that does nothing, whose child is the sink."""
    with subprocess.Popen(("sh", "-c", f'"{SINK}" 127.0.0.1:0 & echo $!; wait'), text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        try:
            where = parent.stdout.readline().split()[-1]
            report = bench(where, "-n", 300, "--observe", parent.pid).report
        finally:
            os.kill(child, signal.SIGTERM)
    assert report["accepted"] == 300
    assert report["observed_cpu_us_per_unit"] > 10, "the shell itself does nothing meanwhile"


@pytest.mark.parametrize("listed", ("127.0.0.2,127.0.0.3,127.0.0.4", "127.0.0.9"))
def test_sources_take_turns(listed, backend, bench):
    peers = []

    def serve(talk):
        peers.append(talk.socket.getpeername()[0])
        fake.Server()(talk)

    result = bench(text_of(backend(serve).address), "--scenario", "session", "-n", 6, "-c", 1,
                   "--source", listed)
    assert result.status == 0, result.out
    wanted = listed.split(",")
    assert sorted(peers) == sorted(wanted * (6 // len(wanted)))


def test_connections_ramp_up(backend, bench):
    """Without a rate it is their number that grows: of four, the last comes when it is over."""
    came = []

    def serve(talk):
        came.append(time.monotonic())
        fake.Server()(talk)

    result = bench(text_of(backend(serve).address), "--scenario", "idle", "-c", 4, "--hold", "0s",
                   "--ramp", "2s")
    assert result.status == 0, result.out
    assert len(came) == 4 and came[-1] - came[0] > .6


def test_a_sink_that_is_none(sink, bench, down):
    result = bench(sink().where, "-n", 1, "--sink", text_of(down))
    assert result.status == 1 and "not to be had: the sink cannot be reached" in result.out


def test_page(sink, bench, tmp_path):
    page = tmp_path / "page.html"
    result = bench(sink().where, "-n", 5, "--html", page)
    text = page.read_text()
    assert result.status == 0
    assert '"accepted": 5,' in text and "/*RUN*/null" not in text
    assert text.startswith("<!DOCTYPE html>") and "http" not in text.lower().replace("https", "")


def test_reports_side_by_side(sink, tmp_path):
    taken = sink()
    files = [tmp_path / f"{name}.json" for name in "ab"]
    for file, size in zip(files, ("4K", "8K")):
        subprocess.run((BENCH, "-n", "20", "-s", size, "--json", file, taken.where), check=True,
                       stdout=subprocess.DEVNULL)
    done = subprocess.run((BENCH, "compare", *files), capture_output=True, text=True, check=True)
    assert re.search(r"^accepted +20 +20 +1\.000$", done.stdout, re.M)
    assert re.search(r"^message p50, ms +\d+\.\d+ +\d+\.\d+ +\d+\.\d+$", done.stdout, re.M)
    assert re.search(r"^differs: size_bytes +4096 +8192", done.stdout, re.M)


def test_what_is_no_report(tmp_path):
    (tmp_path / "a.json").write_text('{"accepted": ')
    done = subprocess.run((BENCH, "compare", tmp_path / "a.json", tmp_path / "a.json"),
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "is no report" in done.stderr

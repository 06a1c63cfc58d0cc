"""What the monitor serves: metrics and status by HTTP, and commands over the control socket."""

import errno
import json
import os
import random
import re
import select
import shutil
import socket
import stat
import subprocess

import pytest

from lib import fake
from lib.basics import AS_ROOT, PATIENCE_S, POSTERN, ROOT, until
from lib.client import Client

TEXT = b"Subject: one\r\n\r\ntext\r\n.\r\n"


def session(one):
    client = Client(one.daemon.address())
    client.handshake()
    client.greet()
    return client


# ------------------------------------------------------------------------------------------- HTTP

NAME = re.compile(r"[a-z_][a-z0-9_]*$")
SAMPLE = re.compile(r'([a-z_][a-z0-9_]*)(\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})? (\S+)$')


def check_exposition(text):
    """A strict reading of the text format: HELP, TYPE, then the samples of one metric at a time."""
    types, done, current, seen = {}, set(), None, set()
    for line in text.rstrip("\n").split("\n"):
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in types and NAME.match(name) and line.split(" ", 3)[3], line
            done.add(current)
            current = name
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == current and kind in ("counter", "gauge", "histogram"), line
            assert (kind == "counter") == name.endswith("_total"), line
            types[name] = kind
        else:
            match = SAMPLE.match(line)
            assert match, line
            name = match.group(1)
            if types[current] == "histogram":
                name = re.sub("_(bucket|sum|count)$", "", name)
            assert name == current and current not in done, line
            assert match.group(1, 2) not in seen, line
            seen.add(match.group(1, 2))
            float(match.group(3))
    return types


def test_metrics_tell_what_was_done(watched, backend):
    server = backend(fake.Server())
    one = watched(server.address)
    client = session(one)
    client.deliver(TEXT)
    client.quit()
    until(lambda: one.metric('postern_sessions_ended_total{listener="smtps",reason="quit"}') == 1,
          "the session has ended")
    assert one.metric('postern_sessions_total{listener="smtps"}') == 1
    assert one.metric('postern_sessions_open{listener="smtps"}') == 0
    assert one.metric('postern_handshakes_total{listener="smtps",version="TLSv1.3"}') == 1
    assert one.metric('postern_handshake_seconds_count{listener="smtps"}') == 1
    assert one.metric('postern_messages_total{listener="smtps",verdict="accepted"}') == 1
    assert one.metric('postern_commands_total{verb="MAIL"}') == 1
    assert one.metric('postern_commands_total{verb="QUIT"}') == 1
    assert one.metric('postern_replies_total{from="server",class="3xx"}') == 1
    assert one.metric('postern_bytes_total{listener="smtps",direction="to_server"}') > 50
    assert one.metric("postern_ready") == 1
    label = '{backend="mta",server="127.0.0.1:%d"}' % server.address[1]
    for what in ("connect", "greeting"):
        assert one.metric(f"postern_server_{what}_seconds_count" + label) == 1
        assert one.metric(f"postern_server_{what}_seconds_sum" + label) < 2 * PATIENCE_S
    assert one.metric('postern_process_resident_memory_bytes{process="master",worker=""}') > 1e6
    check_exposition(one.get("/metrics")[1])


def test_servers_opened_ahead_are_timed_too(watched, backend):
    server = backend(fake.Server())
    one = watched(server.address, **{"backend mta": {"warm": "1"}})
    label = '{backend="mta",server="127.0.0.1:%d"}' % server.address[1]

    def timed(what):
        return [one.metric(f"postern_server_{what}_seconds_{part}" + label)
                for part in ("count", "sum")]

    until(lambda: timed("greeting")[0] == 2, "each worker has one")
    session(one).quit()
    until(lambda: timed("greeting")[0] == 3, "and another for the one that was taken")
    assert timed("connect")[0] == 3
    assert timed("greeting")[1] < 3 * PATIENCE_S and timed("connect")[1] < 3 * PATIENCE_S


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_finds_no_fault(watched):
    text = watched().get("/metrics")[1]
    done = subprocess.run(("promtool", "check", "metrics"), input=text, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr


def test_what_is_told_of_metrics_is_what_there_is(watched):
    there = check_exposition(watched().get("/metrics")[1])
    page = (ROOT / "docs/metrics.md").read_text()
    told = dict(re.findall(r"^\| `(postern_[a-z0-9_]+)` \| (\w+) \|", page, re.M))
    assert told == there
    for name in ("grafana-dashboard.json", "prometheus-alerts.yml"):
        used = set(re.findall(r"\bpostern_[a-z0-9_]+", (ROOT / "dist" / name).read_text()))
        assert used, name
        assert {re.sub("_(bucket|sum|count)$", "", one) if one not in there else one
                for one in used} <= set(there), name


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_reads_the_alert_rules():
    done = subprocess.run(("promtool", "check", "rules", ROOT / "dist/prometheus-alerts.yml"),
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_http_tells_all_it_has_and_no_more(watched):
    one = watched()
    status, page, headers = one.get("/")
    assert status == 200 and page.lstrip().lower().startswith("<!doctype html>")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", page)
    facts = json.loads(one.get("/status")[1])
    assert facts["state"] == "serving" and facts["listeners"][0]["name"] == "smtps"
    assert one.get("/livez")[0] == one.get("/readyz")[0] == 200
    assert one.get("/etc/passwd")[0] == 404
    assert one.get("/", method="DELETE")[0] == 405
    assert one.get("/metrics", method="HEAD")[:2] == (200, "")


def test_readiness_goes_before_the_sessions(watched, backend):
    one = watched(backend(fake.Server()).address)
    client = session(one)
    client.command("MAIL FROM:<a@b.test>", 250)
    assert one.run("drain").returncode == 0
    until(lambda: one.get("/readyz")[0] == 503, "it is not ready")
    assert one.get("/livez")[0] == 200
    assert one.json("status")["state"] == "draining"
    client.command("RSET", 250)
    client.expect(421)
    client.close()
    assert one.daemon.wait_end() == 0


def test_a_crowd_at_the_metrics_harms_nothing(watched):
    one = watched()
    crowd = [socket.socket() for _ in range(200)]
    for each in crowd:
        each.setblocking(False)
        each.connect_ex(("127.0.0.1", one.port.number))
    # More than are served and waited for at once: the kernel lets the last ones try in vain.
    for each in until(lambda: (inside := select.select((), crowd, (), 0)[1])[64:] and inside,
                      "more than are served at once"):
        each.send(b"GET /met")
    for each in crowd:
        each.close()
    until(lambda: one.get("/livez")[0] == 200, "it answers again")


def test_http_tells_of_no_stranger(watched, backend):
    """No address and no name of a client, whether it is served, was turned away or is banned."""
    one = watched(backend(fake.Server()).address, limits={"exempt": "", "sessions_per_ip": "1"})
    assert one.run("ban", "127.0.0.77", "1h").returncode == 0
    with Client(one.daemon.address(), source="127.0.0.9") as client:
        client.handshake(sni="odd-one.test")
        client.expect(220)
        client.command("EHLO odd-one.test", 250)
        assert client.deliver(TEXT).code == 250
        with Client(one.daemon.address(), source="127.0.0.9") as other:
            other.handshake(sni="odd-one.test")
            other.expect(421)
        assert one.json("sessions")[0]["client"].startswith("127.0.0.9:")
        told = [one.get(path)[1] for path in ("/", "/status", "/metrics")]
        client.quit()
    assert json.loads(told[1])["banned"] == 1
    for text in told:
        assert not re.search(r"127\.0\.0\.(9|77)\b|odd-one", text)


def http_bytes(one, data):
    """What is answered to these bytes, whatever they are."""
    with socket.create_connection(("127.0.0.1", one.port.number), PATIENCE_S) as peer:
        try:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: peer.recv(65536), b""))
        except OSError as error:
            assert error.errno in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)
            return b""


def test_an_end_that_comes_with_bytes_is_seen(watched):
    """Who is gone keeps no place: it ends before one that is silent, though it came later."""
    one = watched()
    address = ("127.0.0.1", one.port.number)
    with socket.create_connection(address) as silent, socket.create_connection(address) as gone:
        silent.sendall(b"GET /met")
        gone.send(b"GET /met", socket.MSG_MORE)
        gone.shutdown(socket.SHUT_WR)
        assert select.select((silent, gone), (), (), PATIENCE_S)[0] == [gone]
    assert http_bytes(one, b"GET /livez HTTP/1.0\r\n\r\n").endswith(b"ok\n")


def test_garbage_by_http_harms_nothing(watched):
    one = watched()
    monitors, chance = one.daemon.monitors(), random.Random(2)
    for _ in range(200):
        http_bytes(one, bytes(chance.randrange(256) for _ in range(chance.randrange(2000))))
    for data in (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + 100000 * b"x" + b"\r\n\r\n",
                 b"GET /" + 100000 * b"x" + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n" +
                 100000 * b"x",
                 b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
        assert b" 200 " not in http_bytes(one, data)[:20]
    assert one.get("/livez")[0] == 200
    assert one.daemon.monitors() == monitors
    assert one.daemon.events("monitor-ended") == []


def test_http_changes_nothing(watched):
    """Commands are for the control socket alone; no method and no path is one."""
    one = watched()
    for word in ("stop", "drain", "reload", "kill", "ban"):
        assert one.get(f"/{word}")[0] == 404
        assert one.get(f"/{word}", method="POST")[0] == 405
    assert one.json("status")["state"] == "serving"
    assert one.json("status")["generation"] == 1


# ---------------------------------------------------------------------------------------- control

def test_status_and_sessions(watched, backend):
    server = backend(fake.Server())
    one = watched(server.address)
    client = session(one)
    facts = one.json("sessions")
    assert len(facts) == 1
    assert facts[0]["client"] == f"127.0.0.1:{client.port}"
    assert facts[0]["listener"] == "smtps" and facts[0]["stage"] == "command"
    assert facts[0]["server"] == "mta/127.0.0.1:%d" % server.address[1]
    assert facts[0]["bytes_to_server"] > 0
    assert facts[0]["id"] in one.run("sessions").stdout
    text = one.run("status").stdout
    for word in ("serving", "LISTENER", "BACKEND", "WORKER", "CERTIFICATE"):
        assert word in text
    client.quit()
    until(lambda: one.json("sessions") == [], "no sessions")


def test_kill_ends_one_session(watched, backend):
    one = watched(backend(fake.Server()).address)
    first, second = session(one), session(one)
    ids = {each["client"]: each["id"] for each in one.json("sessions")}
    done = one.run("kill", ids[f"127.0.0.1:{first.port}"])
    assert done.returncode == 0, done.stderr
    first.ends()
    first.close()
    second.command("NOOP", 250)
    second.quit()
    events = until(lambda: len(one.daemon.events("session")) == 2 and
                   one.daemon.events("session"), "both have ended")
    assert sorted(event["reason"] for event in events) == ["killed", "quit"]
    done = one.run("kill", "nonesuch00")
    assert done.returncode == 1 and "nonesuch00" in done.stderr


def test_reload_waits_for_the_outcome(watched):
    one = watched()
    done = one.run("reload")
    assert (done.returncode, done.stdout) == (0, "reloaded\n"), done.stderr
    assert one.json("status")["generation"] == 2
    one.sections["listener smtps"]["tls"] = "sometimes"
    one.daemon.configure(one.sections)
    done = one.run("-D", "listener smtps.tls=implicit", "reload")
    assert done.returncode == 1
    assert "sometimes" in done.stderr and "postern.ini:" in done.stderr
    facts = one.json("status")
    assert facts["generation"] == 2 and facts["reloads"]["failed"] == 1
    assert one.metric('postern_reloads_total{outcome="failed"}') == 1
    assert one.metric("postern_reload_last_successful") == 0


def test_bans(watched, backend):
    one = watched(backend(fake.Server()).address, limits={"exempt": ""})
    assert one.run("ban", "127.0.0.1", "1h").returncode == 0
    facts = one.json("status")
    assert facts["bans"][0]["address"] == "127.0.0.1" and facts["banned"] == 1
    assert one.metric("postern_banned_addresses") == 1
    with Client(one.daemon.address()) as client:
        with pytest.raises((OSError, AssertionError)):
            client.handshake()
    assert one.run("unban", "127.0.0.1").returncode == 0
    session(one).quit()
    for words in (("ban", "nowhere"), ("ban", "127.0.0.1", "soon"), ("unban", "127.0.0.1")):
        done = one.run(*words)
        assert done.returncode == 1 and done.stderr, words


def test_servers_by_hand(watched, backend):
    server = backend(fake.Server())
    one = watched(server.address)
    name = "127.0.0.1:%d" % server.address[1]

    def admin():
        return one.json("status")["servers"][0]["admin"]

    for words, state in ((("pause", "mta"), "paused"), (("resume", "mta"), "enabled"),
                         (("disable", name), "disabled"), (("enable", "mta/" + name), "enabled")):
        done = one.run(*words)
        assert done.returncode == 0, done.stderr
        assert admin() == state
    assert one.run("pause", "other").returncode == 1
    session(one).quit()


@pytest.mark.parametrize("identity, keywords, word", [
    ("none", (), "none"), ("auto", (), "none"), ("xclient", (), "none"),
    ("auto", ("XCLIENT ADDR",), "xclient"), ("xclient", ("XCLIENT ADDR",), "xclient"),
    pytest.param("transparent", (), "transparent",
                 marks=pytest.mark.skipif(not AS_ROOT, reason="CAP_NET_RAW is needed")),
])
def test_how_servers_are_told_of_clients(watched, backend, identity, keywords, word):
    """A server that sees Postern's address alone is warned of wherever one looks."""
    server = backend(fake.Server(keywords=keywords))
    one = watched(server.address, **{"backend mta": {"identity": identity, "probe": "200ms"}})
    one.daemon.wait_events("server-up")
    assert one.json("status")["servers"][0]["identity"] == word
    label = 'postern_server_identity{backend="mta",server="127.0.0.1:%d",identity="%s"}'
    assert one.metric(label % (server.address[1], word)) == 1
    assert one.get("/metrics")[1].count("\npostern_server_identity{") == 1
    line = [line for line in one.run("status").stdout.split("\n") if line.startswith("mta ")][0]
    assert f" {word} " in line
    assert line.endswith("it sees Postern's address as that of all clients") == (word == "none")
    assert len(one.daemon.events("no-identity")) == (word == "none" and identity != "none")
    check = one.run("check").stderr
    assert ("identity = none: its servers see" in check) == (identity == "none")


def test_what_is_not_found_yet_is_not_known(watched):
    one = watched(**{"backend mta": {"identity": "auto"}})
    assert one.json("status")["servers"][0]["identity"] == "unknown"


def test_stop_stops(watched):
    one = watched()
    assert one.run("stop").returncode == 0
    assert one.daemon.wait_end() == 0
    done = one.run("status")
    assert done.returncode == 1 and "no Postern answers" in done.stderr


def test_who_may_not_is_told_so(watched):
    one = watched()
    assert stat.S_IMODE(os.stat(one.socket).st_mode) == 0o660
    if not AS_ROOT:
        pytest.skip("only root can be somebody else")
    os.chmod(one.daemon.file, 0o644)
    done = one.run("status", user=65533, group=65533, extra_groups=[])
    assert done.returncode == 1 and "a member of the group" in done.stderr


def test_garbage_harms_nothing(watched):
    one = watched()
    chance = random.Random(1)
    for _ in range(300):
        data = bytes(chance.randrange(256) for _ in range(chance.randrange(2000)))
        answer = one.raw(data)
        assert not answer or answer.startswith(b"postern/1\tfailed\n")
    assert b"speaks postern/1" in one.raw(b"postern/7\ttext\tstatus\n")
    assert b"too long" in one.raw(b"postern/1\ttext\t" + b"x" * 1009)
    assert b"no such command" in one.raw(b"postern/1\tjson\tfly\n")
    assert one.json("status")["state"] == "serving"


def test_silent_callers_keep_nobody_out(watched):
    one = watched()
    silent = [socket.socket(socket.AF_UNIX) for _ in range(20)]
    for each in silent:
        each.connect(str(one.socket))
    assert one.json("status")["state"] == "serving"
    for each in silent:
        each.close()


def test_completion_knows_all_commands_and_options():
    text = (ROOT / "dist/postern.bash-completion").read_text()
    told = subprocess.run((POSTERN, "help"), capture_output=True, text=True, check=True).stdout
    commands, options = told.split("\n\n")[1:3]
    assert re.search(r'commands="([^"]*)"', text).group(1).split() == [
        line.split()[0] for line in commands.split("\n")]
    assert set(re.findall(r"(?<![\w-])--?[a-zA-Z]+", options)) - {"-"} <= set(
        re.search(r'options="([^"]*)"', text).group(1).split())


def test_top_without_a_terminal_is_one_screen(watched):
    done = watched().run("top")
    assert done.returncode == 0 and len(done.stdout.split("\n")) <= 24
    assert all(len(line) <= 80 for line in done.stdout.split("\n"))
    assert "\033" not in done.stdout

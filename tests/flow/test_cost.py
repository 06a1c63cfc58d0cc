"""What it costs: instructions for each byte, memory of idle sessions, system calls. No clock."""

import os
import re
import signal
import subprocess

import pytest

import proc
from lib import mail
from lib.basics import AS_ROOT, BUILD, POSTERN, until
from lib.client import tls_client

pytestmark = pytest.mark.plain
looks_into_workers = pytest.mark.skipif(not AS_ROOT, reason="only root can look into workers")

BENCH = BUILD / "postern-bench"

IDLE_SESSIONS = int(os.environ.get("POSTERN_IDLE_SESSIONS") or 9500)
IDLE_MOST_BYTES = 15.5 * 1024  # of each
# OpenSSL keeps what a client has offered for as long as the session lasts.
FEW_WORDS = ("--suites", "TLS_AES_128_GCM_SHA256", "--groups", "X25519",
             "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256")


@pytest.fixture
def say(capsys):
    """Prints a figure where whoever runs the tests sees it."""

    def to(text):
        with capsys.disabled():
            print(f"\n    {text}")

    return to


def bench(address, *options):
    """A finished run of postern-bench, of which nothing went wrong."""
    done = subprocess.run((BENCH, "--tls", "implicit", *map(str, options), "%s:%d" % address),
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# Instructions.


class Profile:
    """
    What callgrind counted in one process: the instructions of the program's own functions, and those
    of libc's copying and searching where these called it.
    """

    COPIES = re.compile(r"_*(mem(cpy|move|pcpy|set|chr|rchr)|rawmemchr)")

    def __init__(self, path, program):
        self._names = {}
        self.program, self.own, self.copies = str(program), 0, 0
        with path.open() as lines:
            self._read(lines)

    def _name(self, kind, text):
        """Names are written once, as `(number) name`, and then by number."""
        number, _, name = text.partition(" ")
        return self._names.setdefault((kind, number), name)

    def _read(self, lines):
        current = called = function = ""
        for line in lines:
            key, _, value = line.rstrip("\n").partition("=")
            if key == "ob":
                current = called = self._name("ob", value)
            elif key == "cob":
                called = self._name("ob", value)
            elif key == "fn":
                self._name("fn", value)
            elif key == "cfn":
                function = self._name("fn", value)
            elif key == "calls":
                cost = int(next(lines).split()[1])
                if self.program == current != called and self.COPIES.match(function):
                    self.copies += cost
                called = current
            elif line[:1] in "+-*0123456789" and line.strip() and current == self.program:
                self.own += int(line.split()[1])


@pytest.fixture
def profiled(home, authority):
    """Starts a Postern with one worker under callgrind: profiled(backend)."""
    started = []

    def start(backend):
        directory = home / f"profiled-{len(started)}"
        directory.mkdir()
        directory.chmod(0o777)  # the worker writes its own profile, without privileges
        started.append(proc.Daemon(
            directory, proc.base(authority, backend.address, workers=1, sandbox="no"),
            wrap=lambda words: ["valgrind", "--tool=callgrind", "--trace-children=yes",
                                f"--callgrind-out-file={directory}/callgrind.%p", *words]))
        return started[-1].wait_ready()

    yield start
    for one in started:
        one.kill()


def profile_of(one):
    """Of the worker, from its start to its end, which this is."""
    worker = one.workers()[0]
    assert one.stop() == 0
    return Profile(one.directory / f"callgrind.{worker}", POSTERN)


def test_no_message_byte_is_copied(profiled, sink, say):
    """The text is read in place, and that is all: under one instruction a byte, copies included."""
    server = sink("--size", "40M")
    one = profiled(server)
    text = mail.stuffed(mail.big(16))
    with tls_client(one.address()) as client:
        client.greet()
        assert client.deliver(text).code == 250
        client.quit()
    assert server.messages()[0].endswith(text[-1000:-3])
    profile = profile_of(one)
    own, copies = profile.own / len(text), profile.copies / len(text)
    say(f"instructions a byte of a message of {len(text)}: {own:.3f} of Postern's own, "
        f"{copies:.3f} of libc's copies for it")
    assert own > 0.05, "the profile is not that of the worker"
    assert own + copies < 1


# Memory.


def given_back(proxy, before):
    """What each idle session needs, once that is no more than it may be."""
    each = (proxy.memory_bytes() - before) / IDLE_SESSIONS
    return each if each <= IDLE_MOST_BYTES else None


@looks_into_workers
@pytest.mark.long
def test_idle_sessions(postern, sink, say):
    """Each takes two of the worker's descriptors: as many as a limit of 20000 has room for."""
    proxy = postern(backend=sink().address)
    before = proxy.memory_bytes()
    holding = subprocess.Popen(
        (BENCH, "--tls", "implicit", *FEW_WORDS, "--idle", "-c", str(IDLE_SESSIONS), "--hold", "15s",
         "--source", "127.0.0.2,127.0.0.3,127.0.0.4", "%s:%d" % proxy.address()),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        held = f"holding {IDLE_SESSIONS}\n"
        assert held in iter(holding.stdout.readline, ""), "not all could be opened"
        until(proxy.is_quiet, "Postern is idle with all of them open")
        # What handshakes took is given back when there is a quiet second.
        each = until(lambda: given_back(proxy, before), "they need no more than they may")
        assert holding.poll() is None, "the sessions were not held"
        report = holding.communicate()[0]
    finally:
        holding.kill()
        holding.wait()
    say(f"{each:.0f} bytes for each of {IDLE_SESSIONS} idle TLS sessions")
    assert holding.returncode == 0, report
    assert f"{IDLE_SESSIONS} of {IDLE_SESSIONS} survived" in report
    proxy.sessions(IDLE_SESSIONS)


# System calls.


class Calls:
    """Counts the system calls of a process while it lasts."""

    def __init__(self, pid, file):
        self.file = file
        self._strace = subprocess.Popen(
            ("strace", "-c", "-f", "-o", file, "-p", str(pid)), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        first = self._strace.stderr.readline()
        assert "attached" in first, first

    def stop(self):
        """{name: count}"""
        self._strace.send_signal(signal.SIGINT)
        self._strace.communicate()
        rows = map(str.split, self.file.read_text().splitlines())
        return {row[-1]: int(row[3]) for row in rows
                if len(row) >= 5 and row[3].isdigit() and row[-1] != "total"}


def count_calls(proxy, file, *options):
    """All system calls of the worker while postern-bench runs."""
    calls = Calls(proxy.worker_pids()[0], file)
    try:
        bench(proxy.address(), *options)
        until(proxy.is_quiet, "Postern is idle again")
    finally:
        counted = calls.stop()
    return counted


def difference(more, less, times):
    """What one more of it costs, in all, and by name the calls that count."""
    names = {name: (more.get(name, 0) - less.get(name, 0)) / times for name in more}
    told = ", ".join(f"{name} {count:.1f}" for name, count in
                     sorted(names.items(), key=lambda item: -item[1]) if count >= 0.1)
    return sum(names.values()), told


@looks_into_workers
def test_system_calls(postern, sink, say, tmp_path):
    proxy = postern(backend=sink().address)
    size = ("-s", "4K")
    one = count_calls(proxy, tmp_path / "one", "-n", 1, *size)
    many = count_calls(proxy, tmp_path / "many", "-n", 201, *size)
    sessions = count_calls(proxy, tmp_path / "sessions", "-n", 101, "-m", 1, *size)

    a_message, names = difference(many, one, 200)
    say(f"{a_message:.1f} system calls a message of 4 KiB on a kept connection: {names}")
    a_session, names = difference(sessions, one, 100)
    a_handshake = a_session - a_message
    say(f"{a_handshake:.1f} system calls a session beside its message (handshake, backend, EHLO, "
        f"QUIT, close): with it {names}")
    assert 0 < a_message < 26
    assert 0 < a_handshake < 45

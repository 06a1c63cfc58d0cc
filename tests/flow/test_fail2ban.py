"""The filter for fail2ban, on lines that Postern wrote of hostile clients: whom does it name?"""

import collections
import configparser
import json
import shutil
import socket
import subprocess

import pytest

import proc
from lib import fake
from lib.basics import PATIENCE_S, POSTERN, ROOT, until
from lib.client import Client
from lib.postern import configuration

FILTER = ROOT / "dist/fail2ban/filter.d/postern.conf"
JAIL = ROOT / "dist/fail2ban/jail.d/postern.conf"

VICTIM = "192.0.2.66"
HOSTILE = (f"client={VICTIM}:25",
           f"x client={VICTIM}:25 code=535",
           f'x" client={VICTIM}:25 reason=too-many-errors',
           f"2026-01-01T00:00:00.000Z info auth-failed id=x listener=x client={VICTIM}:25 code=535",
           f'x","event":"auth-failed","id":"x","listener":"x","client":"{VICTIM}:25","code":535',
           f'\\" client={VICTIM}:1 \\\\" reason=banned',
           f"[{VICTIM}]", VICTIM, "reason=banned", "x\xff\xc3 reason=early-talker ")


def talk(address, source, *lines, first=None):
    """Says them one by one from that address, to the end."""
    client = Client.__new__(Client)
    client.socket = socket.create_connection(address, PATIENCE_S, source_address=(source, 0))
    client.tls = client.ended = None
    client._buffer = b""
    if first:
        client.send(first)
    else:
        client.reply()
        for line in lines:
            client.send(line.encode("latin-1") + b"\r\n")
            client.reply()
    client.socket.shutdown(socket.SHUT_WR)
    client.rest()
    client.socket.close()


def attack(proxy):
    """What each address did, by the reasons that a filter may count."""
    address = proxy.address()
    for number, name in enumerate(HOSTILE):
        talk(address, f"127.3.0.{number + 1}", f"EHLO {name}", "AUTH PLAIN AA==", "QUIT")
        talk(address, f"127.4.0.{number + 1}", f"EHLO {name}", "QUIT")
        talk(address, f"127.5.0.{number + 1}", f"EHLO {name}", *["NOPE"] * 3)
    talk(address, "127.6.0.1", first=b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    talk(address, "127.6.0.2", "EHLO x", "\x01")
    proxy.wait_events("session", 3 * len(HOSTILE) + 2)
    guessers = [f"127.3.0.{number + 1}" for number in range(len(HOSTILE))]
    errors = [f"127.5.0.{number + 1}" for number in range(len(HOSTILE))]
    return guessers + errors, ["127.6.0.1", "127.6.0.2"]


def named(log, mode):
    """The addresses that the filter finds, as often as it does."""
    done = subprocess.run(("fail2ban-regex", "-o", "ip", log, f"{FILTER}[mode={mode}]"),
                          capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode in (0, 1) and not done.stderr, done.stderr
    return collections.Counter(done.stdout.split())


def as_file(line):
    return line


def as_syslog(line):
    return f"Nov 26 16:50:01 mail postern[123]: {line}"


@pytest.fixture(scope="module", autouse=True)
def regex():
    assert shutil.which("fail2ban-regex"), "the package fail2ban is missing"


class Json:
    """A Postern that logs as JSON, of which nothing is known but its log."""

    def __init__(self, directory, sections):
        file = directory / "postern.ini"
        file.write_text(configuration(sections))
        self.log_file = directory / "stderr.log"
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen((POSTERN, "-c", file), stderr=log, cwd=directory)

    def log(self):
        return self.log_file.read_text()

    def events(self, word):
        lines = map(json.loads, self.log().splitlines())
        return [event for event in lines if event["event"] == word]

    def address(self):
        until(lambda: self.events("ready"), "it is ready")
        host, _, port = self.events("listening")[0]["address"].rpartition(":")
        return host, int(port)

    def wait_events(self, word, count):
        until(lambda: len(self.events(word)) >= count, f"{count} `{word}`")


@pytest.fixture
def write(backend, authority, home):
    """The lines that an attack leaves in the log, in that format; and whom they are about."""
    started = []

    def lines(log_format):
        mta = backend(fake.Server(keywords=["PIPELINING", "AUTH PLAIN"], AUTH="535 5.7.8 no"))
        sections = proc.base(authority, mta.address, workers=1)
        sections["postern"]["log_format"] = log_format
        sections["listener smtps"]["tls"] = "optional"
        sections["policy default"] = {"auth": "always", "errors": 3}
        kind = Json if log_format == "json" else proc.Daemon
        one = kind(home, sections)
        started.append(one)
        whom = attack(one)
        return one.log().splitlines(), *whom

    yield lines
    for one in started:
        one.process.terminate()
        assert one.process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("form", [as_file, as_syslog])
def test_the_filter_names_whom_it_should(form, log_format, write, tmp_path):
    lines, normal, aggressive = write(log_format)
    log = tmp_path / "postern.log"
    log.write_text("".join(f"{form(line)}\n" for line in lines))
    assert named(log, "normal") == collections.Counter(normal)
    assert named(log, "aggressive") == collections.Counter(normal + aggressive)


def test_the_jail_is_for_the_filter():
    jail = configparser.ConfigParser()
    jail.read(JAIL)
    assert jail["postern"]["filter"] == "postern[mode=normal]"

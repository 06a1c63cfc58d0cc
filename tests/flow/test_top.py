"""`postern top` on a terminal: it fits, follows its size, and leaves it as it was."""

import os
import pty
import signal

import pytest

from lib import fake, processes
from lib.basics import POSTERN, until
from lib.client import tls_client
from lib.terminal import Terminal


@pytest.fixture
def top(watched, backend):
    """Starts one, beside a Postern that has a session."""
    try:
        for end in pty.openpty():
            os.close(end)
    except OSError as why:
        pytest.skip(f"no terminals: {why}")
    server = backend(fake.Server())
    long = {f"server-{n}.{40 * 'x'}.invalid:25" for n in range(40)}
    one = watched(server.address, **{"backend many": {
        "server": ", ".join(sorted(long)), "identity": "none", "open_relay": "accept"}})
    client = tls_client(one.daemon.address())
    client.greet()
    started = []

    def start(**more):
        started.append(Terminal(POSTERN, "-c", one.daemon.file, "top", **more))
        started[-1].postern = one
        return started[-1]

    yield start
    for each in started:
        each.__exit__()
    client.close()


def fits(lines, columns, rows):
    return len(lines) < rows and all(len(line) <= columns for line in lines)


def test_it_is_one_screen(top):
    terminal = top()
    lines = terminal.wait_screen(lambda lines: "serving" in lines[0])
    assert fits(lines, 80, 24), lines
    text = "\n".join(lines)
    for word in ("sessions   1 open", "GREETING", "mta", "and 36 more", "LONGEST", "WAITS FOR",
                 "127.0.0.1:", "command"):
        assert word in text, text
    terminal.forget()
    terminal.wait_screen(lambda lines: "serving" in lines[0])  # and again, by itself
    terminal.press(b"q")
    assert terminal.wait_end() == 0
    assert terminal.is_as_before()


@pytest.mark.parametrize("columns, rows, more", [(40, 10, None), (20, 2, None),
                                                 (200, 60, "and 27 more")])
def test_it_follows_the_size(columns, rows, more, top):
    terminal = top()
    terminal.wait_screen(lambda lines: "and 36 more" in lines)
    terminal.resize(columns, rows)
    terminal.wait_screen(lambda lines: fits(lines, columns, rows) and (more or lines[0]) in lines)
    terminal.press(b"Q")
    assert terminal.wait_end() == 0


@pytest.mark.parametrize("end", [b"\x03", b"\x1c", signal.SIGTERM, signal.SIGHUP])
def test_it_leaves_the_terminal_as_it_was(end, top):
    terminal = top()
    terminal.wait_screen(len)
    assert not terminal.is_as_before()
    if isinstance(end, bytes):
        terminal.press(end)
    else:
        terminal.process.send_signal(end)
    assert terminal.wait_end() == 0
    assert terminal.is_as_before()


def test_it_can_be_put_aside(top):
    terminal = top()
    terminal.wait_screen(len)
    terminal.process.send_signal(signal.SIGTSTP)
    until(lambda: processes.stat(terminal.process.pid)[0] == "T", "it stands still")
    assert terminal.is_as_before()
    terminal.forget()
    os.kill(terminal.process.pid, signal.SIGCONT)
    terminal.wait_screen(len)
    terminal.press(b"q")
    assert terminal.wait_end() == 0
    assert terminal.is_as_before()


def test_it_says_when_postern_is_gone(top):
    terminal = top()
    terminal.wait_screen(len)
    assert terminal.postern.run("stop").returncode == 0
    assert terminal.wait_end() == 1
    assert terminal.is_as_before()
    assert b"no Postern answers" in terminal.output.rpartition(b"\033[?1049l")[2]


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_dumb_terminal_is_told_what_to_do(term, top):
    terminal = top(TERM=term)
    assert terminal.wait_end() == 1
    assert b"`postern status` tells the same once" in terminal.output
    assert b"\033" not in terminal.output

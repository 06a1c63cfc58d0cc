"""SIGUSR2: the program that is installed now takes over, and no session or connection is lost."""

import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import stat

import pytest

from lib import processes
from lib.basics import AS_ROOT, BUILD, PATIENCE_S, POSTERN, until
from lib.client import lenient_context, tls_client
from lib.load import Load
from lib.strace import Injected

UPGRADES = int(os.environ.get("POSTERN_UPGRADES", "10"))


def connect(address):
    return socket.create_connection(address, PATIENCE_S)


def upgraded(one, count=1):
    """The process that serves after that many upgrades."""
    until(lambda: len(one.events("upgraded")) >= count, lambda: f"`upgraded` in:\n{one.log()}")
    event = one.events("upgraded")[count - 1]
    return int(re.search(r"process (\d+) serves", event["message"]).group(1))


@pytest.fixture
def heirs():
    """Processes that are nobody's child: they are ended with the test."""
    pids = []
    yield pids
    for pid in pids:
        for each in reversed(processes.family(pid)):
            try:
                os.kill(each, signal.SIGKILL)
            except ProcessLookupError:
                pass


def upgrade(one, heirs, pid=None):
    count = len(one.events("upgraded")) + 1
    os.kill(pid or one.pid, signal.SIGUSR2)
    heirs.append(upgraded(one, count))
    return heirs[-1]


def gone(pid):
    return not processes.is_running(pid)


def end(one, pid):
    """The last of them stops in order, and nothing is left."""
    family = processes.family(pid)
    os.kill(pid, signal.SIGTERM)
    until(lambda: all(gone(each) for each in family), "all have ended")
    assert one.events("stopped")
    assert one.events("worker-ended") == []


def test_a_session_lives_on_and_the_next_is_the_new_ones(daemon, base, sink, heirs):
    one = daemon(base(sink().address))
    with tls_client(one.address()) as client:
        client.greet()
        new = upgrade(one, heirs)
        assert client.command("NOOP").code == 250
        with tls_client(one.address()) as other:
            other.greet()
            until(lambda: len(processes.children(one.pid)) == 1, "the idle old worker has gone")
            assert one.process.poll() is None
            client.quit()
            assert one.wait_end() == 0
            assert other.command("NOOP").code == 250
            other.quit()
    end(one, new)


@pytest.mark.skipif(not AS_ROOT, reason="only root can trace the master")
def test_when_it_is_told_the_old_one_takes_nobody(daemon, base, home, heirs):
    """Though the old master is slow behind that line of the log."""
    sections = base()
    sections["listener smtps"]["tls"] = "required"
    one = daemon(sections)
    sections["postern"]["hostname"] = "new.test"
    one.configure(sections)
    with Injected(one.pid, "write", "delay_exit=500000", home / "strace"):
        new = upgrade(one, heirs)
        for _ in range(20):
            with connect(one.address()) as client:
                assert client.recv(100).startswith(b"220 new.test ")
    assert one.wait_end() == 0
    end(one, new)


def test_ten_under_load(daemon, base, sink, heirs):
    server = sink()
    one = daemon(base(server.address))
    load, serving = Load(one.address()), one.pid
    for _ in range(UPGRADES):
        serving = upgrade(one, heirs, serving)
        load.wait(3)
    assert load.end(server) > UPGRADES
    for pid in [one.pid, *heirs[:-1]]:
        until(lambda: gone(pid) or one.process.poll() == 0, "those before have ended")
    assert one.events("upgrade-failed") == []
    end(one, serving)


def test_connections_that_wait_are_served(daemon, base, sink, heirs):
    """They were in the queue when there was no worker, and are the new program's."""
    one = daemon(base(sink().address, workers=1))
    stopped = one.workers()[0]
    os.kill(stopped, signal.SIGSTOP)
    waiting = [connect(one.address()) for _ in range(20)]
    new = upgrade(one, heirs)
    for each in waiting:
        with lenient_context().wrap_socket(each, server_hostname="mail.test") as session:
            assert session.recv(4) == b"220 "
    with contextlib.suppress(ProcessLookupError):  # the watchdog was first
        os.kill(stopped, signal.SIGCONT)
    assert one.wait_end() == 0
    end(one, new)


def test_a_broken_configuration(daemon, base, sink):
    sections = base(sink().address)
    one = daemon(sections)
    workers = one.workers()
    with tls_client(one.address()) as client:
        client.greet()
        one.configure(sections | {"listener smtps": {"adress": "127.0.0.1:0"}})
        one.signal(signal.SIGUSR2)
        one.wait_events("upgrade-failed")
        assert any("adress" in event["message"] for event in one.events("configuration"))
        assert client.command("NOOP").code == 250
        client.quit()
    assert one.workers() == workers
    one.reload(sections)
    assert one.stop() == 0


@pytest.fixture
def installed(home):
    """A copy of the programs, to be replaced."""
    directory = home / "sbin"
    directory.mkdir()
    for name in ("postern", "postern-monitor"):
        shutil.copy(BUILD / name, directory / name)
    return directory / "postern"


def replace(path, text):
    fresh = path.with_suffix(".new")
    fresh.write_text(text) if text else shutil.copy(POSTERN, fresh)
    fresh.chmod(0o755)
    fresh.rename(path)


def test_the_program_as_it_is_installed_now(daemon, base, sink, heirs, installed):
    one = daemon(base(sink().address), wrap=lambda words: [str(installed), *words[1:]])
    replace(installed, "#!/bin/sh\nexit 3\n")
    one.signal(signal.SIGUSR2)
    one.wait_events("upgrade-failed")
    assert "ended before" in one.events("configuration")[-1]["message"]
    installed.unlink()
    one.signal(signal.SIGUSR2)
    one.wait_events("upgrade-failed", 2)
    assert "No such file" in one.events("configuration")[-1]["message"]
    replace(installed, None)
    new = upgrade(one, heirs)
    assert one.wait_end() == 0
    assert os.readlink(f"/proc/{new}/exe") == str(installed)
    with connect(one.address()):
        pass
    end(one, new)


def test_files_of_sockets_stay_until_the_last_one_goes(daemon, base, sink, home, heirs):
    path, control = home / "smtp.sock", home / "control.sock"
    sections = base(sink().address, control=control)
    sections["listener smtps"]["address"] = f"unix:{path}"
    one = daemon(sections)
    one.configure("[nonsense]\n")
    one.signal(signal.SIGUSR2)
    one.wait_events("upgrade-failed")
    one.configure(sections)
    new = upgrade(one, heirs)
    assert one.wait_end() == 0
    for each in (path, control):
        assert stat.S_ISSOCK(each.stat().st_mode)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(each))
    end(one, new)
    assert not path.exists() and not control.exists()


def test_tickets_are_good_further(daemon, base, sink, heirs):
    sections = base(sink().address)
    sections["listener smtps"]["tickets"] = 1
    one = daemon(sections)
    context = lenient_context(maximum_version=ssl.TLSVersion.TLSv1_2)

    def session(before=None):
        with context.wrap_socket(connect(one.address()), server_hostname="mail.test",
                                 session=before) as client:
            assert client.recv(4) == b"220 "
            return client.session, client.session_reused

    first, reused = session()
    assert not reused
    new = upgrade(one, heirs)
    assert one.wait_end() == 0
    assert session(first)[1]
    end(one, new)


def test_who_stops_the_new_stops_the_old(daemon, base, sink, heirs):
    """Signals reach only the newer: it passes them on, and goes last."""
    one = daemon(base(sink().address))
    with tls_client(one.address()) as client:
        client.greet()
        new = upgrade(one, heirs)
        os.kill(new, signal.SIGTERM)
        assert client.reply().code == 421
        assert one.wait_end() == 0
        until(lambda: gone(new), "the new one ends")
    assert len(one.events("stopped")) == 2


def test_a_stop_while_the_new_one_starts(daemon, base, sink):
    one = daemon(base(sink().address))
    one.signal(signal.SIGUSR2)
    one.wait_events("upgrading")
    one.signal(signal.SIGTERM)
    assert one.wait_end() == 0
    until(lambda: refuses(one.address()), "nobody listens")


def refuses(address):
    try:
        connect(address).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    return False


def test_the_second_upgrade_drains_the_first(daemon, base, sink, heirs):
    one = daemon(base(sink().address))
    with tls_client(one.address()) as client:
        client.greet()
        new = upgrade(one, heirs)
        newest = upgrade(one, heirs, new)
        assert client.reply().code == 421
        assert one.wait_end() == 0
        until(lambda: gone(new), "the second has ended")
    end(one, newest)


def test_systemd_is_told_of_the_main_process(daemon, base, home, heirs):
    path = home / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(PATIENCE_S)
        notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        sections = base()
        one = daemon(sections, env={"NOTIFY_SOCKET": str(path)})

        def heard():
            text, ancillary, *_ = notify.recvmsg(1024, 64)
            return text.decode(), int.from_bytes(ancillary[0][2][:4], "little")

        assert heard()[0].startswith("READY=1\n")
        one.configure("[nonsense]\n")
        one.signal(signal.SIGUSR2)
        assert heard()[0].startswith("RELOADING=1\nMONOTONIC_USEC=")
        assert heard()[0].startswith("READY=1\nSTATUS=Upgrade failed")
        one.configure(sections)
        new = upgrade(one, heirs)
        assert heard()[0].startswith("RELOADING=1\nMONOTONIC_USEC=")
        assert heard() == (f"MAINPID={new}", one.pid)
        text, pid = heard()
        assert text.startswith("READY=1\nSTATUS=Serving") and pid == new
        assert one.wait_end() == 0
        os.kill(new, signal.SIGTERM)
        text, pid = heard()
        assert text.startswith("STOPPING=1") and pid == new
        until(lambda: gone(new), "it ends")

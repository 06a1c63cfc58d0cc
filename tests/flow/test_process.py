"""The processes: start, stop, reload, what happens when one dies, and the command line."""

import concurrent.futures
import contextlib
import errno
import fcntl
import itertools
import os
import re
import resource
import selectors
import signal
import smtplib
import socket
import ssl
import stat
import subprocess
import sys
import time
import urllib.request

import pytest

import proc
from lib import mail, processes
from lib.basics import AS_ROOT, PATIENCE_S, POSTERN, SANITIZED, until
from lib.strace import Injected


def connect(address, begun=True):
    """A client that has begun a handshake: a silent one may reach Postern a second later."""
    one = socket.create_connection(address, PATIENCE_S)
    if begun:
        one.sendall(b"\x16")
    return one


def smtps(address, authority):
    context = ssl.create_default_context(cafile=str(authority.file))
    return smtplib.SMTP_SSL("localhost", address[1], local_hostname="client.test",
                            timeout=PATIENCE_S, context=context)


def run(*words, **more):
    return subprocess.run((POSTERN, *map(str, words)), capture_output=True, text=True,
                          timeout=PATIENCE_S, **more)


def refuses(address):
    try:
        connect(address).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass  # it was in the queue of a socket that has been closed just now
    return False


# Start and stop.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT, signal.SIGINT])
def test_stops_as_asked(daemon, number):
    one = daemon()
    address = one.address()
    assert len(one.workers()) == 2
    assert one.stop(number) == 0
    assert refuses(address)
    assert one.events("stopped")


def test_int_does_not_wait_for_sessions(daemon):
    one = daemon()
    with connect(one.address()):
        one.wait_open(1)
        assert one.stop(signal.SIGINT) == 0


def test_signal_to_all_of_a_terminals_group(daemon):
    one = daemon(start_new_session=True)
    with connect(one.address()):
        one.wait_open(1)
        os.killpg(one.pid, signal.SIGHUP)
        one.wait_events("reloaded")
        one.wait_open(1)
        os.killpg(one.pid, signal.SIGINT)
        assert one.wait_end() == 0


def test_a_stuck_worker_does_not_stop_the_stop(daemon):
    one = daemon()
    for pid in one.workers():
        os.kill(pid, signal.SIGSTOP)
    assert one.stop(signal.SIGINT) == 0


def test_workers_go_when_the_master_is_killed(daemon):
    one = daemon()
    workers = one.workers()
    os.kill(one.pid, signal.SIGKILL)
    one.process.wait()
    until(lambda: all(processes.stat(pid) is None for pid in workers), "the workers end")


def in_message(session):
    """In the middle of a message: the text has begun, and its end is not sent."""
    session.ehlo()
    session.mail(mail.SENDER)
    session.rcpt(mail.RECIPIENT)
    assert session.docmd("DATA")[0] == 354
    session.send(b"Subject: slow\r\n\r\n")


def test_drain_waits_for_a_message(daemon, base, sink, authority):
    server = sink()
    one = daemon(base(server.address))
    busy = smtps(one.address(), authority)
    in_message(busy)
    idle = smtps(one.address(), authority)
    idle.ehlo()
    one.signal(signal.SIGTERM)
    one.wait_events("draining")
    assert idle.file.readline().startswith(b"421 ")
    until(lambda: refuses(one.address()), "the door is closed")
    busy.send(b"done\r\n.\r\n")
    assert busy.getreply()[0] == 250
    assert one.wait_end() == 0
    assert len(server.messages()) == 1


def test_a_second_term_cuts_a_message_off(daemon, base, sink, authority):
    server = sink()
    one = daemon(base(server.address))
    busy = smtps(one.address(), authority)
    in_message(busy)
    one.signal(signal.SIGTERM)
    one.wait_events("draining")
    until(lambda: refuses(one.address()), "the door is closed")
    one.wait_open(1)
    assert one.stop() == 0
    assert server.messages() == []


def test_drain_has_a_deadline(daemon, base, sink, authority):
    one = daemon(base(sink().address) | {"timeouts": {"drain": "300ms"}})
    busy = smtps(one.address(), authority)
    in_message(busy)
    assert one.stop() == 0
    assert one.events("drain-deadline")


# Reload.


def test_reload_ends_no_session(daemon, base, sink, authority):
    one = daemon(base(sink().address))
    session = smtps(one.address(), authority)
    session.ehlo()
    before = set(one.workers())
    assert one.reload()["generation"] == "2"
    mine = set(pid for pid in one.workers() if pid in before)
    assert session.noop()[0] == 250
    other = smtps(one.address(), authority)
    until(lambda: len(before & set(one.workers())) == 1, "the idle old worker ends")
    assert len(mine) >= 1
    assert other.noop()[0] == 250
    assert session.quit()[0] == 221
    until(lambda: not before & set(one.workers()), "the old workers end")
    assert other.noop()[0] == 250
    assert other.quit()[0] == 221
    assert one.stop() == 0


@pytest.mark.skipif(not AS_ROOT, reason="only root can trace the master")
def test_a_reload_that_is_told_is_done(daemon, base, home):
    """A master that is slow behind that line of the log: who comes meets the new configuration."""
    sections = base()
    sections["listener smtps"]["tls"] = "required"
    one = daemon(sections)
    with Injected(one.pid, "write", "delay_exit=500000", home / "strace"):
        one.reload(sections | {"postern": sections["postern"] | {"hostname": "new.test"}})
        for _ in range(20):
            with connect(one.address(), begun=False) as each:
                assert each.recv(100).startswith(b"220 new.test ")
    assert one.stop() == 0


def test_a_broken_reload_changes_nothing(daemon, base):
    sections = base()
    one = daemon(sections)
    workers = one.workers()
    one.configure(sections | {"listener smtps": {"address": "127.0.0.1:0", "tlss": "implicit",
                                                 "backend": "nobody"}})
    one.signal(signal.SIGHUP)
    one.wait_events("reload-failed")
    complaints = [event["message"] for event in one.events("configuration")]
    assert len(complaints) >= 2
    assert all(re.search(r"postern\.ini:\d+: ", text) for text in complaints)
    assert one.workers() == workers
    with connect(one.address()):
        one.wait_open(1)
    one.reload(sections)
    assert one.stop() == 0


def test_a_reload_without_its_certificate_changes_nothing(daemon, base, home):
    sections = base()
    one = daemon(sections)
    workers = one.workers()
    one.configure(sections | {"certificate ecdsa": {"chain": home / "none.pem",
                                                    "key": home / "none.key"}})
    one.signal(signal.SIGHUP)
    one.wait_events("reload-failed")
    assert one.workers() == workers
    assert one.stop() == 0


def test_a_reload_that_cannot_bind_changes_nothing(daemon, base):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        sections = base()
        one = daemon(sections)
        workers, held = one.workers(), len(processes.descriptors(one.pid))
        more = {"address": "127.0.0.1:0, 127.0.0.1:%d" % taken.getsockname()[1]}
        one.configure(sections | {"listener smtps": sections["listener smtps"] | more})
        one.signal(signal.SIGHUP)
        one.wait_events("reload-failed")
        assert any("is in use by" in event["message"] for event in one.events("configuration"))
        assert one.workers() == workers
        until(lambda: len(processes.descriptors(one.pid)) == held, "nothing is left open")
    assert one.stop() == 0


def test_a_reload_whose_workers_do_not_start_changes_nothing(daemon):
    """The master has one descriptor left: enough to read a file, not enough for a channel."""
    one = daemon()
    workers, held = one.workers(), processes.descriptors(one.pid)
    free = (number for number in itertools.count() if number not in held)
    next(free)
    before = resource.prlimit(one.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(one.pid, resource.RLIMIT_NOFILE, (next(free), before[1]))
    one.signal(signal.SIGHUP)
    assert "do not start" in one.wait_events("reload-failed")[0]["message"]
    until(lambda: processes.descriptors(one.pid) == held, "nothing is left open")
    assert one.workers() == workers
    resource.prlimit(one.pid, resource.RLIMIT_NOFILE, before)
    one.reload()
    until(lambda: len(one.workers()) == 2, "the old workers end")
    assert one.stop() == 0


def test_reload_opens_and_closes_addresses(daemon, base):
    sections = base()
    one = daemon(sections)
    kept = one.address()
    more = {"address": "127.0.0.2:0"}
    one.reload(sections | {"listener new": sections["listener smtps"] | more})
    new = one.address("new")
    assert one.address() == kept
    with connect(new), connect(kept):
        one.wait_open(2)
    one.reload(sections)
    until(lambda: refuses(new), "the old workers have closed it, too")
    with connect(kept):
        one.wait_open(1)
    assert one.stop() == 0


def test_no_connection_is_lost_by_reloads(daemon, base):
    """Connections are opened all the time, while workers come and go in changing numbers."""
    sections = base()
    one = daemon(sections)
    address = one.address()
    stop = False

    def open_all():
        opened = []
        while not stop:
            opened.append(connect(address))
            time.sleep(0.002)
        return opened

    with concurrent.futures.ThreadPoolExecutor() as pool:
        opening = pool.submit(open_all)
        for workers in (1, 4, 3, 2):
            one.reload(sections | {"postern": sections["postern"] | {"workers": workers}})
        stop = True
        opened = opening.result()
    one.wait_open(len(opened))
    for each in opened:
        each.close()
    until(lambda: len(one.workers()) == 2, "the old generations end")
    assert one.stop() == 0


def test_the_fifth_generation_drains_the_first(daemon, base, sink, authority):
    one = daemon(base(sink().address, workers=1))
    sessions = []
    for generation in range(1, 5):
        sessions.append(smtps(one.address(), authority))
        sessions[-1].ehlo()
        assert one.reload()["generation"] == str(generation + 1)
    assert sessions[0].file.readline().startswith(b"421 ")
    for session in sessions[1:]:
        assert session.noop()[0] == 250
    until(lambda: len(one.workers()) == 4, "four generations")
    assert one.stop() == 0


def test_reloads_leave_nothing_behind(daemon):
    one = daemon()
    held = len(processes.descriptors(one.pid))
    mine = max(len(processes.descriptors(pid)) for pid in one.workers())
    for _ in range(10):
        one.reload()
    until(lambda: len(one.records()) == 2, "old generations end")
    until(lambda: len(processes.descriptors(one.pid)) == held, "nothing is left open")
    assert len(one.workers()) == 2
    assert all(len(processes.descriptors(pid)) <= mine for pid in one.workers())
    assert one.stop() == 0


def test_reload_signals_in_a_heap(daemon):
    one = daemon()
    for _ in range(20):
        one.signal(signal.SIGHUP)
    one.wait_events("reloaded")
    assert one.stop() == 0


# Workers that die.


def test_a_killed_worker_is_replaced_and_its_count_undone(daemon, base):
    one = daemon()
    opened = [connect(one.address()) for _ in range(20)]
    one.wait_open(20)
    victim = max(one.records().values(), key=lambda record: record.open)
    lost = victim.open
    os.kill(victim.pid, signal.SIGKILL)
    event = one.wait_events("worker-ended")[0]
    assert (event["signal"], event["name"]) == ("9", "KILL")
    assert int(event["sessions"]) == lost
    one.wait_open(20 - lost)
    until(lambda: len(one.workers()) == 2 and all(r.up for r in one.records().values()),
          "the replacement is up")
    assert victim.pid not in one.workers()
    opened += [connect(one.address()) for _ in range(20)]
    one.wait_open(40 - lost)
    for each in opened:
        each.close()
    one.wait_open(0)
    assert one.stop() == 0


def test_a_sibling_watches_the_sockets_of_one_that_is_down(daemon):
    one = daemon()
    down = (1, 0)

    def crash():
        pid = until(lambda: one.records()[down].up and one.records()[down].pid, "it is up")
        os.kill(pid, signal.SIGKILL)

    def serves_alone(opened):
        until(lambda: one.records()[1, 1].open == len(opened) or one.records()[down].up,
              "all are served")
        return not one.records()[down].up

    for count in range(1, 10):
        crash()
        one.wait_events("worker-ended", count)
        if count < 5:
            continue
        # The next one comes in 800 ms at the earliest, and later each time: if this was too slow.
        opened = [connect(one.address()) for _ in range(30)]
        if serves_alone(opened):
            break
        for each in opened:
            each.close()
        one.wait_open(0)
    assert not one.records()[down].up
    until(lambda: one.records()[down].up, "the replacement comes")
    opened += [connect(one.address()) for _ in range(100)]
    one.wait_open(130)
    assert one.records()[down].open > 0
    assert one.stop(signal.SIGINT) == 0


def test_connections_wait_while_no_worker_runs(daemon, base):
    one = daemon(base(workers=1))
    for count in range(1, 5):
        pid = until(lambda: one.records()[1, 0].up and one.records()[1, 0].pid, "it is up")
        os.kill(pid, signal.SIGKILL)
        one.wait_events("worker-ended", count)
    opened = [connect(one.address()) for _ in range(10)]
    one.wait_open(10)
    assert len(opened) == 10
    assert one.stop(signal.SIGINT) == 0


def test_a_worker_that_dies_while_retired_is_not_replaced(daemon, base):
    one = daemon(base(workers=1))
    with connect(one.address()):
        one.wait_open(1)
        old = one.records()[1, 0].pid
        one.reload()
        os.kill(old, signal.SIGKILL)
        assert one.wait_events("worker-ended")[0]["pid"] == str(old)
        one.wait_open(0)
        until(lambda: list(one.records()) == [(2, 0)], "the old generation is gone")
        until(lambda: one.workers() == [one.records()[2, 0].pid], "one worker, and no other")
        assert len(one.events("worker-ended")) == 1
    assert one.stop() == 0


def test_a_worker_told_to_drain_leaves_its_sockets_to_others(daemon, base, sink, authority):
    """Somebody has sent TERM to one worker alone, which is busy."""
    one = daemon(base(sink().address))
    busy = smtps(one.address(), authority)
    in_message(busy)
    key, record = next(item for item in one.records().items() if item[1].open)
    os.kill(record.pid, signal.SIGTERM)
    until(lambda: not one.records()[key].up, "it watches no more")
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(connect(one.address()))
        one.wait_open(31)
        assert one.records()[key].open == 1
    busy.send(b"done\r\n.\r\n")
    assert busy.getreply()[0] == 250
    one.wait_events("worker-ended")
    until(lambda: len(one.workers()) == 2 and record.pid not in one.workers(), "a replacement")
    assert one.stop() == 0


# Sockets.


def test_a_second_instance_is_refused(daemon, base):
    first = daemon()
    sections = base()
    sections["listener smtps"]["address"] = "%s:%d" % first.address()
    second = daemon(sections, ready=False)
    assert second.wait_end() == 1
    assert f"is in use by postern (process {first.pid})" in second.log()
    assert "postern.ini:" in second.log()
    with connect(first.address()):
        first.wait_open(1)
    assert first.stop() == 0


def test_a_port_in_use(daemon, base):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        sections = base()
        sections["listener smtps"]["address"] = "127.0.0.1:%d" % taken.getsockname()[1]
        one = daemon(sections, ready=False)
        assert one.wait_end() == 1
        assert f"(process {os.getpid()})" in one.log()


def test_each_address_has_a_socket_a_worker(daemon, base):
    sections = base(workers=3)
    sections["listener smtps"]["address"] = "127.0.0.1:0"
    one = daemon(sections)
    assert one.events("listening")[0]["sockets"] == "3"
    opened = [connect(one.address()) for _ in range(120)]
    one.wait_open(len(opened))
    assert all(record.open > 0 for record in one.records().values())
    assert one.stop(signal.SIGINT) == 0


def test_a_unix_socket(daemon, base, home):
    path = home / "smtp.sock"
    sections = base()
    sections["listener smtps"]["address"] = f"unix:{path}"
    one = daemon(sections)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        one.wait_open(1)
        second = daemon(sections, ready=False)
        assert second.wait_end() == 1
        assert f"is in use by postern (process {one.pid})" in second.log()
    one.reload()
    assert one.stop() == 0
    assert not path.exists()


def handed_over(names, sockets):
    """A command line that is started as systemd would, with the sockets from descriptor 3 on."""
    moves = " ".join(f"{3 + n}<&{one.fileno()}" for n, one in enumerate(sockets))
    script = f'exec {moves}; LISTEN_PID=$$ exec "$@"'
    return {
        "wrap": lambda words: ["bash", "-c", script, "bash", *words],
        "env": {"LISTEN_FDS": str(len(sockets)), "LISTEN_FDNAMES": ":".join(names)},
        "pass_fds": [one.fileno() for one in sockets],
    }


def test_sockets_handed_over(daemon, base):
    """By name; the file's address is not opened then."""
    with socket.create_server(("127.0.0.1", 0)) as one_socket, \
            socket.create_server(("127.0.0.1", 0)) as other, \
            socket.create_server(("127.0.0.1", 0)) as forbidden:
        sections = base()
        sections["listener smtps"]["address"] = "127.0.0.1:%d" % forbidden.getsockname()[1]
        one = daemon(sections, **handed_over(["smtps", "smtps"], [one_socket, other]))
        address = one_socket.getsockname()
        assert one.addresses("smtps") == [address, other.getsockname()]
        waiting = connect(address)
        one.wait_open(1)
        with connect(other.getsockname()):
            one.wait_open(2)
        one.reload()
        waiting.close()
        with connect(address):
            one.wait_open(1)
        assert one.stop() == 0
        # It is systemd's: still there, for whoever comes next.
        connect(address).close()


def test_a_socket_of_no_listener(daemon):
    with socket.create_server(("127.0.0.1", 0)) as handed:
        one = daemon(ready=False, **handed_over(["smtp"], [handed]))
        assert one.wait_end() == 1
        assert "`smtp`" in one.log() and "FileDescriptorName=" in one.log()


def test_systemd_is_told(daemon, base, home):
    path = home / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(PATIENCE_S)
        sections = base()
        one = daemon(sections, env={"NOTIFY_SOCKET": str(path)})
        assert notify.recv(1024).startswith(b"READY=1\nSTATUS=")
        one.reload()
        assert re.match(rb"RELOADING=1\nMONOTONIC_USEC=\d+$", notify.recv(1024))
        assert notify.recv(1024).startswith(b"READY=1\nSTATUS=")
        one.configure("[nonsense]\n")
        one.signal(signal.SIGHUP)
        assert notify.recv(1024).startswith(b"RELOADING=1")
        assert b"STATUS=Reload failed" in notify.recv(1024)
        assert one.stop() == 0
        assert notify.recv(1024).startswith(b"STOPPING=1\nSTATUS=Draining")


# Limits.


def test_the_session_limit_makes_others_wait(daemon, base):
    """Three are served, three more will be told no after their handshake, and two wait."""
    one = daemon(base() | {"limits": {"sessions": 3}})
    opened = [connect(one.address()) for _ in range(8)]
    until(lambda: one.events("accept-paused"), "it is said")
    until(lambda: one.open_sessions() == 6, "six have been accepted")
    first = cpu_s(one)
    time.sleep(0.5)
    assert cpu_s(one) - first < 0.2, "it spins"
    assert one.open_sessions() == 6
    for each in opened:
        each.close()
    one.wait_open(0)
    with connect(one.address()):
        one.wait_open(1)
    assert one.stop(signal.SIGINT) == 0


def cpu_s(one):
    return processes.cpu_s(processes.family(one.pid))


def few_files(daemon, sections, left_open=0):
    """64 of them, some of which are taken."""
    script = "ulimit -n 64; " + "".join(f"exec {20 + n}</dev/null; " for n in range(left_open))
    sections["postern"]["workers"] = 1
    sections["listener smtps"]["tls"] = "required"
    return daemon(sections, wrap=lambda words: ["bash", "-c", script + 'exec "$@"', "bash", *words])


def leave_when_greeted(opened):
    """Each waits for its greeting and goes; how many had one."""
    greeted = 0
    with selectors.DefaultSelector() as waiting:
        for each in opened:
            waiting.register(each, selectors.EVENT_READ)
        while ready := waiting.get_map() and waiting.select(PATIENCE_S):
            for key, _ in ready:
                greeted += key.fileobj.recv(1000).startswith(b"220 ")
                waiting.unregister(key.fileobj)
                key.fileobj.close()
    return greeted


def test_few_file_descriptors(daemon, base):
    """64 of them, and 1000 clients: some are served, the others wait, and nothing spins."""
    one = few_files(daemon, base())
    opened = [connect(one.address(), begun=False) for _ in range(1000)]
    until(lambda: one.events("accept-paused"), "it is said")
    served = one.open_sessions()
    assert 1 <= served < 40
    first = cpu_s(one)
    time.sleep(0.5)
    assert cpu_s(one) - first < 0.2, "it spins"
    assert len(one.events("accept-paused")) == 1
    assert leave_when_greeted(opened) == 1000
    one.wait_open(0)
    assert one.stop() == 0


@pytest.mark.skipif(not AS_ROOT, reason="only root can trace a worker")
@pytest.mark.parametrize("error", ["ENFILE", "ENOMEM", "ENOBUFS"])
def test_the_system_has_no_room(daemon, base, home, error):
    """Clients wait, nothing spins, and when there is room they are served by themselves."""
    sections = base(workers=1, sandbox="no")  # in place of the call strace makes one that is forbidden
    sections["listener smtps"]["tls"] = "required"
    one = daemon(sections)
    with Injected(one.workers()[0], "accept4", f"error={error}", home / "strace") as injected:
        opened = [connect(one.address(), begun=False) for _ in range(20)]
        said = until(lambda: one.events("accept-paused"), "it is said")
        assert os.strerror(getattr(errno, error)) in said[0]["message"]
        until(lambda: injected.count() >= 3, "it tries again")
        tried, first = injected.count(), cpu_s(one)
        time.sleep(0.5)
        assert injected.count() - tried <= 10 and cpu_s(one) - first < 0.2, "it spins"
        assert one.open_sessions() == 0 and len(one.events("accept-paused")) == 1
    assert leave_when_greeted(opened) == 20
    one.wait_open(0)
    assert one.stop() == 0


def test_too_few_files_for_the_sessions_that_are_wanted(daemon, base):
    one = few_files(daemon, base() | {"limits": {"sessions": 1000}})
    limit, = one.events("limit")
    assert "sessions = 1000, but with 64 open files" in limit["message"]
    assert "raise LimitNOFILE= in the unit, or ulimit -n, to 2100" in limit["message"]
    assert one.stop() == 0


def test_files_that_others_have(daemon, base):
    """Files run out where nobody counted on it (here, who starts it leaves some open): clients wait."""
    one = few_files(daemon, base(), left_open=44)
    opened = [connect(one.address(), begun=False) for _ in range(100)]
    until(lambda: one.events("accept-paused"), "it is said")
    assert os.strerror(errno.EMFILE) in one.events("accept-paused")[0]["message"]
    assert 1 <= one.open_sessions() < 15
    first = cpu_s(one)
    time.sleep(0.5)
    assert cpu_s(one) - first < 0.2, "it spins"
    assert leave_when_greeted(opened) == 100
    one.wait_open(0)
    assert one.stop() == 0


# Privileges, and what a worker holds.


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def test_workers_have_no_privileges(daemon):
    one = daemon()
    for pid in one.workers():
        facts = status_of(pid)
        assert facts["NoNewPrivs"] == "1"
        users = set(facts["Uid"].split()) | set(facts["Gid"].split())
        if AS_ROOT:
            assert "0" not in users and "0" not in facts["Groups"].split()
            assert int(facts["CapEff"], 16) == int(facts["CapPrm"], 16) == 0
            assert set(status_of(one.pid)["Uid"].split()) == {"0"}
        else:
            assert users == {str(os.geteuid()), str(os.getegid())}
    assert one.stop() == 0


def test_a_worker_holds_only_what_it_needs(daemon, home, base):
    """The standard three, log, channel, signals, loop, listening sockets: and no one else's."""
    one = daemon(base(log=home / "postern.log"), ready=False)
    until(lambda: len(one.workers()) == 2 and all(r.up for r in one.records().values()), "up")
    one.signal(signal.SIGHUP)
    until(lambda: {key[0] for key in one.records()} == {2}, "the second generation")
    if not AS_ROOT and not SANITIZED:
        assert not os.access(f"/proc/{one.workers()[0]}/fd", os.R_OK)  # not dumpable
    else:
        for pid in one.workers():
            kinds = sorted(re.sub(r"\[?:?\[?\d+\]?$|\[(\w+)\]$", r"\1", target)
                           for number, target in processes.descriptors(pid).items() if number > 2)
            kinds = [kind.replace("anon_inode:", "") for kind in kinds]
            assert [kind for kind in kinds if kind != "socket"] == sorted(
                [str(home / "postern.log"), "eventpoll", "signalfd"], key=kinds.index)
            assert kinds.count("socket") == 1 + 2
    assert one.stop() == 0


@pytest.mark.parametrize("user, remedy", [("no-such-user", "adduser --system"), ("root", "root")])
def test_a_user_that_cannot_be(daemon, base, user, remedy):
    one = daemon(base(user=user), ready=False)
    if not AS_ROOT:
        one.wait_ready()
        assert one.stop() == 0
        return
    assert one.wait_end() == 2
    assert f"user `{user}`" in one.log() and remedy in one.log()


# The log.


def test_usr1_opens_the_log_anew(daemon, base, home):
    directory = home / "log"
    directory.mkdir()
    path, old = directory / "postern.log", directory / "postern.log.1"
    one = daemon(base(log=path, workers=1), ready=False)
    until(lambda: path.exists() and " ready " in path.read_text(), "it is ready")
    port = int(re.search(r"listening .*:(\d+)", path.read_text()).group(1))
    path.rename(old)
    one.signal(signal.SIGUSR1)
    until(lambda: path.exists() and " log " in path.read_text(), "the new log")
    before = old.read_text()
    worker = one.workers()[0]
    if AS_ROOT or SANITIZED:
        until(lambda: str(path) in processes.descriptors(worker).values(), "the worker has it")
    until(lambda: (connect(("127.0.0.1", port)).close() or " session " in path.read_text()),
          "the worker writes to it")
    assert one.stop() == 0
    assert old.read_text() == before


# The command line.


def checked(home, sections, *options):
    file = home / "postern.ini"
    file.write_text(proc.configuration(sections))
    return file, run("-c", file, "check", *options)


def told(sections):
    """The backend learns whose client it is: nothing to warn of."""
    sections["backend mta"]["identity"] = "xclient"
    return sections


def test_check(base, home):
    file, done = checked(home, told(base()), "--strict")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{file}: good: 1 listener, 1 certificate, 1 backend\n"


def test_check_warns(base, home, authority):
    """The chain lacks its CA, which may be as it should be."""
    alone = home / "alone.pem"
    alone.write_text(authority.ecdsa.pem)
    sections = told(base())
    sections["certificate ecdsa"]["chain"] = alone
    file = home / "postern.ini"
    file.write_text(proc.configuration(sections))
    for options, status in (((), 0), (("--strict",), 1)):
        done = run("-c", file, "check", *options)
        assert done.returncode == status
        assert re.match(rf"{re.escape(str(file))}:\d+: warning: ", done.stderr)
        assert done.stdout.endswith(": good: 1 listener, 1 certificate, 1 backend, 1 warning\n")


def test_check_warns_of_a_backend_that_is_not_told_of_clients(base, home):
    for options, status in (((), 0), (("--strict",), 1)):
        file, done = checked(home, base(), *options)
        assert done.returncode == status
        assert re.fullmatch(rf"{re.escape(str(file))}:\d+: warning: \[backend mta\] "
                            r"identity = none: .*`xclient`.*\n", done.stderr)
        assert done.stdout.endswith(", 1 warning\n")


OWN = [host for host in (proc.own_address(),) if host]


@pytest.mark.parametrize("listening, server", [
    ("127.0.0.1:2525", "127.0.0.1:2525"),
    ("127.0.0.1:465, 127.0.0.1:2525", "127.0.0.2:25, 127.0.0.1:2525"),
    ("127.0.0.1:2525", "0.0.0.0:2525"),
    ("127.0.0.1:2525", "[::ffff:127.0.0.1]:2525"),
    ("127.0.0.1:2525", "localhost:2525"),
    ("0.0.0.0:2525", "127.0.0.9:2525"),
    ("0.0.0.0:2525", "localhost:2525"),
    ("[::1]:2525", "[::]:2525"),
    ("[::]:2525", "[::1]:2525"),
    ("unix:/run/none/smtp", "unix:/run/none/smtp"),
    *(("0.0.0.0:2525", f"{host}:2525") for host in OWN),
])
def test_check_refuses_to_be_its_own_server(base, home, listening, server):
    sections = told(base())
    sections["listener smtps"]["address"] = listening
    sections["backend mta"]["server"] = server
    file, done = checked(home, sections)
    own = server.split(", ")[-1]
    assert done.returncode == 2
    assert re.fullmatch(
        rf"{re.escape(str(file))}:\d+: \[backend mta\] server = {re.escape(own)}: there listens "
        rf"Postern itself \({re.escape(str(file))}:\d+: \[listener smtps\]\), .*; name .*\n",
        done.stderr), done.stderr
    assert done.stdout == f"{file}: 1 error\n"


@pytest.mark.parametrize("listening, server", [
    ("127.0.0.1:2525", "127.0.0.1:2526"),
    ("127.0.0.1:2525", "127.0.0.2:2525"),
    ("127.0.0.1:2525", "[::1]:2525"),
    ("0.0.0.0:2525", "[::1]:2525"),
    ("[::]:2525", "127.0.0.1:2525"),
    ("0.0.0.0:2525", "192.0.2.1:2525"),
    ("0.0.0.0:2525", "127.0.0.1:25, unix:/run/none/smtp"),
    ("unix:/run/none/smtp", "unix:/run/none/smtp2"),
])
def test_check_knows_others_from_itself(base, home, listening, server):
    sections = told(base())
    sections["listener smtps"]["address"] = listening
    sections["backend mta"]["server"] = server
    _, done = checked(home, sections)
    assert (done.returncode, done.stderr) == (0, "")


def test_its_own_server_is_refused_at_start_and_reload(daemon, base):
    one = daemon()
    sections = base()
    sections["listener smtps"]["address"] = "%s:%d" % one.address()
    sections["backend mta"]["server"] = "%s:%d" % one.address()
    one.configure(sections)
    one.signal(signal.SIGHUP)
    one.wait_events("reload-failed")
    assert "there listens Postern itself" in one.events("configuration")[0]["message"]
    connect(one.address()).close()
    assert one.stop() == 0
    other = daemon(sections, ready=False)
    assert other.wait_end() == 2
    assert "there listens Postern itself" in other.log()


def test_check_says_all_mistakes_in_one_run(base, home):
    sections = base()
    sections["listener smtps"] |= {"tls": "implict", "adress": "0.0.0.0:25", "backend": "mtb"}
    sections["policy default"] = {"recipients": "many"}
    sections["lisener other"] = {"tls": "implicit"}
    file = home / "postern.ini"
    file.write_text(proc.configuration(sections))
    done = run("-c", file, "check")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 5, done.stderr
    assert all(re.match(rf"{re.escape(str(file))}:\d+: \S.*", line) for line in lines)
    assert done.stdout == f"{file}: 5 errors\n"


def test_check_reads_certificates(base, home, authority):
    sections = base()
    sections["certificate ecdsa"]["key"] = authority.rsa.key
    file = home / "postern.ini"
    file.write_text(proc.configuration(sections))
    done = run("-c", file, "check")
    assert done.returncode == 2
    assert re.match(rf"{re.escape(str(file))}:\d+: ", done.stderr)


def test_a_file_that_is_not_there(home):
    done = run("-c", home / "none.ini")
    assert done.returncode == 2
    assert "none.ini" in done.stderr


def test_define_overrides_the_file(daemon, base):
    one = daemon(options=("-D", "postern.workers=3", "-D", "postern.log_format=json"),
                 ready=False)
    until(lambda: len(one.workers()) == 3, "three workers")
    until(lambda: '"event":"ready"' in one.log(), "a log in JSON")
    assert one.stop() == 0
    file = one.file
    done = run("-c", file, "-D", "listener smtps.tls=plain", "check")
    assert done.returncode == 2 and "tls" in done.stderr
    shown = run("-c", file, "-D", "postern.workers=7", "config", "-n")
    assert shown.returncode == 0 and re.search(r"^workers = 7$", shown.stdout, re.M)


def test_config_prints(base, home):
    file = home / "postern.ini"
    file.write_text(proc.configuration(base()))
    defaults = run("config", "-d")
    assert (defaults.returncode, defaults.stderr) == (0, "")
    assert "[postern]" in defaults.stdout and "[timeouts]" in defaults.stdout
    shown = run("-c", file, "config")
    assert shown.returncode == 0
    again = home / "again.ini"
    again.write_text(shown.stdout)
    assert run("-c", again, "check").returncode == 0
    changed = run("-c", file, "config", "-n")
    assert len(changed.stdout) < len(shown.stdout)


def test_mistakes_of_the_command_line():
    for words, hint in ((["chekc"], "did you mean `check`?"),
                        (["--confg", "x"], "did you mean `--config`?"),
                        (["--strict"], "belongs to the command `check`")):
        done = run(*words)
        assert done.returncode == 2
        assert hint in done.stderr and done.stdout == ""
    assert run("--help").stdout.startswith("usage: postern")
    assert re.match(r"postern \d", run("--version").stdout)


# The demo.


def commands_of(process):
    """The commands that it prints: indented lines, by the line before them."""
    found, title = {}, ""
    for line in process.stdout:
        if line.startswith("  "):
            found[title] = line.strip()
        title = line.strip()
        if "Ctrl-C" in line:
            return found
    raise AssertionError("the demo has ended")


@pytest.fixture
def demo(home):
    """Starts a demo: its process, the commands that it prints, and where it keeps its files."""
    runtime = home / "run"
    runtime.mkdir()
    started = []

    def start():
        # One at a time, of all that run the tests: it takes ports that it has found free.
        with POSTERN.open("rb") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            process = subprocess.Popen((POSTERN, "demo"), stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=sys.stderr, text=True,
                                       env=os.environ | {"XDG_RUNTIME_DIR": str(runtime)})
            started.append(process)
            return process, commands_of(process), runtime

    yield start
    for process in started:
        if process.poll() is None:
            for pid in reversed(processes.family(process.pid)):
                os.kill(pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_delivers(demo, number):
    process, commands, runtime = demo()
    assert "curl" in commands["Send a first mail:"]
    for command in commands.values():
        if "s_client" not in command:
            done = subprocess.run(command, shell=True, capture_output=True, text=True,
                                  timeout=PATIENCE_S)
            assert done.returncode == 0, (command, done.stdout, done.stderr)
    title, status = next(item for item in commands.items() if item[0].startswith("See what"))
    assert "serving" in subprocess.run(status, shell=True, capture_output=True, text=True,
                                       timeout=PATIENCE_S, check=True).stdout
    with urllib.request.urlopen(re.search(r"http://[\d.:]+/", title)[0], timeout=PATIENCE_S) as page:
        assert page.status == 200
    by_hand = next(command for command in commands.values() if "s_client" in command)
    with subprocess.Popen(by_hand, shell=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as session:
        assert session.stdout.readline().startswith("220 ")
        session.stdin.write("QUIT\n")
        session.stdin.flush()
        assert session.stdout.readline().startswith("221 ")
    family = processes.family(process.pid)
    process.send_signal(number)
    assert process.wait(PATIENCE_S) == 0
    assert list(runtime.iterdir()) == []
    until(lambda: all(processes.stat(pid) is None for pid in family), "nothing is left running")


def test_two_demos(demo):
    one, first, _ = demo()
    other, second, _ = demo()
    assert first["Send a first mail:"] != second["Send a first mail:"]
    for process in (one, other):
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0

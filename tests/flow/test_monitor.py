"""The monitor as a process: how it is started, what it holds, and that mail goes on without it."""

import os
import re
import signal
import smtplib
import socket
import ssl
import stat
import subprocess

import pytest

import proc
from lib import processes
from lib.basics import AS_ROOT, PATIENCE_S, POSTERN, SANITIZED, until

MONITOR = POSTERN.with_name("postern-monitor")
FIRST = 3
"""The numbers of descriptors, as in proxy/handed.h."""
SHARED, CONFIG, CHANNEL, LOG, CONTROL, METRICS = range(FIRST, FIRST + 6)


def the_monitor(one):
    return until(lambda: found[0] if len(found := one.monitors()) == 1 else 0,
                 lambda: f"one monitor, not {one.monitors()}:\n{one.log()}")


def another_monitor(one, old):
    return until(lambda: found[0] if len(found := one.monitors()) == 1 and old not in found else 0,
                 lambda: f"another monitor:\n{one.log()}")


def delivers(one, authority):
    context = ssl.create_default_context(cafile=str(authority.file))
    with smtplib.SMTP_SSL("localhost", one.address()[1], local_hostname="client.test",
                          timeout=PATIENCE_S, context=context) as session:
        session.sendmail("a@sender.test", "b@mail.test", b"Subject: one\r\n\r\ntext\r\n")


def descriptors(pid):
    found = processes.descriptors(pid)
    if not found:
        pytest.skip("another's descriptors are for root to see")
    return found


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def test_it_runs_beside_the_workers_without_privileges(daemon):
    one = daemon()
    pid = the_monitor(one)
    until(lambda: status_of(pid)["Name"] == "postern-monitor", "its first lines, which give it the name")
    facts = status_of(pid)
    assert facts["NoNewPrivs"] == "1"
    if AS_ROOT:
        assert "0" not in facts["Uid"].split() + facts["Gid"].split()
        assert "0" not in facts["Groups"].split()
        assert int(facts["CapEff"], 16) == int(facts["CapPrm"], 16) == 0
        assert int(facts["CapAmb"], 16) == 0
    elif not SANITIZED:
        until(lambda: not os.access(f"/proc/{pid}/fd", os.R_OK), "it is not dumpable")
    assert one.stop() == 0
    assert processes.stat(pid) is None


def its_own(pid):
    """None while it still reads files: libraries, its configuration, where a sanitizer has memory."""
    found = {number: target for number, target in processes.descriptors(pid).items()
             if number >= FIRST}
    reads = [target for number, target in found.items()
             if target.startswith("/") and number not in (SHARED, LOG)]
    return None if reads else found


def test_it_holds_only_what_it_needs(daemon, base, home):
    """Whatever else was open where Postern was started stays behind."""
    with open(__file__, "rb") as left:
        one = daemon(base(log=home / "postern.log", control=home / "control.sock",
                          metrics="127.0.0.1:0, 127.0.0.2:0"),
                     ready=False, pass_fds=[left.fileno()])
        until(lambda: (home / "postern.log").exists()
              and " ready " in (home / "postern.log").read_text(), "it is ready")
        found = descriptors(the_monitor(one))
        assert __file__ in processes.descriptors(one.pid).values()
    own = until(lambda: its_own(the_monitor(one)),
                lambda: f"no open files: {processes.descriptors(the_monitor(one))}")
    assert __file__ not in found.values()
    assert own.pop(SHARED).startswith("/memfd:postern")
    assert own.pop(LOG) == str(home / "postern.log")
    sockets = {number: own.pop(number) for number in (CHANNEL, CONTROL, METRICS, METRICS + 1)}
    assert all(target.startswith("socket:") for target in sockets.values()), sockets
    masters = processes.descriptors(one.pid).values()
    assert all(sockets[number] in masters for number in (CONTROL, METRICS, METRICS + 1))
    assert not [target for target in own.values() if not target.startswith("anon_inode:")], own
    assert one.stop() == 0


def test_mail_goes_on_without_it(daemon, base, sink, authority):
    one = daemon(base(sink().address))
    first = the_monitor(one)
    os.kill(first, signal.SIGSTOP)
    delivers(one, authority)
    os.kill(first, signal.SIGKILL)
    delivers(one, authority)
    second = another_monitor(one, first)
    event = one.wait_events("monitor-ended")[0]
    assert (event["pid"], event["name"]) == (str(first), "KILL")
    os.kill(second, signal.SIGKILL)
    another_monitor(one, second)
    delivers(one, authority)
    assert one.stop() == 0


def test_one_that_dies_at_once_is_not_started_in_a_hurry(daemon):
    one = daemon()
    for _ in range(4):
        pid = the_monitor(one)
        os.kill(pid, signal.SIGKILL)
        until(lambda: pid not in one.monitors(), "it is gone")
    the_monitor(one)
    assert len(one.events("monitor-ended")) == 4
    times = [float(event.line.split("T")[1].split("Z")[0].split(":")[2])
             for event in one.events("monitor-ended")]
    # 0, 100, 200 ms; no more than that is said of a busy machine.
    assert (times[-1] - times[0]) % 60 >= 0.3
    assert one.stop() == 0


def test_signals_are_the_masters_business(daemon):
    one = daemon(start_new_session=True)
    pid = the_monitor(one)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        os.kill(pid, number)
    os.killpg(one.pid, signal.SIGHUP)
    one.wait_events("reloaded")
    another_monitor(one, pid)
    assert not one.events("monitor-ended")
    os.killpg(one.pid, signal.SIGTERM)
    assert one.wait_end() == 0


def test_it_goes_when_the_master_is_killed(daemon):
    one = daemon()
    pid = the_monitor(one)
    os.kill(one.pid, signal.SIGKILL)
    one.process.wait()
    until(lambda: processes.stat(pid) is None, "the monitor ends")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stuck_one_does_not_stop_the_stop(daemon, number):
    one = daemon()
    os.kill(the_monitor(one), signal.SIGSTOP)
    assert one.stop(number) == 0


def test_reloads_leave_one(daemon, base):
    one = daemon()
    held = len(processes.descriptors(one.pid))
    stuck = []
    for _ in range(6):  # more than are waited for
        stuck.append(until(lambda: next(iter(set(one.monitors()) - set(stuck)), None), "a new one"))
        os.kill(stuck[-1], signal.SIGSTOP)
        one.reload()
    until(lambda: len(found := one.monitors()) == 1 and found[0] not in stuck, "one monitor")
    until(lambda: len(one.workers()) == 2, "old workers end")
    until(lambda: len(processes.descriptors(one.pid)) == held, "and nothing is left open")
    assert one.stop() == 0


def test_a_broken_reload_leaves_the_old_one(daemon, base, home):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        one = daemon(base(control=home / "one.sock"))
        pid = the_monitor(one)
        held = sorted(processes.descriptors(one.pid).values())
        one.configure(base(control=home / "two.sock",
                           metrics="127.0.0.1:%d" % taken.getsockname()[1]))
        one.signal(signal.SIGHUP)
        one.wait_events("reload-failed")
        assert any("metrics 127.0.0.1:" in event["message"] and "is in use by" in event["message"]
                   for event in one.events("configuration"))
    assert one.monitors() == [pid]
    until(lambda: sorted(processes.descriptors(one.pid).values()) == held, "nothing is left open")
    assert (home / "one.sock").exists() and not (home / "two.sock").exists()
    assert one.stop() == 0


def test_usr1_hands_it_the_new_log(daemon, base, home):
    directory = home / "log"
    directory.mkdir()
    path = directory / "postern.log"
    one = daemon(base(log=path), ready=False)
    until(lambda: path.exists() and " ready " in path.read_text(), "it is ready")
    pid = the_monitor(one)
    path.rename(directory / "old.log")
    one.signal(signal.SIGUSR1)
    until(lambda: path.exists() and " log " in path.read_text(), "the new log")
    if descriptors(pid):
        until(lambda: str(path) in processes.descriptors(pid).values(), "the monitor has it")
        until(lambda: str(directory / "old.log") not in processes.descriptors(pid).values(),
              "and lets go of the old one")
    assert one.stop() == 0


# The sockets for those who look after it.


def test_the_control_socket(daemon, base, home):
    path = home / "control.sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    one = daemon(base(control=path))
    status = path.stat()
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o660
    if AS_ROOT:
        with open(f"/proc/{the_monitor(one)}/status", encoding="ascii") as file:
            group = re.search(r"^Gid:\t(\d+)", file.read(), re.M).group(1)
        assert (status.st_uid, status.st_gid) == (0, int(group))
    second = daemon(base(control=path), ready=False)
    assert second.wait_end() == 1
    assert f"control unix:{path} is in use by postern (process {one.pid})" in second.log()
    assert one.stop() == 0
    assert not path.exists()


def test_a_control_socket_that_cannot_be(daemon, base, home):
    for path, why in ((home / "none" / "nor" / "control.sock", "make the directory first"),
                      (home / ("c" * 120), "a socket's path has at most 107 bytes")):
        one = daemon(base(control=path), ready=False)
        assert one.wait_end() == 1
        assert why in one.log()


@pytest.mark.skipif(not AS_ROOT, reason="root alone makes directories in /run")
def test_the_directory_of_the_control_socket_is_made(daemon, base, home):
    path = home / "run" / "control.sock"
    one = daemon(base(control=path))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755
    assert one.stop() == 0


def test_sockets_move_by_a_reload(daemon, base, home):
    one = daemon(base(control=home / "one.sock", metrics="127.0.0.1:0"))
    first = the_monitor(one)
    before = descriptors(first)
    one.reload(base(control=home / "two.sock", metrics="127.0.0.1:0"))
    assert (home / "two.sock").exists() and not (home / "one.sock").exists()
    after = processes.descriptors(another_monitor(one, first))
    assert after[METRICS] == before[METRICS] and after[CONTROL] != before[CONTROL]
    one.reload(base())
    assert not (home / "two.sock").exists()
    assert before[METRICS] not in processes.descriptors(one.pid).values()
    assert one.stop() == 0


def test_by_hand_it_says_what_it_is(home):
    done = subprocess.run((MONITOR,), capture_output=True, text=True, timeout=PATIENCE_S,
                          close_fds=True)
    assert done.returncode == 1
    assert "it is started by postern, and not by hand" in done.stderr


def test_it_is_found_beside_the_running_program(daemon, home, authority):
    """A Postern without it says so, and does not start."""
    alone = home / "alone"
    alone.mkdir()
    (alone / "postern").write_bytes(POSTERN.read_bytes())
    (alone / "postern").chmod(0o755)
    one = daemon(ready=False, wrap=lambda words: [str(alone / "postern"), *words[1:]])
    assert one.wait_end() == 1
    assert f"{alone}/postern-monitor: " in one.log()
    (alone / "postern-monitor").write_bytes(MONITOR.read_bytes())
    (alone / "postern-monitor").chmod(0o755)
    two = daemon(wrap=lambda words: [str(alone / "postern"), *words[1:]])
    pid = the_monitor(two)
    # An upgrade takes the files away; what runs has its own.
    (alone / "postern-monitor").unlink()
    os.kill(pid, signal.SIGKILL)
    another_monitor(two, pid)
    assert two.stop() == 0

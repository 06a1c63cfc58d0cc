"""
Flow tests: real processes, real TLS, real mail servers.

Every process is a fixture's, has a directory and ports of its own, and is ended by its own pid.
After each test all of Postern must be idle, hold nothing, have complained of nothing, and end on
SIGTERM with status 0: Postern.check() and Postern.stop().
"""

import itertools
import pathlib
import resource
import shutil
import tempfile

import pytest

import proc
from lib import backends, certs, clients, fake, postfix as postfix_, rooms
from lib.basics import POSTERN, SINK, Port, until
from lib.postern import Postern
from lib.sink import Sink
from lib.watched import Watched

LOG_TAIL = 6000
DESCRIPTORS = 16384


def pytest_configure():
    """A thousand connections need descriptors, here and in Postern, which inherits the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What the processes logged, where a test failed."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for path in getattr(item, "flow_logs", []):
            if path.exists():
                tail = path.read_bytes()[-LOG_TAIL:].decode(errors="backslashreplace")
                report.sections.append((str(path), tail))


@pytest.fixture
def home():
    """A directory that servers which drop their privileges can get at, unlike pytest's own."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="postern-flow-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return certs.Authority(tmp_path_factory.mktemp("certs"))


@pytest.fixture
def postern(request, tmp_path, authority):
    """
    Starts a Postern: postern(backend=..., tls=..., policy={...}, timeouts={...}, ...). One listener
    with the name of its kind of TLS, or all those of `listeners`.
    """
    if not POSTERN.exists():
        pytest.fail(f"{POSTERN} is not built")
    started = []
    numbers = itertools.count(1)

    def start(backend, tls="implicit", listener=None, listeners=None, **more):
        if listeners is None:
            listeners = {tls: {"tls": tls} | (listener or {})}
        directory = tmp_path / f"postern-{next(numbers)}"
        request.node.flow_logs = getattr(request.node, "flow_logs", [])
        request.node.flow_logs.append(directory / "postern.log")
        certificates = {"ecdsa": authority.ecdsa, "rsa": authority.rsa}
        one = Postern(directory, certificates, listeners, backend, **more)
        started.append(one)
        return one

    yield start
    problems = []
    for one in started:
        for step in (one.check, one.stop):
            try:
                step()
            except AssertionError as error:
                problems.append(str(error))
        if one.process.returncode is None:
            one.kill()
    assert not problems, "\n\n".join(problems)


@pytest.fixture
def daemon(request, home, authority):
    """Starts a Postern: daemon(), or daemon(sections, ...) as proc.Daemon takes them."""
    started = []

    def start(sections=None, ready=True, **more):
        directory = home / f"postern-{len(started)}"
        directory.mkdir()
        one = proc.Daemon(directory, sections or proc.base(authority), **more)
        started.append(one)
        request.node.flow_logs = getattr(request.node, "flow_logs", []) + [one.log_file]
        return one.wait_ready() if ready else one

    yield start
    for one in started:
        one.kill()


@pytest.fixture
def watched(daemon, base, home):
    """Starts a Postern with metrics and a control socket: watched(backend=..., section={...})."""
    def start(*positional, **named):
        one = Watched(daemon, base, home, *positional, **named)
        until(lambda: one.daemon.monitors(), "a monitor")
        return one
    return start


@pytest.fixture
def base(authority):
    return lambda *positional, **named: proc.base(authority, *positional, **named)


@pytest.fixture
def backend():
    """Starts a scripted server: backend(fake.Server(...))."""
    started = []

    def start(serve=None, **more):
        started.append(fake.Backend(serve, **more))
        return started[-1]

    yield start
    for one in started:
        one.stop()
    errors = [error for one in started for error in one.errors]
    assert not errors, errors


@pytest.fixture
def keep(request, home):
    """A real server that was started: its log is shown where the test fails, and it is stopped,
    before its directory goes."""
    started = []

    def keep_one(one):
        started.append(one)
        request.node.flow_logs = getattr(request.node, "flow_logs", []) + [one.log_file]
        return one

    yield keep_one
    for one in started:
        one.stop()


@pytest.fixture
def start_postfix(keep, home):
    if not postfix_.RUNS:
        pytest.skip(postfix_.WHY_NOT)
    numbers = itertools.count()
    return lambda **settings: keep(postfix_.Postfix(home / f"postfix-{next(numbers)}", settings))


@pytest.fixture
def postfix(start_postfix):
    """A Postfix that takes mail for mail.test."""
    return start_postfix()


@pytest.fixture
def start_backend(keep, home):
    """Starts a real server of lib/backends.py: start_backend("exim", "proxy", relays_for="local")."""
    def start(name, setup, **more):
        if name == "postfix" and not postfix_.RUNS:
            pytest.skip(postfix_.WHY_NOT)
        try:
            return keep(backends.ALL[name](home, setup, **more))
        except rooms.Unavailable as why:
            pytest.skip(f"{name}: {why}")

    return start


@pytest.fixture
def way(authority, tmp_path):
    """How a real client comes to a Postern: way(postern, "implicit")."""

    def to(one, tls, listener=None):
        return clients.Way(one.address(listener), tls, authority.file, tmp_path)

    return to


@pytest.fixture
def sink(request, tmp_path):
    """Starts a postern-sink: sink("--option", ...)."""
    if not SINK.exists():
        pytest.fail(f"{SINK} is not built")
    started = []

    def start(*options):
        one = Sink(tmp_path / f"sink-{len(started)}", *options)
        started.append(one)
        request.node.flow_logs = getattr(request.node, "flow_logs", []) + [one.transcript_file]
        return one

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def down():
    """An address that refuses connections."""
    port = Port()
    yield port.address
    port.close()

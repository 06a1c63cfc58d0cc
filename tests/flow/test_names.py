"""Servers by name: looked up by the master, at start and again, while workers serve on."""

import signal
import subprocess

import pytest

from lib import mail
from lib.basics import AS_ROOT, POSTERN, text_of
from lib.client import tls_client

pytestmark = pytest.mark.skipif(not AS_ROOT, reason="needs root: a hosts file of its own")


class Hosts:
    """A hosts(5) file in the place of the system's, for one process and its children."""

    def __init__(self, path):
        self.path = path
        self.within = ("unshare", "--mount", "sh", "-c",
                       'mount --bind "$0" /etc/hosts && exec "$@"', path)

    def set(self, **names):
        """The same file, as another one would not be seen: name=[addresses]."""
        lines = [f"{address} {name.replace('_', '.')}\n"
                 for name, addresses in names.items() for address in addresses]
        with self.path.open("r+" if self.path.exists() else "w") as file:
            file.write("127.0.0.1 localhost\n" + "".join(lines))
            file.truncate()


@pytest.fixture
def hosts(home):
    one = Hosts(home / "hosts")
    one.set()
    return one


def deliver(proxy, number=1):
    with tls_client(proxy.address()) as client:
        client.greet()
        assert client.deliver(mail.stuffed(mail.numbered(number))).code == 250
        client.quit()


def options(**more):
    return {"backend mta": more}


def test_a_name_and_its_new_address(hosts, postern, backend):
    mta = backend()
    port = mta.address[1]
    hosts.set(mx_test=["127.0.0.1"])
    proxy = postern(backend=f"mx.test:{port}", within=hosts.within,
                    sections=options(resolve="1s"))
    deliver(proxy)
    assert proxy.wait_events("name-found")[0]["address"] == f"127.0.0.1:{port}"
    assert proxy.sessions(1)[0]["server"] == f"mx.test:{port}"
    workers = proxy.worker_pids()
    hosts.set(mx_test=["127.0.0.2"])
    assert proxy.wait_events("name-found", 2)[1]["address"] == f"127.0.0.2:{port}"
    with tls_client(proxy.address()) as client:
        client.expect("421 4.3.2")
    hosts.set(mx_test=["127.0.0.1"])
    proxy.wait_events("name-found", 3)
    deliver(proxy)
    assert set(workers) <= set(proxy.worker_pids())


def test_all_addresses_are_tried(hosts, postern, backend):
    mta = backend()
    hosts.set(mx_test=["::1", "127.0.0.3", "127.0.0.2", "127.0.0.1"])
    proxy = postern(backend=f"mx.test:{mta.address[1]}", within=hosts.within)
    for number in range(3):
        deliver(proxy, number)
    tries = [int(session.get("failovers", 0)) for session in proxy.sessions(3)]
    assert tries[0] <= 1 and tries[1:] == [0, 0]


def test_a_name_that_comes_later(hosts, postern, backend):
    """Postern starts, says what is missing, and serves as soon as the name is there."""
    mta = backend()
    server = f"mx.test:{mta.address[1]}"
    proxy = postern(backend=server, within=hosts.within, sections=options(resolve="1s"))
    assert proxy.wait_events("name-missing")[0]["server"] == server
    with tls_client(proxy.address()) as client:
        client.expect("421 4.3.2")
        client.ends()
    hosts.set(mx_test=["127.0.0.1"])
    proxy.wait_events("name-found")
    deliver(proxy)
    assert proxy.reasons(2) == ["backend-down", "quit"]


def test_a_name_that_is_lost_is_used_further(hosts, postern, backend):
    """Over a reload, too."""
    mta = backend()
    hosts.set(mx_test=["127.0.0.1"])
    proxy = postern(backend=f"mx.test:{mta.address[1]}", within=hosts.within,
                    sections=options(resolve="1s"))
    deliver(proxy)
    hosts.set()
    assert "used further" in proxy.wait_events("name-missing")[0]["message"]
    deliver(proxy)
    proxy.process.send_signal(signal.SIGHUP)
    proxy.wait_events("reloaded")
    deliver(proxy)
    assert len(proxy.events("name-missing")) == 1
    assert proxy.reasons(3) == ["quit"] * 3


def test_one_of_several_is_missing(hosts, postern, backend):
    mta = backend()
    proxy = postern(backend=f"nobody.test:25, {text_of(mta.address)}", within=hosts.within)
    for number in range(3):
        deliver(proxy, number)
    assert {session["server"] for session in proxy.sessions(3)} == {text_of(mta.address)}


def test_check_warns_of_a_name(hosts, postern, backend):
    mta = backend()
    proxy = postern(backend=mta.address)
    for server, warned in (("nobody.test:25", True), ("localhost:25", False)):
        done = subprocess.run(
            (*hosts.within, POSTERN, "-c", proxy.file, "-D", f"backend mta.server={server}",
             "check"), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert (f"server = {server}: the name is not found" in done.stderr) == warned

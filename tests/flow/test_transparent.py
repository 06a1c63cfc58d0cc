"""
identity = transparent between three machines, set up as docs/configuration.md says: the server sees
the client's own address, and its answers come back. Postern has CAP_NET_RAW, and nothing else.
"""

import os
import re
import shutil

import pytest

from lib import fake, network
from lib.basics import ROOT
from lib.client import Client

WHY_NOT = network.why_not()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))

CLIENT, SERVER = {4: "192.0.2.10", 6: "2001:db8:1::10"}, {4: "198.51.100.25", 6: "2001:db8:2::25"}
OUTSIDE, INSIDE = {4: "192.0.2.1", 6: "2001:db8:1::1"}, {4: "198.51.100.1", 6: "2001:db8:2::1"}
BITS = {4: 24, 6: 64}
CAP_NET_RAW = 1 << 13


def commands(family):
    """Those of the page, by the machine that they are for."""
    page = (ROOT / "docs/configuration.md").read_text()
    part = page[page.index("`transparent` needs CAP_NET_RAW"):page.index("A PROXY header is the first")]
    for line in re.findall(r"^    (ip .*)$", part, re.M):
        if line.startswith("ip -6 ") == (family == 6):
            yield ("server" if "POSTERN" in line else "postern",
                   line.replace("POSTERN", INSIDE[family]).replace("SERVER", SERVER[family]))


@pytest.fixture
def hosts():
    made = {name: network.Host() for name in ("client", "postern", "server")}
    for name, own, others in (("client", OUTSIDE, CLIENT), ("server", INSIDE, SERVER)):
        made["postern"].join(made[name], name[:6],
                             *([f"{ends[family]}/{BITS[family]}" for family in (4, 6)]
                               for ends in (own, others)))
    yield made
    for host in made.values():
        host.close()


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file)


def without_root(home, configured):
    """What starts it as nobody with CAP_NET_RAW, as a unit with AmbientCapabilities= would."""
    for option in ("chain", "key"):
        copy = shutil.copy(configured["certificate ecdsa"][option], home / option)
        shutil.chown(copy, "nobody")
        os.chmod(copy, 0o600)
        configured["certificate ecdsa"][option] = copy
    return lambda words: ["setpriv", "--reuid=nobody", "--clear-groups", "--inh-caps=-all,+net_raw",
                          "--ambient-caps=-all,+net_raw", "--bounding-set=-all,+net_raw", *words]


@pytest.mark.parametrize("started", ["as-root", "as-nobody"])
@pytest.mark.parametrize("family", [4, 6])
def test_between_machines(family, started, hosts, daemon, base, home):
    server = hosts["server"].do(fake.Backend, address=(SERVER[family], 25))
    configured = base(("[%s]" % SERVER[6] if family == 6 else SERVER[4], 25), workers=1)
    configured["backend mta"] |= {"identity": "transparent", "connect_timeout": "2s"}
    address = "[%s]:0" % OUTSIDE[6] if family == 6 else "%s:0" % OUTSIDE[4]
    configured["listener smtps"]["address"] = address
    more = {"wrap": without_root(home, configured)} if started == "as-nobody" else {}
    one = hosts["postern"].do(daemon, configured, **more)

    # The answers do not find their way.
    with hosts["client"].do(Client, one.address()) as client:
        client.handshake()
        client.ends("421 4.3.2 ")
    for host, command in commands(family):
        hosts[host].run(command)
    with hosts["client"].do(Client, one.address()) as client:
        client.handshake()
        client.greet()
        assert client.deliver(b"Subject: x\r\n\r\n" + 100000 * b"x\r\n" + b".\r\n").code == 250
        peers = [talk.socket.getpeername() for talk in server.talks if not talk.is_over]
        assert [peer[0] for peer in peers] == [CLIENT[family]]
        client.quit()

    for pid in one.workers():
        status = status_of(pid)
        assert "0" not in status["Uid"].split("\t")
        assert [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")] == (
            [CAP_NET_RAW, CAP_NET_RAW, 0, 0])
    for pid in one.monitors():
        assert int(status_of(pid)["CapPrm"], 16) == 0
    assert one.stop() == 0
    server.stop()
    assert not server.errors, server.errors


def test_nobody_without_the_capability(daemon, base, home):
    """It does not start, and says what it lacks."""
    configured = base(workers=1)
    configured["backend mta"]["identity"] = "transparent"
    start = without_root(home, configured)
    one = daemon(configured, ready=False,
                 wrap=lambda words: [word.replace("+net_raw", "-net_raw") for word in start(words)])
    assert one.wait_end() == 2
    assert "identity = transparent needs CAP_NET_RAW: add it to AmbientCapabilities=" in one.log()

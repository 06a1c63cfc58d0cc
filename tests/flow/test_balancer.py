"""A balancer in front that announces its clients by the PROXY protocol: HAProxy, and bytes by hand.
How headers are read is the unit tests' (test_smtp_announce)."""

import itertools
import socket
import struct
import subprocess

import pytest

from lib import fake, processes
from lib.basics import PATIENCE_S, Port, until
from lib.client import Client
from lib.proxyheader import ProxyServer
from proc import Daemon, base

TEXT = b"Subject: x\r\n\r\nx\r\n.\r\n"
BARE = b"Subject: x\r\n\r\nx\ny\r\n.\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
HERE = {"proxy_protocol": "127.0.0.1, ::1"}


def binary(command, family, body=b""):
    return SIGNATURE + bytes((0x20 | command, family)) + struct.pack(">H", len(body)) + body


def v4(source, fields=b""):
    return binary(1, 0x11, socket.inet_aton(source) + socket.inet_aton("127.0.0.1") +
                  struct.pack(">HH", 4444, 465) + fields)


def v6(source):
    return binary(1, 0x21, socket.inet_pton(socket.AF_INET6, source) + bytes(15) + b"\1" +
                  struct.pack(">HH", 5555, 465))


LINE = b"PROXY TCP4 192.0.2.1 127.0.0.1 4444 465\r\n"
LOCAL = binary(0, 0)
HEADERS = {
    "v1": (LINE, "192.0.2.1:4444"),
    "v1-ipv6": (b"PROXY TCP6 2001:db8::9 ::1 5555 465\r\n", "[2001:db8::9]:5555"),
    "v2": (v4("192.0.2.1"), "192.0.2.1:4444"),
    "v2-ipv6": (v6("2001:db8::9"), "[2001:db8::9]:5555"),
    "v2-fields": (v4("192.0.2.1", b"\4\0\0\xea\2\0" + bytes(512)), "192.0.2.1:4444"),
    "v2-unix": (binary(1, 0x31, b"/run/x".ljust(216, b"\0")), "unix:"),
}
NOBODY = {"v1-unknown": b"PROXY UNKNOWN\r\n", "v2-local": LOCAL, "v2-unspec": binary(1, 0)}


class Brought(Client):
    """A client that a balancer brings: the header goes in front of the first bytes it sends."""

    def __init__(self, address, header, local=None):
        self.header = header
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(PATIENCE_S)
            self.socket.connect(address)
            self.tls, self.ended, self._buffer = None, None, b""
        elif local:
            self.socket = socket.create_connection(address, PATIENCE_S, (local, 0))
            self.tls, self.ended, self._buffer = None, None, b""
        else:
            super().__init__(address)

    def begin(self, tls, pieces=None):
        """To an established TLS."""
        if tls == "implicit":
            return self.handshake(pieces=pieces)
        for at in range(0, len(self.header), pieces or len(self.header)):
            self.socket.sendall(self.header[at : at + (pieces or len(self.header))])
        self.header = b""
        return self.starttls()

    def _flush(self, pieces=None):
        if self.header and (waiting := self._outgoing.read()):
            self._outgoing.write(self.header + waiting)
            self.header = b""
        super()._flush(pieces)


def deliver(client, tls):
    if tls == "implicit":
        client.expect(220)
    client.command("EHLO client.test", 250)
    assert client.deliver(TEXT).code == 250
    client.quit()


def start(postern, backend, tls, listener=HERE, **more):
    server = backend(fake.Server())
    return server, postern(backend=server.address, tls=tls, listener=listener, **more)


@pytest.mark.parametrize("pieces", [None, 1])
@pytest.mark.parametrize("tls", ["implicit", "required", "optional"])
def test_header_and_what_follows(tls, pieces, postern, backend):
    _, proxy = start(postern, backend, tls)
    for header, _ in HEADERS.values():
        with Brought(proxy.address(), header) as client:
            port = client.port
            deliver(client.begin(tls, pieces), tls)
    sessions = proxy.sessions(len(HEADERS))
    assert [one["client"] for one in sessions] == [client for _, client in HEADERS.values()]
    assert sessions[-1]["via"] == f"127.0.0.1:{port}"
    assert {one["reason"] for one in sessions} == {"quit"}


@pytest.mark.parametrize("tls", ["implicit", "required"])
def test_a_balancer_for_itself(tls, postern, backend):
    _, proxy = start(postern, backend, tls)
    for count, header in enumerate(NOBODY.values(), 1):
        with Brought(proxy.address(), header) as client:
            port = client.port
            deliver(client.begin(tls), tls)
        session = proxy.sessions(count)[-1]
        assert session["client"] == f"127.0.0.1:{port}" and "via" not in session


def test_balancer_on_a_unix_socket(postern, backend, home):
    path = str(home / "postern.sock")
    _, proxy = start(postern, backend, "implicit",
                     {"address": f"unix:{path}", "proxy_protocol": "unix"})
    with Brought(path, v4("192.0.2.1")) as client:
        deliver(client.begin("implicit"), "implicit")
    session = proxy.sessions(1)[0]
    assert (session["client"], session["via"]) == ("192.0.2.1:4444", "unix:")


REFUSED = {
    "proxy-missing": [b"EHLO client.test\r\n", b"\x16\x03\x01\x02\0\1", b"GET / HTTP/1.0\r\n\r\n",
                      b"PROXX"],
    "proxy-malformed": [b"PROXY TCP4 192.0.2.1 127.0.0.1 4444\r\n", b"PROXY " + b"x" * 101,
                        binary(1, 0x12, bytes(12)), v4("192.0.2.1", b"\3\0\4\0\0\0\0"),
                        SIGNATURE + b"\x21\x11\xff\xff"],
}


@pytest.mark.parametrize("tls", ["implicit", "required"])
def test_what_is_no_header(tls, postern, backend):
    server, proxy = start(postern, backend, tls)
    count = 0
    for reason, rows in REFUSED.items():
        for row in rows:
            with Client(proxy.address()) as client:
                client.send(row)
                client.ends()
            count += 1
            assert proxy.sessions(count)[-1]["reason"] == reason, row
    assert not server.talks


def test_connections_that_end_first(postern, backend):
    _, proxy = start(postern, backend, "implicit")
    for count, (part, reason) in enumerate((
            (b"", "proxy-missing"), (LINE[:20], "proxy-malformed"),
            (v4("192.0.2.1")[:20], "proxy-malformed"), (LINE, "handshake-failed")), 1):
        with Client(proxy.address()) as client:
            if part:
                client.send(part)
            client.socket.shutdown(socket.SHUT_WR)
            client.rest()
        session = proxy.sessions(count)[-1]
        assert session["reason"] == reason
    assert session["client"] == "192.0.2.1:4444"


@pytest.mark.parametrize("header", [b"", LINE, v4("192.0.2.1")])
def test_connection_of_a_stranger(header, postern, backend):
    _, proxy = start(postern, backend, "required")
    with Brought(proxy.address(), b"", local="127.0.0.2") as client:
        if header:
            client.send(header)
        client.ends()
    session = proxy.sessions(1)[0]
    assert session["reason"] == "proxy-stranger" and session["client"].startswith("127.0.0.2:")


@pytest.mark.parametrize("part", [b"", LINE[:-1], v4("192.0.2.1")[:-1]])
def test_header_that_is_late(part, postern, backend):
    _, proxy = start(postern, backend, "required", timeouts={"handshake": "1s"})
    with Client(proxy.address()) as client:
        if part:
            client.send(part)
        before = processes.cpu_s(proxy.pids())
        client.ends()
        assert processes.cpu_s(proxy.pids()) - before < 0.3, "it spins"
    assert proxy.reasons(1) == ["proxy-timeout"]


def test_handshake_behind_the_header_is_late(postern, backend):
    _, proxy = start(postern, backend, "implicit", timeouts={"handshake": "1s"})
    with Client(proxy.address()) as client:
        client.send(LINE)
        client.ends()
    assert proxy.reasons(1) == ["handshake-timeout"]


def test_bytes_behind_the_header_are_the_clients(postern, backend):
    _, proxy = start(postern, backend, "required")
    with Client(proxy.address()) as client:
        client.send(LINE + b"EHLO client.test\r\n")
        client.ends("554 5.5.1 ")
    assert proxy.reasons(1) == ["early-talker"]


def test_the_announced_address_is_judged(postern, backend):
    server, proxy = start(
        postern, backend, "implicit", HERE | {"networks": "192.0.2.0/24"},
        policy={"normalize_networks": "192.0.2.128/25"})
    with Brought(proxy.address(), v4("198.51.100.1")) as client:
        client.begin("implicit").ends("554 5.7.1 ")
    for source, code in (("192.0.2.1", 550), ("192.0.2.200", 250)):
        with Brought(proxy.address(), v4(source)) as client:
            client.begin("implicit").greet()
            assert client.deliver(BARE).code == code
    assert len(server.talks) == 2
    assert proxy.reasons(3)[0] == "network-refused"


@pytest.mark.parametrize("version", [1, 2])
def test_the_announced_address_is_told_on(version, postern, backend):
    server = backend(ProxyServer(version))
    proxy = postern(backend=server.address, listener=HERE,
                    sections={"backend mta": {"identity": f"proxy-v{version}"}})
    for number, source in enumerate(("192.0.2.1", "2001:db8::9")):
        header = v6(source) if ":" in source else v4(source)
        with Brought(proxy.address(), header) as client:
            deliver(client.begin("implicit"), "implicit")
        assert server.talk(number).header.client == (source, 5555 if ":" in source else 4444)


def test_limits_are_for_the_announced(postern, backend):
    """Not for the balancer, nor for what it does for itself."""
    _, proxy = start(postern, backend, "required", sections={
        "limits": {"sessions_per_ip": 1, "rate_per_ip": "0", "exempt": ""}})
    held = [Brought(proxy.address(), header)
            for header in (v4("192.0.2.1"), v4("192.0.2.2"), LOCAL, LOCAL)]
    for client in held:
        client.send_raw(client.header)
        client.expect(220)
    with Client(proxy.address()) as client:
        client.send(v4("192.0.2.1"))
        client.ends("421 4.7.0 ")
    refused = [(one["client"], one["reason"]) for one in proxy.events("refused")]
    assert refused == [("192.0.2.1:4444", "address-sessions")]
    for client in held:
        client.close()


def test_stop_while_a_header_is_due(authority, tmp_path):
    sections = base(authority) | {"timeouts": {"drain": "200ms"}}
    sections["listener smtps"]["proxy_protocol"] = "127.0.0.1"
    daemon = Daemon(tmp_path, sections)
    try:
        with Client(daemon.wait_ready().address()) as client:
            client.send(LINE[:10])
            daemon.wait_open(1)
            assert daemon.stop() == 0
        assert daemon.events("session")[0]["reason"] == "drain-timeout"
    finally:
        daemon.kill()


# ------------------------------------------------------------------------------------- HAProxy

HAPROXY = """
global
  noreuseport
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
"""


class HaProxy:
    """One entrance for each of `ways`: {name: (Postern's address, options of its server line)}."""

    def __init__(self, directory, ways):
        self.ports = {name: Port() for name in ways}
        text = HAPROXY
        for name, (address, options) in ways.items():
            port = self.ports[name].number
            text += (f"listen {name}\n  bind 127.0.0.1:{port}\n  bind [::1]:{port}\n"
                     f"  server postern {address[0]}:{address[1]} {options}\n")
        (directory / "haproxy.cfg").write_text(text)
        self.process = subprocess.Popen(("haproxy", "-db", "-f", directory / "haproxy.cfg"),
                                        stdin=subprocess.DEVNULL)
        for name in ways:
            until(lambda name=name: self._listens(name), "HAProxy listens")

    def _listens(self, name):
        assert self.process.poll() is None
        with open("/proc/net/tcp6") as table:
            return any(f":{self.ports[name].number:04X} " in line for line in table)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        for port in self.ports.values():
            port.close()


VERSIONS = {
    "v1": "send-proxy",
    "v2": "send-proxy-v2",
    "v2-fields": "send-proxy-v2 proxy-v2-options crc32c,unique-id",
}


def test_haproxy_in_front(postern, backend, tmp_path):
    server = backend(fake.Server())
    proxy = postern(backend=server.address, listeners={
        tls: {"tls": tls} | HERE for tls in ("implicit", "required")})
    ways = list(itertools.product(("implicit", "required"), VERSIONS))
    haproxy = HaProxy(tmp_path, {f"{tls}-{version}": (proxy.address(tls), VERSIONS[version])
                                 for tls, version in ways})
    try:
        count = 0
        for tls, version in ways:
            port = haproxy.ports[f"{tls}-{version}"].number
            for host, local in (("127.0.0.1", "127.0.0.9"), ("::1", "::1")):
                with Brought((host, port), b"", local=local) as client:
                    own = client.socket.getsockname()
                    if tls == "implicit":
                        client.handshake()
                    else:
                        client.starttls()
                    deliver(client, tls)
                count += 1
                session = proxy.sessions(count)[-1]
                told = f"[{own[0]}]" if ":" in own[0] else own[0]
                assert session["client"] == f"{told}:{own[1]}", (tls, version)
                assert session["via"].startswith("127.0.0.1:")
    finally:
        haproxy.stop()


def test_haproxy_that_checks(postern, backend, tmp_path):
    """Its health checks come with LOCAL, and end behind the greeting."""
    _, proxy = start(postern, backend, "required")
    check = ("send-proxy-v2 check check-send-proxy inter 100ms")
    haproxy = HaProxy(tmp_path, {"one": (proxy.address(), check)})
    try:
        sessions = proxy.sessions(3)
    finally:
        haproxy.stop()
    assert {one["reason"] for one in sessions} <= {"client-closed", "client-lost"}
    assert not any("via" in one for one in sessions)

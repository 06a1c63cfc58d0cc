"""The PROXY protocol's headers, read as a server reads them, in a scripted server."""

import ipaddress
import struct

from .fake import Server

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
TLVS = {0x01: "alpn", 0x02: "authority", 0x05: "unique_id", 0x20: "ssl",
        0x21: "version", 0x22: "cn", 0x23: "cipher"}


def tlvs(data):
    found = {}
    while data:
        kind, length = struct.unpack("!BH", data[:3])
        found[TLVS[kind]] = data[3 : 3 + length]
        assert len(data) >= 3 + length
        data = data[3 + length :]
    return found


class Header:
    """What a header says. `ssl` is None, or (client, verify, {TLV: bytes})."""

    def __init__(self, talk, version):
        self.command, self.client, self.local, self.tlvs, self.ssl = "proxy", None, None, {}, None
        (self._read_v1 if version == 1 else self._read_v2)(talk)

    def _read_v1(self, talk):
        self.line = talk.line()
        assert len(self.line) + 2 <= 107
        words = self.line.split(" ")
        assert words[0] == "PROXY"
        self.length = len(self.line) + 2
        if words[1] != "UNKNOWN":
            assert words[1] == f"TCP{ipaddress.ip_address(words[2]).version}"
            self.client, self.local = (words[2], int(words[4])), (words[3], int(words[5]))

    def _read_v2(self, talk):
        assert talk.read(12) == SIGNATURE
        command, family, length = struct.unpack("!BBH", talk.read(4))
        body = talk.read(length)
        self.length = 16 + length
        self.command = {0x20: "local", 0x21: "proxy"}[command]
        size = {0x00: 0, 0x11: 4, 0x21: 16}[family]
        if size:
            ends = ipaddress.ip_address(body[:size]), ipaddress.ip_address(body[size : 2 * size])
            ports = struct.unpack("!HH", body[2 * size : 2 * size + 4])
            self.client, self.local = ((str(end), port) for end, port in zip(ends, ports))
            self.tlvs = tlvs(body[2 * size + 4 :])
        if "ssl" in self.tlvs:
            client, verify = struct.unpack("!BI", self.tlvs["ssl"][:5])
            self.ssl = client, verify, tlvs(self.tlvs["ssl"][5:])


class ProxyServer(Server):
    """Waits for a header, as Postfix and others do; it is talk.header."""

    def __init__(self, version, **more):
        super().__init__(**more)
        self.version = version

    def __call__(self, talk):
        talk.header = Header(talk, self.version)
        super().__call__(talk)

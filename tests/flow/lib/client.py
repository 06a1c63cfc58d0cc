"""An SMTP client that does what real ones never would: it decides each record and each packet."""

import socket
import ssl
import struct

from .basics import PATIENCE_S

RECORD_BYTES = 16384


def lenient_context(**settings):
    """A context that checks no certificate, for tests of other things."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for name, value in settings.items():
        setattr(context, name, value)
    return context


class Reply:
    def __init__(self, lines):
        self.lines = lines
        self.code = int(lines[-1][:3])
        self.text = "\n".join(lines)

    def __repr__(self):
        return self.text

    @property
    def keywords(self):
        """Of an answer to EHLO: all lines but the first, less the code."""
        return [line[4:] for line in self.lines[1:]]


class Client:
    """A connection, plain at first. Whatever waits, waits at most PATIENCE_S."""

    _knocked = 0

    def __init__(self, address, receive_buffer=None, source=None):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(PATIENCE_S)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect(address)
        self.port = self.socket.getsockname()[1]
        self.tls = None
        self.ended = None
        """How the peer ended: "close_notify", "fin" or "reset"; None while it has not."""
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # TLS.

    def knock(self):
        """The first byte of a handshake: silent connections may reach Postern a second later."""
        self.socket.sendall(b"\x16")
        self._knocked = 1
        return self

    def handshake(self, context=None, sni="mail.test", pieces=None, session=None):
        """A whole handshake. With `pieces`, what is sent goes out in packets of so many bytes."""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or lenient_context()).wrap_bio(
            self._incoming, self._outgoing, server_hostname=sni, session=session)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush(pieces)
                if not self._receive():
                    raise ConnectionError(f"the handshake met {self.ended}") from None
            except ssl.SSLError:
                self._flush()
                raise
        self._flush(pieces)
        return self

    def hello_bytes(self, context=None, sni="mail.test"):
        """A ClientHello, not sent."""
        outgoing = ssl.MemoryBIO()
        tls = (context or lenient_context()).wrap_bio(ssl.MemoryBIO(), outgoing,
                                                      server_hostname=sni)
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return outgoing.read()

    def starttls(self, ehlo="client.test", **more):
        """From the greeting on, to an established TLS."""
        self.expect(220)
        self.command(f"EHLO {ehlo}", 250)
        self.command("STARTTLS", 220)
        return self.handshake(**more)

    def close_notify(self):
        """Says that nothing will follow; does not wait for the same from the peer."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self._flush()

    def _flush(self, pieces=None):
        waiting = self._outgoing.read()[self._knocked :]
        self._knocked = 0
        step = pieces or max(len(waiting), 1)
        for at in range(0, len(waiting), step):
            self.socket.sendall(waiting[at : at + step])

    def _receive(self):
        """Puts what comes into the TLS machine; false at the end."""
        try:
            got = self.socket.recv(65536)
        except ConnectionResetError:
            self.ended = "reset"
            return False
        if not got:
            self.ended = "fin"
            self._incoming.write_eof()
            return False
        self._incoming.write(got)
        return True

    # Bytes.

    def send(self, *records):
        """Each argument is a TLS record (or several, over 16 KiB); all leave together."""
        if self.tls:
            for record in records:
                self.tls.write(record)
            self._flush()
        else:
            self.socket.sendall(b"".join(records))

    def send_until_stuck(self, data, seconds=0.5):
        """Sends until the peer takes nothing for so long; how much of the data it was given."""
        self.socket.settimeout(seconds)
        for at in range(0, len(data), RECORD_BYTES):
            self.tls.write(data[at : at + RECORD_BYTES])
            left = self._outgoing.read()
            while left:
                try:
                    left = left[self.socket.send(left) :]
                except TimeoutError:
                    self._outgoing.write(left)
                    self.socket.settimeout(PATIENCE_S)
                    return at + RECORD_BYTES
        raise AssertionError("the peer took all of it")

    def send_raw(self, data):
        """Past TLS."""
        self.socket.sendall(data)

    def read(self):
        """Some bytes; b"" at the end, and `ended` says which."""
        if self.ended:
            return b""
        if not self.tls:
            try:
                got = self.socket.recv(65536)
            except ConnectionResetError:
                self.ended = "reset"
                return b""
            if not got:
                self.ended = "fin"
            return got
        while True:
            try:
                got = self.tls.read(65536)
                if not got:
                    self.ended = "close_notify"
                return got
            except ssl.SSLWantReadError:
                self._flush()
                if not self._receive():
                    return b""
            except ssl.SSLZeroReturnError:
                self.ended = "close_notify"
                return b""
            except ssl.SSLEOFError:
                return b""

    def line(self):
        while b"\r\n" not in self._buffer:
            got = self.read()
            if not got:
                raise ConnectionError(f"{self.ended} after {self._buffer!r}")
            self._buffer += got
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line.decode(errors="backslashreplace")

    def rest(self):
        """Everything up to the end."""
        while got := self.read():
            self._buffer += got
        rest, self._buffer = self._buffer, b""
        return rest.decode(errors="backslashreplace")

    # SMTP.

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return Reply(lines)

    def expect(self, code):
        """The next reply, which must have the code; or must begin with the text."""
        reply = self.reply()
        assert reply.text.startswith(str(code)), f"expected {code}, came {reply}"
        return reply

    def command(self, line, code=None):
        self.send(line.encode() + b"\r\n")
        return self.expect(code) if code else self.reply()

    def greet(self, ehlo="client.test"):
        """Greeting and EHLO, of which the reply is returned."""
        self.expect(220)
        return self.command(f"EHLO {ehlo}", 250)

    def envelope(self, sender="sender@client.test", recipient="box@mail.test"):
        self.command(f"MAIL FROM:<{sender}>", 250)
        self.command(f"RCPT TO:<{recipient}>", 250)

    def deliver(self, text, **envelope):
        """A message by DATA, text as mail.stuffed() makes it; the verdict."""
        self.envelope(**envelope)
        self.command("DATA", 354)
        self.send(text)
        return self.reply()

    def quit(self):
        self.command("QUIT", 221)
        self.rest()
        self.close()

    def ends(self, text=""):
        """The peer says the text (its beginning), then ends in order."""
        rest = self.rest()
        assert rest.startswith(text) and (text or not rest), f"expected {text!r}, came {rest!r}"
        assert self.ended in ("close_notify", "fin"), self.ended

    # Ends.

    def close(self):
        """FIN, and no close_notify before it."""
        self.socket.close()

    def reset(self):
        """RST: what a crashed client's system sends."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def tls_client(address, **more):
    """A client of an implicit TLS port, after the handshake."""
    return Client(address).handshake(**more)

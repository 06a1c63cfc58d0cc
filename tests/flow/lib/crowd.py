"""Many clients and a server for them, in one event loop: for hundreds of sessions."""

import asyncio
import collections
import contextlib
import hashlib
import socket

from .basics import PATIENCE_S
from .client import lenient_context

READ_AT_ONCE = 4096


async def gather_bounded(coroutines, at_once):
    """Like asyncio.gather, with so many under way at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(coroutine):
        async with gate:
            return await coroutine

    return await asyncio.gather(*map(one, coroutines))


class Mta:
    """
    Takes messages, and keeps the digest of each. While `open` is not set it reads no text after its
    354: what the clients send stays where it is.
    """

    def __init__(self):
        self.digests = collections.Counter()
        self.open = asyncio.Event()
        self.open.set()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ_AT_ONCE)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(1024)
        self.address = self._listener.getsockname()
        self._writers = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, sock=self._listener,
                                                  limit=READ_AT_ONCE)
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._talk(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _talk(self, reader, writer):
        writer.write(b"220 crowd.test ESMTP\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250-crowd.test\r\n250 PIPELINING\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await self.open.wait()
                self.digests[await self._text_digest(reader)] += 1
                writer.write(b"250 2.0.0 taken\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 2.0.0 bye\r\n")
                return
            else:
                writer.write(b"250 2.0.0 ok\r\n")

    async def _text_digest(self, reader):
        """No dot begins a line of what the clients here send, and nothing follows the last."""
        sha, tail = hashlib.sha256(), b""
        while not tail.endswith(b"\r\n.\r\n"):
            got = await reader.read(65536)
            if not got:
                raise ConnectionError("ended in a message")
            tail += got
            sha.update(tail[:-5])
            tail = tail[-5:]
        sha.update(b"\r\n")
        return sha.hexdigest()


class Session:
    """A client's session over TLS."""

    def __init__(self, address):
        self.address = address
        self.sent_bytes = 0

    async def open(self):
        self.reader, self.writer = await asyncio.wait_for(
            asyncio.open_connection(*self.address, ssl=CONTEXT, server_hostname="mail.test"),
            PATIENCE_S)
        await self.reply(220)
        await self.command("EHLO client.test", 250)
        return self

    async def reply(self, code):
        while True:
            line = await asyncio.wait_for(self.reader.readline(), PATIENCE_S)
            if not line.endswith(b"\r\n"):
                raise ConnectionError(f"ended after {line}")
            if line[3:4] == b" ":
                assert line.startswith(b"%d" % code), f"expected {code}, came {line}"
                return

    async def command(self, line, code):
        self.writer.write(line.encode() + b"\r\n")
        await self.reply(code)

    async def envelope(self):
        await self.command("MAIL FROM:<sender@client.test>", 250)
        await self.command("RCPT TO:<box@mail.test>", 250)
        await self.command("DATA", 354)

    async def text(self, text):
        """In pieces, each when there is room for it."""
        for at in range(0, len(text), 16384):
            piece = text[at : at + 16384]
            self.writer.write(piece)
            await self.writer.drain()
            self.sent_bytes += len(piece)

    async def deliver(self, text):
        await self.envelope()
        await self.text(text + b".\r\n")
        await self.reply(250)

    def abort(self):
        self.writer.transport.abort()


CONTEXT = lenient_context()

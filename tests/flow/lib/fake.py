"""A mail server that does on command what real ones do once a year."""

import socket
import struct
import threading

from .basics import PATIENCE_S, until

KEYWORDS = ("PIPELINING", "SIZE 1000000", "8BITMIME", "CHUNKING", "ENHANCEDSTATUSCODES")


class Gone(Exception):
    """The peer ended; `Talk.ended` says how."""


class Talk:
    """One connection, as the fake server has it."""

    def __init__(self, connection):
        self.socket = connection
        connection.settimeout(PATIENCE_S)
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = bytearray()
        """Everything that ever came."""
        self.messages = []
        self.commands = []
        """As a Server has them."""
        self.ended = None
        """How the peer ended: "fin" or "reset"."""
        self.is_over = False
        """Both sides have ended."""
        self._at = 0

    def more(self):
        try:
            got = self.socket.recv(65536)
        except ConnectionResetError:
            self.ended = "reset"
            raise Gone from None
        if not got:
            self.ended = "fin"
            raise Gone
        self.received += got

    def read_to(self, end):
        """The next bytes, up to and with `end`."""
        seen = self._at
        while (found := self.received.find(end, seen)) < 0:
            seen = max(self._at, len(self.received) - len(end) + 1)
            self.more()
        start, self._at = self._at, found + len(end)
        return bytes(self.received[start : self._at])

    def line(self):
        return self.read_to(b"\r\n")[:-2].decode(errors="backslashreplace")

    def read(self, count):
        while len(self.received) < self._at + count:
            self.more()
        start, self._at = self._at, self._at + count
        return bytes(self.received[start : self._at])

    def unread(self):
        """What has come already behind what was asked for."""
        self.socket.setblocking(False)
        try:
            self.more()
        except BlockingIOError:
            pass
        self.socket.settimeout(PATIENCE_S)
        return bytes(self.received[self._at :])

    def wait_end(self):
        """Takes in all that comes until the peer ends."""
        try:
            while True:
                self.more()
        except Gone:
            pass

    def say(self, *lines):
        self.say_raw("".join(line + "\r\n" for line in lines).encode())

    def say_raw(self, data):
        try:
            self.socket.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            self.ended = "reset"
            raise Gone from None

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
        raise Gone

    def close(self):
        self.socket.close()
        raise Gone


class Server:
    """
    A plain SMTP server for Backend. What it answers to a verb is a line, a list of lines or a
    function of (talk, line); `greeting` and `text` (after 354) and `end` (of data) are verbs here.
    """

    def __init__(self, keywords=KEYWORDS, **answers):
        self.answers = {
            "greeting": "220 fake.test ESMTP",
            "HELO": "250 fake.test",
            "EHLO": self.ehlo,
            "DATA": "354 go on",
            "text": self.text,
            "end": "250 2.0.0 taken",
            "BDAT": self.bdat,
            "QUIT": self.quit,
        }
        self.keywords = keywords
        self.answers.update(answers)

    def __call__(self, talk):
        self.answer(talk, "greeting")
        while True:
            line = talk.line()
            talk.commands.append(line)
            verb = line.split(" ")[0].upper()
            said = self.answer(talk, verb, line)
            if verb == "DATA" and said == "354":
                self.answer(talk, "text")
                self.answer(talk, "end")

    def answer(self, talk, verb, line=""):
        answer = self.answers.get(verb, "250 2.0.0 ok")
        if callable(answer):
            return answer(talk, line)
        lines = [answer] if isinstance(answer, str) else answer
        talk.say(*lines)
        return lines[-1][:3]

    def offers(self, talk):
        """What it announces to that one."""
        return self.keywords

    def ehlo(self, talk, _):
        lines = ["fake.test", *self.offers(talk)]
        talk.say(*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}")

    def text(self, talk, _):
        start = talk._at
        if talk.read(3) != b".\r\n":
            talk._at = start
            talk.read_to(b"\r\n.\r\n")
        talk.messages.append(bytes(talk.received[start : talk._at - 3]))

    def bdat(self, talk, line):
        talk.chunks = getattr(talk, "chunks", b"") + talk.read(int(line.split(" ")[1]))
        if line.upper().endswith("LAST"):
            talk.messages.append(talk.chunks)
            talk.chunks = b""
        talk.say("250 2.0.0 octets taken")

    def quit(self, talk, _):
        talk.say("221 2.0.0 bye")
        talk.close()


class Backend:
    """Listens, and gives each connection to `serve` in a thread of its own."""

    def __init__(self, serve=None, receive_buffer=None, address=("127.0.0.1", 0)):
        self.serve = serve or Server()
        self.talks = []
        self.errors = []
        self._listener = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        if receive_buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._listener.bind(address)
        self._listener.listen(100)
        self.address = self._listener.getsockname()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            talk = Talk(connection)
            self.talks.append(talk)
            thread = threading.Thread(target=self._run, args=(talk,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, talk):
        try:
            self.serve(talk)
        except Gone:
            pass
        except Exception as error:  # shown by the test that asks
            self.errors.append(error)
        finally:
            talk.socket.close()
            talk.is_over = True

    def talk(self, number=0):
        """The connection of that number, once it is there."""
        until(lambda: len(self.talks) > number, f"connection {number} at the backend")
        return self.talks[number]

    def messages(self):
        return [message for talk in self.talks for message in talk.messages]

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for talk in self.talks:
            try:
                talk.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join(PATIENCE_S)

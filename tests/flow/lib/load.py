"""Clients that deliver message after message, each with a number of its own, and know which were taken."""

import threading

from . import mail
from .basics import until
from .client import tls_client


def numbered(number):
    """A message that can be told from all others, as it is sent."""
    return mail.stuffed(b"X-Number: " + number.encode() + b"\r\n" + mail.PLAIN)


class Sender(threading.Thread):
    """Sessions, one after the other, with so many messages each, until it is told to stop."""

    def __init__(self, address, name, messages):
        super().__init__(daemon=True)
        self.address, self.name, self.messages = address, name, messages
        self.over, self.told, self.sessions, self.errors = False, [], 0, []

    def _session(self):
        with tls_client(self.address) as client:
            client.greet()
            for _ in range(self.messages):
                number = f"{self.name}-{len(self.told)}"
                reply = client.deliver(numbered(number))
                assert reply.code == 250, reply
                self.told.append(number)
            client.quit()
        self.sessions += 1

    def run(self):
        while not self.over:
            try:
                self._session()
            except Exception as error:  # whatever it is, it is a session that was lost
                self.errors.append(repr(error))
                return


def numbers(messages):
    """Of the messages that a sink has, sorted."""
    found = []
    for text in messages:
        line = next(line for line in text.split(b"\r\n") if line.startswith(b"X-Number: "))
        found.append(line.split()[1].decode())
    return sorted(found)


class Load:
    """Some of them at a time, started; end() says what they have seen."""

    def __init__(self, address, senders=3, messages=3):
        self.senders = [Sender(address, f"sender{n}", messages) for n in range(senders)]
        for one in self.senders:
            one.start()
        self.wait(1)

    def sessions(self):
        return sum(one.sessions for one in self.senders)

    def errors(self):
        return [error for one in self.senders for error in one.errors]

    def wait(self, more):
        """So many sessions more have come to their end."""
        goal = self.sessions() + more
        until(lambda: self.errors() or self.sessions() >= goal, f"{goal} sessions")
        assert self.errors() == []

    def wait_each(self):
        """Each of them has begun and ended a session since: none is left of before."""
        goals = [(one, one.sessions + 2) for one in self.senders]
        until(lambda: self.errors() or all(one.sessions >= goal for one, goal in goals),
              "sessions of each")
        assert self.errors() == []

    def end(self, sink, others=()):
        """
        All sessions ended in order; each message that was taken, those of `others` with them, is
        there once, and no other.
        """
        for one in self.senders:
            one.over = True
        for one in self.senders:
            one.join()
        assert self.errors() == []
        assert numbers(sink.messages()) == sorted(
            [n for one in self.senders for n in one.told] + list(others))
        return self.sessions()

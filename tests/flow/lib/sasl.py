"""
A server of the Dovecot authentication protocol (doc.dovecot.org, "Authentication Protocol v1.2"):
what a Postfix without Cyrus SASL asks about AUTH PLAIN and LOGIN.
"""

import base64
import os
import socket
import threading


class Sasl:
    """Knows one user."""

    def __init__(self, path, user, password):
        self.user, self.password = user.encode(), password.encode()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        os.chmod(path, 0o666)
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection, connection.makefile("rwb") as stream:
            def say(*fields):
                stream.write(b"\t".join(fields) + b"\n")
                stream.flush()

            for line in (b"VERSION\t1\t2", b"MECH\tPLAIN\tplaintext", b"MECH\tLOGIN\tplaintext",
                         b"SPID\t1", b"CUID\t1", b"COOKIE\t" + b"0" * 32, b"DONE"):
                say(line)
            steps = {}
            for line in stream:
                fields = line.rstrip(b"\n").split(b"\t")
                if fields[0] == b"AUTH":
                    steps[fields[1]] = self._login() if fields[2] == b"LOGIN" else self._plain()
                    next(steps[fields[1]])
                    first = [field[5:] for field in fields if field.startswith(b"resp=")]
                    answer = b"" if not first else base64.b64decode(first[0])
                elif fields[0] == b"CONT":
                    answer = base64.b64decode(fields[2])
                else:
                    continue
                said = steps[fields[1]].send(answer)
                if isinstance(said, bool):
                    word = b"OK" if said else b"FAIL"
                    say(word, fields[1], b"user=" + self.user)
                else:
                    say(b"CONT", fields[1], base64.b64encode(said))

    def _plain(self):
        answer = (yield) or (yield b"")
        yield answer.split(b"\0")[1:] == [self.user, self.password]

    def _login(self):
        user = (yield) or (yield b"Username:")
        password = yield b"Password:"
        yield user == self.user and password == self.password

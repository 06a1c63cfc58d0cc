"""
Real clients, each with one function: send(way, message, login=None). A `Way` says where to and how
TLS is had. They check the certificate, and fail the test when the message is not taken.
"""

import base64
import os
import selectors
import smtplib
import ssl
import subprocess
import time

from . import mail
from .basics import PATIENCE_S, text_of

HOST = "mail.test"


class Way:
    def __init__(self, address, tls, ca, directory):
        """`tls` is "implicit" or "starttls"; `directory` is for the clients' own files."""
        self.address, self.tls, self.ca, self.directory = address, tls, ca, directory

    @property
    def implicit(self):
        return self.tls == "implicit"


class Login:
    def __init__(self, user, password, mechanism):
        self.user, self.password, self.mechanism = user, password, mechanism


def run(arguments, stdin=b""):
    done = subprocess.run(tuple(map(str, arguments)), input=stdin, capture_output=True,
                          timeout=3 * PATIENCE_S)
    output = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == 0, f"{arguments[0]} ended with {done.returncode}:\n{output[-3000:]}"
    return output


def swaks(way, message, login=None):
    file = way.directory / "swaks.mail"
    file.write_bytes(mail.stuffed(message))
    arguments = ["swaks", "--server", way.address[0], "--port", way.address[1],
                 "--ehlo", "client.test", "--from", mail.SENDER, "--to", mail.RECIPIENT,
                 "--tls-on-connect" if way.implicit else "--tls", "--tls-verify",
                 "--tls-ca-path", way.ca, "--tls-sni", HOST,
                 "--no-data-fixup", "--data", f"@{file}"]
    if login:
        arguments += ["--auth", login.mechanism, "--auth-user", login.user,
                      "--auth-password", login.password]
    run(arguments)


def curl(way, message, login=None):
    file = way.directory / "curl.mail"
    file.write_bytes(message)
    scheme = "smtps" if way.implicit else "smtp"
    port = way.address[1]
    arguments = ["curl", "--silent", "--show-error", "--cacert", way.ca,
                 "--resolve", f"{HOST}:{port}:{way.address[0]}",
                 "--url", f"{scheme}://{HOST}:{port}/client.test",
                 "--mail-from", mail.SENDER, "--mail-rcpt", mail.RECIPIENT,
                 "--upload-file", file]
    if not way.implicit:
        arguments.append("--ssl-reqd")
    if login:
        arguments += ["--user", f"{login.user}:{login.password}",
                      "--login-options", f"AUTH={login.mechanism}"]
    run(arguments)


def msmtp(way, message, login=None):
    file = way.directory / "msmtprc"
    settings = {"host": way.address[0], "port": way.address[1], "tls": "on",
                "tls_starttls": "off" if way.implicit else "on", "tls_trust_file": way.ca,
                "tls_host_override": HOST, "domain": "client.test", "from": mail.SENDER,
                "set_from_header": "off", "set_date_header": "off", "set_msgid_header": "off",
                "auth": "off"}
    if login:
        settings |= {"auth": login.mechanism.lower(), "user": login.user,
                     "password": login.password}
    file.write_text("defaults\naccount default\n" +
                    "".join(f"{key} {value}\n" for key, value in settings.items()))
    file.chmod(0o600)
    run(("msmtp", "-C", file, "--", mail.RECIPIENT), message.replace(b"\r\n", b"\n"))


def smtplib_session(way, login=None):
    """A logged-in smtplib session, to be closed by the caller."""
    context = ssl.create_default_context(cafile=way.ca)
    if way.implicit:
        session = smtplib.SMTP_SSL(timeout=PATIENCE_S, context=context)
    else:
        session = smtplib.SMTP(timeout=PATIENCE_S)
    session._host = HOST  # the name to verify, where connect() gets an address
    session.connect(*way.address)
    if not way.implicit:
        session.starttls(context=context)
    if login:
        session.user, session.password = login.user, login.password
        session.ehlo("client.test")
        method = {"PLAIN": session.auth_plain, "LOGIN": session.auth_login}[login.mechanism]
        session.auth(login.mechanism, method)
    return session


def smtplib_(way, message, login=None):
    with smtplib_session(way, login) as session:
        session.sendmail(mail.SENDER, [mail.RECIPIENT], message)


class SClient:
    """`openssl s_client`, spoken to over its pipes."""

    def __init__(self, way):
        arguments = ["openssl", "s_client", "-quiet", "-connect", text_of(way.address),
                     "-servername", HOST, "-verify_hostname", HOST, "-verify_return_error",
                     "-CAfile", way.ca]
        if not way.implicit:
            arguments += ["-starttls", "smtp", "-name", "client.test"]
        self.process = subprocess.Popen(tuple(map(str, arguments)), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._buffer = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.process.stdout, selectors.EVENT_READ)

    def reply(self, code):
        """The reply's last line; it must have the code."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            while b"\r\n" not in self._buffer:
                assert self._selector.select(max(0, deadline - time.monotonic())), self._buffer
                got = os.read(self.process.stdout.fileno(), 65536)
                assert got, f"ended: {self._buffer} {self.process.stderr.read()}"
                self._buffer += got
            line, _, self._buffer = self._buffer.partition(b"\r\n")
            if line[3:4] == b" ":
                assert line.startswith(b"%d" % code), f"expected {code}, came {line}"
                return line

    def send(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def say(self, line, code):
        self.send(line.encode() + b"\r\n")
        return self.reply(code)

    def kill(self):
        self.process.kill()
        self.process.communicate()
        self._selector.close()

    def wait(self):
        self.process.communicate(timeout=PATIENCE_S)
        self._selector.close()
        assert self.process.returncode == 0


def s_client(way, message, login=None):
    client = SClient(way)
    try:
        if way.implicit:  # otherwise s_client has read the greeting
            client.reply(220)
        client.say("EHLO client.test", 250)
        if login:
            name, secret = (base64.b64encode(one.encode()).decode()
                            for one in (login.user, login.password))
            if login.mechanism == "PLAIN":
                both = f"\0{login.user}\0{login.password}".encode()
                client.say(f"AUTH PLAIN {base64.b64encode(both).decode()}", 235)
            else:
                client.say("AUTH LOGIN", 334)
                client.say(name, 334)
                client.say(secret, 235)
        client.say(f"MAIL FROM:<{mail.SENDER}>", 250)
        client.say(f"RCPT TO:<{mail.RECIPIENT}>", 250)
        client.say("DATA", 354)
        client.send(mail.stuffed(message))
        client.reply(250)
        client.say("QUIT", 221)
        client.wait()
    finally:
        if client.process.poll() is None:
            client.kill()


ALL = {"openssl": s_client, "swaks": swaks, "curl": curl, "msmtp": msmtp, "smtplib": smtplib_}
"""Without Postfix, which is no command but a server: the tests start it."""

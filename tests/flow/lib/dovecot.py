"""Dovecot's submission service: it takes mail of those who have logged in, and relays it to a server."""

import re

from . import fake, mtas

USER, PASSWORD = "box", "secret"


class DovecotBackend(mtas.RoomServer):
    """Knows one user. What it is given goes on to `relay`, a scripted server."""

    package = "dovecot-submissiond"
    programs = ("/usr/sbin/dovecot", "/usr/bin/doveconf", *(
        f"/usr/lib/dovecot/{name}" for name in
        ("anvil", "auth", "config", "log", "stats", "submission", "submission-login",
         "modules/libssl_iostream_openssl.so", "libdovecot.so.0", "libdovecot-login.so.0",
         "libdovecot-storage.so.0")))
    command = ("/usr/sbin/dovecot", "-F")
    sends_line_by_line = False
    login = USER, PASSWORD
    SETUPS = {
        "proxy": ("yes", "haproxy_trusted_networks = 127.0.0.1"),
        "xclient": ("no", "login_trusted_networks = 127.0.0.1"),
        "plain": ("no", ""),
        "tls-login": ("yes", "haproxy_trusted_networks = 127.0.0.1\ndisable_plaintext_auth = yes"),
    }
    SETTINGS = """
protocols = submission
listen = 127.0.0.1
hostname = mx.mail.test
log_path = /dev/stderr
auth_verbose = yes
disable_plaintext_auth = no
ssl = no
mail_location = maildir:/var/mail/box
default_internal_user = dovecot
default_login_user = dovenull
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home=/var/mail
}}
first_valid_uid = 1
first_valid_gid = 1
service submission-login {{
  chroot =
  inet_listener submission {{
    port = {port}
    haproxy = {haproxy}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
{more}
"""

    def __init__(self, directory, setup, relays_for="none"):
        self.relay = fake.Backend()
        self.setup = setup
        super().__init__(directory, False)

    def configure(self, tolerant):
        haproxy, more = self.SETUPS[self.setup]
        self.room.write("/etc/dovecot/dovecot.conf", self.SETTINGS.format(
            port=self._port.number, relay=self.relay.address[1], password=PASSWORD,
            haproxy=haproxy, more=more))
        self.room.folder("/var/mail", "mail")

    def clients(self):
        return re.findall(r"submission-login: Info: Login: .* rip=([0-9a-f.:]+)", self.log())

    def stop(self):
        super().stop()
        self.relay.stop()

"""
Real mail servers as backends, each set up to be told of clients in one of the ways that it knows, and
what each has logged of them.
"""

import re

from . import mtas
from .dovecot import DovecotBackend
from .postfix import Postfix
from .syslog import Syslog


class PostfixBackend(Postfix):
    """`setup`: "proxy", "xclient" or "plain"."""

    SETTINGS = {
        "proxy": {"smtpd_upstream_proxy_protocol": "haproxy"},
        "xclient": {"smtpd_authorized_xclient_hosts": "127.0.0.1"},
        "plain": {},
    }

    def __init__(self, directory, setup):
        settings = {"inet_protocols": "all", "mynetworks": "127.0.0.0/8 [::1]/128",
                    "smtpd_upstream_proxy_timeout": "60s"}
        super().__init__(directory / "postfix", settings | self.SETTINGS[setup])

    def clients(self):
        """Addresses of those whose messages it has taken, and what else it noted of each."""
        return re.findall(r": client=\S+\[([0-9a-f.:]+)\]", self.log())

    def logins(self):
        return re.findall(r" sasl_username=(\S+)", self.log())


class EximBackend(mtas.Exim):
    package = "exim4-daemon-heavy"  # the light one knows no PROXY
    SETUPS = {"proxy": "hosts_proxy = 127.0.0.1\n", "plain": ""}

    def __init__(self, directory, setup, relays_for="all"):
        self.setup, self.relays_for = setup, relays_for
        super().__init__(directory, False)

    def configure(self, tolerant):
        self.SETTINGS = self.SETTINGS.replace("{more}", self.SETUPS[self.setup] + "{more}")
        super().configure(tolerant)

    def log(self):
        files = (self.room.path(f"/var/log/exim4/{name}log") for name in ("main", "panic"))
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    def clients(self):
        return re.findall(r" <= \S+ H=\S+ \[([0-9a-f.:]+)\]", self.log())


class OpenSmtpdBackend(mtas.OpenSmtpd):
    SETUPS = {"proxy": "proxy-v2 ", "plain": ""}

    def __init__(self, directory, setup, relays_for="all"):
        self.setup, self.relays_for = setup, relays_for
        super().__init__(directory, False)

    def configure(self, tolerant):
        super().configure(tolerant)
        file = self.room.path("/etc/smtpd.conf")
        file.write_text(file.read_text().replace("hostname", self.SETUPS[self.setup] + "hostname"))

    def clients(self):
        text = self.log()
        found = re.findall(r"(\w+) smtp connected address=(\S+)", text)
        taken = set(re.findall(r"(\w+) smtp message msgid", text))
        return [address.removeprefix("[").removesuffix("]").removeprefix("IPv6:")
                for session, address in found if session in taken]


class SendmailBackend(mtas.Sendmail):
    SETUPS = {"plain": ""}

    def __init__(self, directory, setup, relays_for="all"):
        self.setup, self.relays_for = setup, relays_for
        super().__init__(directory, False)

    def configure(self, tolerant):
        super().configure(tolerant)
        self.syslog = Syslog(self.room.path("/dev/log"), self.log_file)

    def clients(self):
        return re.findall(r" from=<.* relay=(?:\S+ )?\[(?:IPv6:)?([0-9a-f.:]+)\]", self.log())

    def stop(self):
        super().stop()
        self.syslog.stop()


ALL = {"postfix": PostfixBackend, "exim": EximBackend, "opensmtpd": OpenSmtpdBackend,
       "dovecot": DovecotBackend, "sendmail": SendmailBackend}

"""
Real mail servers as backends, each set up to be told of clients in one of the ways that it knows, and
what each has logged of them.
"""

import re

from . import mtas
from .postfix import Postfix


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

    def __init__(self, directory, setup):
        self.setup = setup
        super().__init__(directory, False)

    def configure(self, tolerant):
        self.SETTINGS = self.SETTINGS.replace("{more}", self.SETUPS[self.setup] + "{more}")
        super().configure(tolerant)

    def clients(self):
        log = self.room.path("/var/log/exim4/mainlog")
        text = log.read_text() if log.exists() else ""
        return re.findall(r" <= \S+ H=\S+ \[([0-9a-f.:]+)\]", text)


class OpenSmtpdBackend(mtas.OpenSmtpd):
    SETUPS = {"proxy": "proxy-v2 ", "plain": ""}

    def __init__(self, directory, setup):
        self.setup = setup
        super().__init__(directory, False)

    def configure(self, tolerant):
        super().configure(tolerant)
        file = self.room.path("/etc/smtpd.conf")
        file.write_text(file.read_text().replace("hostname", self.SETUPS[self.setup] + "hostname"))

    def clients(self):
        text = self.log_file.read_text(errors="replace")
        found = re.findall(r"(\w+) smtp connected address=(\S+)", text)
        taken = set(re.findall(r"(\w+) smtp message msgid", text))
        return [address.removeprefix("[").removesuffix("]").removeprefix("IPv6:")
                for session, address in found if session in taken]


ALL = {"postfix": PostfixBackend, "exim": EximBackend, "opensmtpd": OpenSmtpdBackend}

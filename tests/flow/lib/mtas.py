"""
Four mail servers, started alike: each takes messages from 127.0.0.1 for anybody and keeps them.
What it has accepted is read from where it keeps it, whatever it said.
"""

import re

from . import processes, rooms
from .basics import Port, is_listened_on, tcp_connections, until
from .postfix import Postfix

SUBJECT = re.compile(rb"Subject: ([\w-]+)")


def subjects(paths):
    """The first subject in each file: what is smuggled into a text stands behind its own."""
    return [match.group(1).decode() for path in paths
            if (match := SUBJECT.search(path.read_bytes()))]


class RoomServer:
    """A server that runs in a room. Its class says how."""

    package = None
    programs = ()
    sends_line_by_line = False
    relays_for = "all"

    def __init__(self, directory, tolerant):
        self._port = Port()
        self.address = self._port.address
        self.log_file = directory / f"{self.package}.log"
        self.room = rooms.Room(directory / self.package, self.package, self.programs)
        self.configure(tolerant)
        self.process = self.room.start(*self.command, log=self.log_file)
        until(self._listens, lambda: f"{self.package} listens:\n{self.log_file.read_text()}")

    def _listens(self):
        assert self.process.poll() is None, self.log_file.read_text()
        return is_listened_on(self._port.number)

    def log(self):
        return self.log_file.read_text(errors="replace")

    def pids(self):
        return processes.family(self.process.pid)

    def stop(self):
        for pid in self.pids():
            processes.kill(pid)
        self.process.wait()
        self._port.close()


class Exim(RoomServer):
    package = "exim4-daemon-light"
    programs = ("/usr/sbin/exim4",)
    command = ("/usr/sbin/exim4", "-bdf")
    SETTINGS = """
primary_hostname = mx.mail.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
acl_smtp_rcpt = {rcpt}
log_selector = +smtp_connection
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
queue_only = true
smtp_accept_max = 100
log_file_path = /var/log/exim4/%slog
{more}
begin acl
begin routers
begin transports
begin retry
begin rewrite
"""
    TOLERANT = """
chunking_advertise_hosts =
pipelining_advertise_hosts =
smtp_enforce_sync = false
"""

    RELAYS_FOR = {
        "all": "accept",
        "local": "${if eq{$sender_host_address}{127.0.0.1}{accept}{deny}}",
        "none": "deny",
    }

    def configure(self, tolerant):
        more = self.TOLERANT if tolerant else ""
        self.room.write("/etc/exim4/exim4.conf", self.SETTINGS.format(
            port=self._port.number, more=more, rcpt=self.RELAYS_FOR[self.relays_for]))
        for folder in ("/var/spool/exim4", "/var/log/exim4"):
            self.room.folder(folder, "Debian-exim", 0o750)

    def subjects(self):
        return subjects(self.room.path("/var/spool/exim4/input").glob("*-H"))


class OpenSmtpd(RoomServer):
    """It knows no pipelining: commands that come together are refused."""

    package = "opensmtpd"
    programs = ("/usr/sbin/smtpd",)
    command = ("/usr/sbin/smtpd", "-d", "-P", "mta")
    sends_line_by_line = True

    RELAYS_FOR = {"all": "from any for any", "local": "from local for any",
                  "none": "from any for domain mail.test"}

    def configure(self, tolerant):
        self.room.write("/etc/mailname", "mx.mail.test\n")
        self.room.write("/etc/smtpd.conf", f"""
listen on 127.0.0.1 port {self._port.number} hostname mx.mail.test
action "keep" relay host smtp://127.0.0.1:1
match {self.RELAYS_FOR[self.relays_for]} action "keep"
""")
        self.room.folder("/var/spool/smtpd", mode=0o711)
        self.room.folder("/var/lib/opensmtpd/empty")

    def subjects(self):
        return subjects(self.room.path("/var/spool/smtpd/queue").glob("*/*/message"))


class Sendmail(RoomServer):
    package = "sendmail-bin"
    programs = ("/usr/libexec/sendmail/sendmail", "/usr/bin/m4")
    command = ("/usr/libexec/sendmail/sendmail", "-bD", "-C/etc/mail/sendmail.cf")
    SETTINGS = """
define(`_USE_ETC_MAIL_')dnl
include(`/usr/share/sendmail/cf/m4/cf.m4')dnl
OSTYPE(`debian')dnl
DOMAIN(`debian-mta')dnl
FEATURE(`no_default_msa')dnl
DAEMON_OPTIONS(`Family=inet, Name=MTA, Port={port}, Addr=127.0.0.1')dnl
define(`confDELIVERY_MODE', `queueonly')dnl
define(`confDOMAIN_NAME', `mx.mail.test')dnl
define(`confTO_IDENT', `0')dnl
define(`confDEF_USER_ID', `mail:mail')dnl
{relay}
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`nocanonify')dnl
{more}
MAILER_DEFINITIONS
MAILER(`local')dnl
MAILER(`smtp')dnl
{rules}
"""

    RELAYS_FOR = {"all": "FEATURE(`promiscuous_relay')dnl", "local": ""}

    def configure(self, tolerant):
        relay = self.RELAYS_FOR[self.relays_for]
        more = "define(`confREJECT_NUL', `false')dnl" if tolerant else ""
        rules = "LOCAL_SRV_FEATURES\nR$*\t\t$# O U G F" if tolerant else ""
        self.room.write("/etc/mail/sendmail.mc", self.SETTINGS.format(
            port=self._port.number, more=more, rules=rules, relay=relay))
        self.room.write("/etc/mail/aliases", "postmaster: root\n")
        self.room.write("/etc/mail/local-host-names", "mail.test\n")
        made = self.room.run("/usr/bin/m4", "/etc/mail/sendmail.mc")
        self.room.write("/etc/mail/sendmail.cf", made)
        for folder in ("/var/lib/sendmail/host_status", "/var/run/sendmail/mta"):
            self.room.folder(folder)
        self.room.folder("/var/spool/mqueue", mode=0o700)

    def subjects(self):
        return subjects(self.room.path("/var/spool/mqueue").glob("qf*"))


class MatrixPostfix(Postfix):
    sends_line_by_line = False

    def __init__(self, directory, tolerant):
        settings = {"smtpd_forbid_bare_newline": "no", "smtpd_forbid_unauth_pipelining": "no"}
        super().__init__(directory / "postfix", settings if tolerant else {})

    def pids(self):
        return processes.family(self.process.pid)

    def subjects(self):
        until(lambda: not self.is_busy(), "everything is delivered")
        return subjects(self._arrived())


ALL = {"postfix": MatrixPostfix, "exim": Exim, "opensmtpd": OpenSmtpd, "sendmail": Sendmail}


def wait_done(server):
    """It has dealt with all that ever came."""
    until(lambda: not tcp_connections(server.address[1]), "all connections end")
    until(lambda: processes.are_quiet(server.pids()), "the server is idle")

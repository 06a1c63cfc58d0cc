"""
Postfix as a process of the tests: Debian's programs with a configuration, a queue and a port of
their own. As a server it delivers into a maildir; as a client it relays what it is given.
"""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess

from .basics import Port, until

DAEMONS = pathlib.Path("/usr/lib/postfix/sbin")
RUNS = DAEMONS.joinpath("master").exists() and os.geteuid() == 0
WHY_NOT = "Postfix is needed, and root to run it"

SERVICES = """
127.0.0.1:{port} inet n - n - - smtpd{options}
cleanup   unix  n  -  n  -     0  cleanup
qmgr      unix  n  -  n  300   1  qmgr
rewrite   unix  -  -  n  -     -  trivial-rewrite
bounce    unix  -  -  n  -     0  bounce
defer     unix  -  -  n  -     0  bounce
trace     unix  -  -  n  -     0  bounce
proxymap  unix  -  -  n  -     -  proxymap
smtp      unix  -  -  n  -     -  smtp
relay     unix  -  -  n  -     -  smtp
error     unix  -  -  n  -     -  error
retry     unix  -  -  n  -     -  error
virtual   unix  -  n  n  -     -  virtual
anvil     unix  -  -  n  -     1  anvil
tlsmgr    unix  -  -  n  1000? 1  tlsmgr
scache    unix  -  -  n  -     1  scache
postlog   unix-dgram n - n -   1  postlogd
"""

PRIVATE = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming",
           "private", "saved", "trace")


class Postfix:
    """A running Postfix. `settings` go into its main.cf; `{name}.test` is its own domain."""

    def __init__(self, directory, settings=None):
        self.directory = directory
        self.settings = settings or {}
        self._port = Port()
        self.address = self._port.address
        self._make()
        self.start()

    def _make(self):
        user = pwd.getpwnam("postfix")
        nobody = pwd.getpwnam("nobody")
        etc, spool, data = (self.directory / one for one in ("etc", "spool", "data"))
        self.mail = self.directory / "mail"
        for one in (etc, spool, data, self.mail):
            one.mkdir(parents=True)
        for name in (*PRIVATE, "public", "maildrop", "pid"):
            (spool / name).mkdir(mode=0o700)
            if name != "pid":
                os.chown(spool / name, user.pw_uid, user.pw_gid)
        (spool / "pid").chmod(0o755)
        (spool / "public").chmod(0o711)
        os.chown(data, user.pw_uid, user.pw_gid)
        os.chown(self.mail, nobody.pw_uid, nobody.pw_gid)
        self.log_file = self.directory / "mail.log"
        main = {
            "compatibility_level": "3.6",
            "queue_directory": spool,
            "data_directory": data,
            "daemon_directory": DAEMONS,
            "command_directory": "/usr/sbin",
            "maillog_file": self.log_file,
            "maillog_file_prefixes": self.directory,
            "myhostname": "mx.mail.test",
            "mydestination": "",
            "mynetworks": "127.0.0.0/8",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "smtp_address_preference": "ipv4",
            "alias_maps": "",
            "alias_database": "",
            "local_recipient_maps": "",
            "local_header_rewrite_clients": "",
            "virtual_mailbox_domains": "mail.test",
            "virtual_mailbox_base": self.mail,
            "virtual_mailbox_maps": "static:box/",
            "virtual_uid_maps": f"static:{nobody.pw_uid}",
            "virtual_gid_maps": f"static:{nobody.pw_gid}",
            "virtual_mailbox_limit": 0,
            "mailbox_size_limit": 0,
            "message_size_limit": 200_000_000,
            "message_drop_headers": "",
            "queue_minfree": 0,
            "smtpd_peername_lookup": "no",
            "smtpd_client_connection_count_limit": 0,
            "in_flow_delay": "0",
            "fast_flush_domains": "",
            "biff": "no",
        }
        main |= self.settings
        file = etc / "main.cf"
        file.write_text("".join(f"{key} = {value}\n" for key, value in main.items()))
        os.utime(file, (0, 0))  # Postfix waits for a file that was changed just now
        services = SERVICES.format(port=self._port.number, options="")
        (etc / "master.cf").write_text(services.lstrip())

    def start(self):
        self.process = subprocess.Popen(
            (DAEMONS / "master", "-c", self.directory / "etc", "-d"), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MAIL_CONFIG": self.directory / "etc"})
        until(self._listens, lambda: f"Postfix listens:\n{self.log()}")

    def _listens(self):
        assert self.process.poll() is None, self.process.stderr.read().decode()
        with socket.socket() as probe:
            return probe.connect_ex(self.address) == 0

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def log_so_far(self):
        """Its length, behind what it has to say of the connection that has found it listening."""
        until(lambda: "disconnect from" in self.log(), self.log)
        return len(self.log())

    def _arrived(self):
        new = self.mail / "box" / "new"
        return sorted(new.iterdir()) if new.is_dir() else []

    def count(self):
        return len(self._arrived())

    def messages(self, count):
        """
        Exactly what was sent, of `count` messages that have arrived, in no order: the fields that
        Postfix puts before a message are taken off.
        """
        until(lambda: self.count() >= count and not self.is_busy(),
              lambda: f"{count} messages, {self.count()} have come:\n{self.log()[-3000:]}")
        arrived = self._arrived()
        assert len(arrived) == count, f"{len(arrived)} messages came, not {count}"
        return [without_trace(path.read_bytes()) for path in arrived]

    def queue(self):
        """Paths of the mail in the queue. A file is a whole message when it may be executed."""
        return [pathlib.Path(folder, name) for one in ("incoming", "active", "deferred")
                for folder, _, names in os.walk(self.directory / "spool" / one)
                for name in names]

    def has_begun(self):
        """It has a part of a message."""
        return any(not os.access(path, os.X_OK) for path in self.queue())

    def is_busy(self):
        """It has a whole message, not yet delivered."""
        return any(os.access(path, os.X_OK) for path in self.queue())

    def kill(self):
        """All its processes, at once: they are a group of their own."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stderr.close()

    def stop(self):
        if self.process.returncode is None:
            self.kill()
        self._port.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def without_trace(stored):
    """Less all down to the first Received field, that field included."""
    lines = stored.split(b"\n")
    at = 0
    while not lines[at].startswith(b"Received:"):
        at += 1
    at += 1
    while lines[at][:1] in (b" ", b"\t"):
        at += 1
    return b"\n".join(lines[at:])


def client_settings(address, ca, **tls):
    """Of a Postfix that sends all its mail through `address`, as its `tls` settings say."""
    return {
        "relayhost": f"[{address[0]}]:{address[1]}",
        "relay_domains": "mail.test",
        "virtual_mailbox_domains": "",
        "virtual_mailbox_maps": "",
        "smtp_tls_CAfile": ca,
        "smtp_tls_loglevel": "1",
        "smtp_line_length_limit": 0,
        **tls,
    }

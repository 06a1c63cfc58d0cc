"""The proxies that are compared: how each is configured and started.

Each has one worker and listens at ports of its own: `ecdsa`, `rsa`, `mtls` (a client certificate is
asked for), all by implicit TLS, and `starttls`, where it can. What a manual recommends for speed is
set; nobody logs connections. All have the same certificates, TLS versions, ciphers and groups.
"""

import contextlib
import os
import pathlib
import random
import re
import resource
import socket
import subprocess
import time

import cost

CIPHERS = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
          "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
SUITES = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
GROUPS = "X25519:P-256"
# Each takes two descriptors.
SESSIONS = min(12000, (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 200) // 2)

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("POSTERN_BUILD", "build/release")


GIVEN = set()


def free_port():
    """Below those that the system gives to clients: they would get in the way. None twice."""
    while True:
        port = random.randrange(12000, 32000)
        if port in GIVEN:
            continue
        GIVEN.add(port)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def version_of(*words):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    found = re.search(r"\d+\.\d+[\w.\-]*", done.stdout)
    return found.group() if found else "?"


class Proxy:
    """A running proxy. `listeners`: the port of each listener that there is."""

    name = ""
    kinds = ("ecdsa", "rsa", "mtls")
    is_shovel = False  # moves bytes and does not read them
    patience_s = 20    # for its start

    def __init__(self, folder, keys, sink, cpu):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.folder.chmod(0o755)
        self.keys, self.sink, self.cpu = keys, sink, cpu
        self.listeners = {kind: free_port() for kind in self.kinds}
        self.config = self.folder / "config"
        self.config.write_text(self.configuration())
        self.log = self.folder / "log"
        self.process = self.start(self.command())
        self.wait()
        self.pin()

    def configuration(self):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    @staticmethod
    def version():
        raise NotImplementedError

    def start(self, words, cpu=None):
        with self.log.open("ab") as log:
            return subprocess.Popen(
                ("taskset", "-c", str(self.cpu if cpu is None else cpu), *map(str, words)),
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait(self):
        end = time.monotonic() + self.patience_s
        for port in self.listeners.values():
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if time.monotonic() > end or self.process.poll() is not None:
                        raise SystemExit(f"{self.name} does not start:\n"
                                         f"{self.log.read_text()[-3000:]}") from None
                    time.sleep(0.02)

    def pin(self):
        """All threads of all its processes: hitch pins its workers by itself, to other cores."""
        for pid in cost.family(self.pid):
            # One that has ended meanwhile was there for the start alone.
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                    os.sched_setaffinity(int(task.name), {self.cpu})

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Postern(Proxy):
    name = "postern"
    kinds = ("ecdsa", "rsa", "tickets", "mtls", "mtls-tickets", "starttls")
    listener = {
        "ecdsa": "certificate = ecdsa",
        "rsa": "certificate = rsa",
        "tickets": "certificate = ecdsa\ntickets = 1",
        "mtls": "certificate = ecdsa\nclients = devices\ntickets = 0",
        "mtls-tickets": "certificate = ecdsa\nclients = devices\ntickets = 1",
        "starttls": "certificate = ecdsa\ntls = required",
    }

    def configuration(self):
        lines = ["[postern]", "hostname = mail.test", "workers = 1", "log = stderr",
                 "log_level = warning", f"control = {self.folder}/control.sock",
                 f"metrics = 127.0.0.1:{free_port()}", "state = off"]
        if os.geteuid() == 0:
            lines.append("user = nobody")
        for kind in ("ecdsa", "rsa"):
            lines += [f"[certificate {kind}]", f"chain = {self.keys.chain(kind)}",
                      f"key = {self.keys.key(kind)}"]
        lines += ["[clients devices]", f"ca = {self.keys.ca}",
                  "[backend sink]", f"server = 127.0.0.1:{self.sink}", "identity = none",
                  "open_relay = accept", "probe = 0s"]
        for kind in self.kinds:
            lines += [f"[listener {kind}]", f"address = 127.0.0.1:{self.listeners[kind]}",
                      f"ciphers = {CIPHERS}:{SUITES}", "groups = X25519:P-256",
                      self.listener[kind]]
        return "\n".join(lines) + "\n"

    def command(self):
        return BUILD / "postern", "-c", self.config

    @staticmethod
    def version():
        return version_of(BUILD / "postern", "--version")


class Haproxy(Proxy):
    name = "haproxy"
    is_shovel = True

    def configuration(self):
        ask = f" verify required ca-file {self.keys.ca}"
        lines = ["global", f"  maxconn {SESSIONS}", "  nbthread 1", "  no log",
                 f"  ssl-default-bind-ciphers {CIPHERS}",
                 f"  ssl-default-bind-ciphersuites {SUITES}",
                 f"  ssl-default-bind-curves {GROUPS}",
                 "  ssl-default-bind-options ssl-min-ver TLSv1.2",
                 "defaults", "  mode tcp", f"  maxconn {SESSIONS}", "  timeout connect 5s",
                 "  timeout client 10m", "  timeout server 10m"]
        for kind in self.kinds:
            pem = self.keys.both("rsa" if kind == "rsa" else "ecdsa")
            lines += [f"listen {kind}",
                      f"  bind 127.0.0.1:{self.listeners[kind]} ssl crt {pem}"
                      f"{ask if kind == 'mtls' else ''}",
                      f"  server sink 127.0.0.1:{self.sink}"]
        return "\n".join(lines) + "\n"

    def command(self):
        return "haproxy", "-db", "-f", self.config

    @staticmethod
    def version():
        return version_of("haproxy", "-v")


NGINX_HEAD = """load_module {module};
daemon off;
worker_processes 1;
worker_rlimit_nofile 65536;
error_log stderr error;
pid {folder}/pid;
events {{ worker_connections {connections}; }}
"""

NGINX_TLS = f"""  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_ciphers {CIPHERS};
  ssl_conf_command Ciphersuites {SUITES};
  ssl_ecdh_curve {GROUPS.replace('P-256', 'prime256v1')};
  ssl_session_cache shared:SSL:10m;
"""


class Nginx(Proxy):
    """With the stream module: it moves bytes."""

    name = "nginx stream"
    is_shovel = True
    module = "/usr/lib/nginx/modules/ngx_stream_module.so"

    def head(self):
        return NGINX_HEAD.format(module=self.module, folder=self.folder,
                                 connections=2 * SESSIONS)

    def certificate(self, kind):
        name = "rsa" if kind == "rsa" else "ecdsa"
        return f"ssl_certificate {self.keys.chain(name)}; ssl_certificate_key {self.keys.key(name)};"

    def configuration(self):
        text = self.head() + "stream {\n" + NGINX_TLS + "  tcp_nodelay on;\n"
        for kind in self.kinds:
            ask = f"ssl_verify_client on; ssl_client_certificate {self.keys.ca};"
            text += (f"  server {{ listen 127.0.0.1:{self.listeners[kind]} ssl backlog=4096;"
                     f" {self.certificate(kind)} {ask if kind == 'mtls' else ''}"
                     f" proxy_pass 127.0.0.1:{self.sink}; }}\n")
        return text + "}\n"

    def command(self):
        return "nginx", "-e", "stderr", "-p", self.folder, "-c", self.config

    @staticmethod
    def version():
        return version_of("nginx", "-v")


class NginxMail(Nginx):
    """With the mail module: it reads commands, greets by itself and opens the server at RCPT.

    Where to go it asks by HTTP; a second nginx, which does not count, answers.
    """

    name = "nginx mail"
    is_shovel = False
    kinds = ("ecdsa", "starttls")
    module = "/usr/lib/nginx/modules/ngx_mail_module.so"

    def __init__(self, folder, keys, sink, cpu, load_cpu=0):
        self.oracle_port = free_port()
        super().__init__(folder, keys, sink, cpu)
        oracle = self.folder / "oracle"
        oracle.write_text(
            f"daemon off;\nworker_processes 1;\nerror_log stderr error;\n"
            f"pid {self.folder}/oracle.pid;\nevents {{ worker_connections 4096; }}\n"
            f"http {{ access_log off; client_body_temp_path {self.folder}/b;"
            f" server {{ listen 127.0.0.1:{self.oracle_port}; location / {{"
            f" add_header Auth-Status OK; add_header Auth-Server 127.0.0.1;"
            f" add_header Auth-Port {sink}; return 204; }} }} }}\n")
        self.oracle = self.start(("nginx", "-e", "stderr", "-p", self.folder, "-c", oracle),
                                 load_cpu)

    def configuration(self):
        text = self.head() + "mail {\n" + NGINX_TLS + (
            f"  server_name mail.test;\n  auth_http 127.0.0.1:{self.oracle_port}/;\n"
            "  smtp_auth none;\n  xclient off;\n  proxy_smtp_auth off;\n"
            "  smtp_capabilities PIPELINING \"SIZE 1073741824\" 8BITMIME;\n")
        for kind in self.kinds:
            flag, starttls = ("", "starttls on;") if kind == "starttls" else (" ssl", "")
            text += (f"  server {{ listen 127.0.0.1:{self.listeners[kind]}{flag} backlog=4096;"
                     f" protocol smtp; {starttls} {self.certificate(kind)} }}\n")
        return text + "}\n"

    def stop(self):
        super().stop()
        self.oracle.terminate()
        self.oracle.wait()


class Hitch(Proxy):
    name = "hitch"
    is_shovel = True

    def configuration(self):
        user = 'user = "nobody"\ngroup = "nogroup"\n' if os.geteuid() == 0 else ""
        text = (f'backend = "[127.0.0.1]:{self.sink}"\nworkers = 1\nbacklog = 4096\n'
                f'keepalive = 3600\nsyslog = off\nquiet = on\ndaemon = off\n{user}'
                f'tls-protos = TLSv1.2 TLSv1.3\nciphers = "{CIPHERS}"\nciphersuites = "{SUITES}"\n'
                f'ecdh-curve = "{GROUPS}"\nprefer-server-ciphers = on\nocsp-dir = ""\n')
        for kind in self.kinds:
            pem = self.keys.both("rsa" if kind == "rsa" else "ecdsa")
            ask = f'client-verify = required\n  client-verify-ca = "{self.keys.ca}"'
            text += (f'frontend = {{\n  host = "127.0.0.1"\n  port = "{self.listeners[kind]}"\n'
                     f'  pem-file = "{pem}"\n  {ask if kind == "mtls" else ""}\n}}\n')
        return text

    def command(self):
        return "hitch", "--config", self.config

    @staticmethod
    def version():
        return version_of("hitch", "--version")


class Stunnel(Proxy):
    name = "stunnel"
    kinds = ("ecdsa", "rsa", "mtls", "starttls")

    def configuration(self):
        lines = ["foreground = yes", "pid =", "debug = 3", "syslog = no",
                 "socket = l:TCP_NODELAY=1", "socket = r:TCP_NODELAY=1"]
        for kind in self.kinds:
            lines += [f"[{kind}]", f"accept = 127.0.0.1:{self.listeners[kind]}",
                      f"connect = 127.0.0.1:{self.sink}",
                      f"cert = {self.keys.both('rsa' if kind == 'rsa' else 'ecdsa')}",
                      "sslVersionMin = TLSv1.2", f"ciphers = {CIPHERS}",
                      f"ciphersuites = {SUITES}", f"curves = {GROUPS}"]
            if kind == "mtls":
                lines += ["verifyChain = yes", f"CAfile = {self.keys.ca}"]
            if kind == "starttls":
                lines.append("protocol = smtp")
        return "\n".join(lines) + "\n"

    def command(self):
        return "stunnel4", self.config

    @staticmethod
    def version():
        return version_of("stunnel4", "-version")


ALL = (Postern, Haproxy, Nginx, Hitch, NginxMail, Stunnel)

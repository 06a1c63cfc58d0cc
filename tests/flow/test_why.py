"""docs/operations.md, "Why was this client turned away?": its commands, on what Postern has logged."""

import gzip
import re
import socket
import subprocess

import pytest

from lib.basics import PATIENCE_S, ROOT, until

OPERATIONS = ROOT / "docs/operations.md"
IP_FREEBIND = 15


def commands():
    """Those of the section that read files."""
    section = OPERATIONS.read_text().split("## Why was this client turned away?")[1].split("\n## ")[0]
    found = re.findall(r"^    (zgrep .*?)(?: +#.*)?$", section, re.M)
    pattern = re.search(r"^    journalctl .*-g ('.*')$", section, re.M).group(1)
    assert len(found) == 2 and all(pattern in command for command in found), found
    return found


def visit(address, source, text=b""):
    """Says that, and reads what comes to the end."""
    with socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET) as one:
        one.settimeout(PATIENCE_S)
        one.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        one.bind((source, 0))
        one.connect(address)
        one.recv(1000)
        if text:
            one.sendall(text)
        one.shutdown(socket.SHUT_WR)
        while one.recv(1000):
            pass


def events(text):
    return re.findall(r'(?: (?:info|warning) |"event":")(session|refused|ban)\b', text)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("client, others", [("127.9.0.7", ("127.9.0.77", "127.19.0.7")),
                                            ("::1", ())])
def test_what_the_page_says_finds_it(daemon, base, home, form, client, others):
    logs = home / "logs"
    logs.mkdir(mode=0o777)
    logs.chmod(0o777)
    path = logs / "postern.log"
    sections = base(log=path, log_format=form, workers=1)
    sections["listener smtps"] |= {"tls": "required",
                                   "address": "[::1]:0" if ":" in client else "127.0.0.1:0"}
    sections["limits"] = {"rate_per_ip": "2/h", "exempt": "192.0.2.1"}
    one = daemon(sections, ready=False)
    listening = until(lambda: path.exists() and re.search(
        r'\baddress\S*?:(\d{4,5})\b.*\n(?:.*\n)*.*\bready\b', path.read_text()), "it is ready")
    address = ("::1" if ":" in client else "127.0.0.1", int(listening.group(1)))
    for source in (client, *others):
        visit(address, source, b"GET / HTTP/1.1\r\n\r\n")
        visit(address, source)
        visit(address, source)
    until(lambda: len(events(path.read_text())) >= 3 * (1 + len(others)), lambda: path.read_text())
    assert one.stop() == 0

    # Half of it was rotated away.
    lines = path.read_text().splitlines(keepends=True)
    (logs / "postern.log.2.gz").write_bytes(gzip.compress("".join(lines[:len(lines) // 2]).encode()))
    path.write_text("".join(lines[len(lines) // 2:]))
    for command in commands():
        command = command.replace(r"192\.0\.2\.7", client.replace(".", r"\."))
        command = re.sub(r"/var/log/\S+\.log\*", f"{path}*", command)
        done = subprocess.run(("bash", "-c", command), capture_output=True, text=True, check=True)
        assert sorted(events(done.stdout)) == ["refused", "session", "session"], done.stdout
        reasons = re.findall(r'reason["=:]+([\w-]+)', done.stdout)
        assert {"http", "address-rate"} < set(reasons), done.stdout

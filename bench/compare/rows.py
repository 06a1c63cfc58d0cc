"""What is compared: one row says all there is to say of a measurement."""

import dataclasses

SHOVELS = ("haproxy", "nginx stream", "hitch")
MAIL = ("nginx mail",)


@dataclasses.dataclass(frozen=True)
class Row:
    key: str
    title: str
    unit: str               # of the figure
    goal: float             # Postern's figure over that of the best of `against`, at most
    measure: str = "cpu"    # a method of measure.Measure
    against: tuple = SHOVELS
    listener: str = "ecdsa"
    own: str = ""           # Postern's listener, where it is another
    count: int = 2000
    options: tuple = ()     # of postern-bench
    size: int = 1           # units in one of the `count`
    sessions: int = 0       # that are held meanwhile
    base: float = 0         # the figure of Postern alone may be this, at most; 0: any


HANDSHAKE = ("--scenario", "handshake", "-c", "16")
SESSION = ("--scenario", "session", "-c", "16", "-s", "4K")
MESSAGES = ("--scenario", "messages", "-c", "4", "-s", "4K")
TLS13, TLS12 = ("--tls-version", "1.3"), ("--tls-version", "1.2")
CLIENT = ("--cert", "{client}", "--key", "{client_key}")

ROWS = (
    Row("handshake-13", "full handshake, TLS 1.3, ECDSA", "µs", .85, options=HANDSHAKE + TLS13),
    Row("handshake-13-rsa", "full handshake, TLS 1.3, RSA", "µs", .92, listener="rsa",
        options=HANDSHAKE + TLS13),
    Row("handshake-12", "full handshake, TLS 1.2, ECDSA", "µs", .92, options=HANDSHAKE + TLS12),
    Row("resumed-13", "resumed handshake, TLS 1.3, tickets = 1", "µs", .92, own="tickets",
        options=HANDSHAKE + TLS13 + ("--resume",)),
    Row("resumed-12", "resumed handshake, TLS 1.2, tickets = 1", "µs", .92, own="tickets",
        options=HANDSHAKE + TLS12 + ("--resume",)),
    Row("client-cert-0", "client certificate, TLS 1.3, tickets = 0", "µs", .75, listener="mtls",
        options=HANDSHAKE + TLS13 + CLIENT, count=1200),
    Row("client-cert-1", "client certificate, TLS 1.3, tickets = 1", "µs", .90, listener="mtls",
        own="mtls-tickets", options=HANDSHAKE + TLS13 + CLIENT, count=1200),
    Row("starttls", "STARTTLS, full handshake, EHLO", "µs", .90, against=MAIL, listener="starttls",
        options=HANDSHAKE + TLS13),
    Row("session", "whole session, one message of 4 KiB", "µs", .85, options=SESSION, count=1500),
    Row("session-starttls", "whole session through STARTTLS", "µs", .65, against=MAIL,
        listener="starttls", options=SESSION, count=1500),
    Row("messages", "message of 4 KiB, kept connection", "µs", .85, options=MESSAGES, count=8000),
    Row("pipelined", "message of 4 KiB, pipelined", "µs", .85, options=MESSAGES + ("--pipeline",),
        count=20000),
    Row("bulk", "bulk, messages of 64 MiB", "ms/GB", .75, count=8, size=64 << 20,
        options=("--scenario", "bulk", "-s", "64M", "-c", "1")),
    Row("steady", "whole session, 100 a second at random times", "µs", .85, count=500,
        options=("--scenario", "session", "-c", "64", "-s", "4K", "--rate", "100")),
    Row("latency", "added to a command's round trip, p50", "µs", .90, measure="latency",
        count=1500, options=("--scenario", "messages", "-c", "1", "-s", "4K")),
    Row("starttls-wait", "until TLS is up through STARTTLS, p50", "ms", .90, measure="connect",
        against=MAIL, listener="starttls", count=60, base=20,  # a delayed ACK is 40 ms
        options=("--scenario", "handshake", "-c", "1") + TLS13),
    Row("calls", "system calls, message of 4 KiB", "calls", 1.0, measure="calls", count=400,
        options=("--scenario", "messages", "-c", "1", "-s", "4K"), base=20),
    Row("idle-1000", "idle session of 1 000, user memory", "KiB", .90, measure="idle",
        sessions=1000, base=15.5),
    Row("idle-9500", "idle session of 9 500, user memory", "KiB", .90, measure="idle",
        sessions=9500, base=15.5),
    Row("growth", "whole session beside 9 000 idle ones over beside 10", "ratio", 1.0,
        measure="growth", options=SESSION, count=1000, sessions=9000, base=1.05),
)

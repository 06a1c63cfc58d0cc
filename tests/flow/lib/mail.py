"""Messages to send, and how they must arrive."""

import hashlib
import random

SENDER = "sender@client.test"
RECIPIENT = "box@mail.test"


def message(subject, body):
    return b"Subject: " + subject.encode() + b"\r\n\r\n" + body


PLAIN = message("plain", b"Hello.\r\n\r\nA second paragraph.\r\n")
EIGHT_BIT = message("8bit", "Grüße, żółw\r\n".encode() + bytes(range(160, 256)) + b"\r\n")
DOTS = message("dots", b".\r\n..\r\n...\r\n.text\r\n..text\r\n. \r\n.\t\r\n\r\n.\r\na.\r\n.a\r\n")
LONG_LINE = message("long", b"x" * 100_000 + b"\r\n")
EMPTY = b""


def big(megabytes):
    """Text that does not repeat, in lines of 76."""
    source = random.Random(megabytes)
    line_count = megabytes * 1_000_000 // 78
    block = [source.randbytes(38).hex().encode() for _ in range(1000)]
    lines = (b"%010d" % number + block[number % 1000][10:] for number in range(line_count))
    return message("big", b"\r\n".join(lines) + b"\r\n")


def numbered(number, size=200):
    return message(f"number {number}", (b"%08d" % number * (size // 8)) + b"\r\n")


def stuffed(text):
    """As DATA carries it: dots at line starts doubled, and the end."""
    lines = text.split(b"\r\n")
    done = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)
    return done + b".\r\n"


def digest(text):
    """Of a message as it was sent or as it is stored: only its line ends may differ."""
    return hashlib.sha256(text.replace(b"\r\n", b"\n")).hexdigest()


def digests(texts):
    return sorted(map(digest, texts))

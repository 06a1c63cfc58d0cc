"""The least rate of message text is taken over a minute, so this test takes one."""

import select
import time

import pytest

from lib import fake, mail
from lib.basics import until
from lib.client import tls_client

WINDOW_S = 60


@pytest.mark.long
def test_client_that_dribbles_text(postern, backend):
    """Slower than data_rate ends it; slow because the backend takes nothing does not."""
    def text(talk, _):
        until(lambda: len(ended) == 1, "the slow client's end", 2 * WINDOW_S)
        server.text(talk, _)

    server = fake.Server()
    ended = []
    dribbled = postern(backend=backend().address, timeouts={"data_rate": "50K"})
    held_up = postern(backend=backend(fake.Server(text=text), receive_buffer=4096).address,
                      timeouts={"data_rate": "50K"})
    whole = mail.stuffed(mail.numbered(1, 16_000_000))
    with tls_client(dribbled.address()) as slow, tls_client(held_up.address()) as other:
        for client in (slow, other):
            client.greet()
            client.envelope()
            client.command("DATA", 354)
        sent = other.send_until_stuck(whole)
        start = time.monotonic()
        while not select.select([slow.socket], [], [], 0.1)[0]:
            slow.send(b"a line\r\n")
            assert time.monotonic() < start + 2 * WINDOW_S
        ended.append(slow.expect("421 4.4.2"))
        slow.rest()
        other.socket.settimeout(WINDOW_S)
        other.send(whole[sent:])
        other.expect(250)
        other.quit()
    assert dribbled.reasons(1) == ["client-slow"]
    assert held_up.reasons(1) == ["quit"]


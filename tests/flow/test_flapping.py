"""
Mail through servers that come and go: no message is lost, and none comes twice. Both ends are
counted: what clients were told, and what the servers have. POSTERN_FLAP_SESSIONS says how many.
"""

import collections
import concurrent.futures
import contextlib
import os
import random
import re
import signal
import subprocess
import threading

import pytest

from lib import mail
from lib.basics import SINK, Port, text_of
from lib.client import tls_client

SESSIONS = int(os.environ.get("POSTERN_FLAP_SESSIONS", 150))
CLIENTS = 12

pytestmark = pytest.mark.plain


class Flapping:
    """A postern-sink that is killed and started anew at one address, each time with a new store."""

    def __init__(self, directory):
        self.directory = directory
        self.port = Port()
        self.stores = []
        self.process = None
        self.start()

    def start(self):
        store = self.directory / f"store-{len(self.stores)}"
        store.mkdir(parents=True)
        self.stores.append(store)
        self.process = subprocess.Popen((SINK, text_of(self.port.address), "--store", store),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline().startswith("listening on ")

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def signal(self, number):
        self.process.send_signal(number)

    def messages(self):
        return [path.with_suffix(".eml").read_bytes()
                for store in self.stores for path in store.glob("*.env")]


class Pace:
    """Counts sessions that begin, so that what happens to servers happens among them."""

    def __init__(self):
        self.begun = threading.Semaphore(0)
        self.over = threading.Event()

    def wait(self, sessions):
        """Until so many more have begun; where none does, as all are waiting, that is enough."""
        for _ in range(sessions):
            if self.over.is_set() or not self.begun.acquire(timeout=0.5):
                return


def flap(servers, pace):
    """One at a time is killed, or stopped, for a few sessions; the others serve."""
    choice = random.Random(5)
    count = 0
    while not pace.over.is_set():
        one = choice.choice(servers)
        if choice.random() < 0.7:
            one.kill()
            pace.wait(choice.randint(0, 4))
            one.start()
        else:
            one.signal(signal.SIGSTOP)
            pace.wait(choice.randint(1, 4))
            one.signal(signal.SIGCONT)
        count += 1
        pace.wait(choice.randint(0, 4))
    return count


def send(proxy, pace, number):
    """What the client was told: 250, another code, or nothing."""
    pace.begun.release()
    try:
        with tls_client(proxy.address()) as client:
            client.greet()
            reply = client.deliver(mail.stuffed(mail.numbered(number, 4000)))
            if reply.code == 250:
                with contextlib.suppress(AssertionError, OSError):
                    client.quit()
            return reply.code
    except AssertionError as error:
        return int(re.search(r"came (\d{3})", str(error)).group(1))
    except OSError:
        return None


def test_no_message_is_lost_or_doubled(postern, tmp_path):
    servers = [Flapping(tmp_path / f"sink-{number}") for number in range(3)]
    pace = Pace()
    proxy = postern(backend=", ".join(text_of(one.port.address) for one in servers), workers=2,
                    timeouts={"greeting": "6s"}, sections={"backend mta": {"max_sessions": 8}})
    try:
        with concurrent.futures.ThreadPoolExecutor(CLIENTS + 1) as pool:
            flaps = pool.submit(flap, servers, pace)
            told = list(pool.map(lambda number: send(proxy, pace, number), range(SESSIONS)))
            pace.over.set()
            flapped = flaps.result()
    finally:
        pace.over.set()
        for one in servers:
            one.signal(signal.SIGCONT)
            one.kill()
    assert flapped >= SESSIONS // 20
    came = collections.Counter(int(re.search(rb"number (\d+)", text).group(1))
                               for one in servers for text in one.messages())
    doubled = [number for number, count in came.items() if count > 1]
    assert not doubled
    lost = [number for number, code in enumerate(told) if code == 250 and number not in came]
    assert not lost
    # Who got no 250 sends again: the message is there already only where its server died with it.
    unknown = {number for number in came if told[number] != 250}
    assert all(told[number] in (421, 451, None) for number in unknown)
    codes = collections.Counter(told)
    print(f"{SESSIONS} sessions, {flapped} flaps, told {dict(codes)}, "
          f"{sum(came.values())} messages came, {len(unknown)} of them not told 250")
    assert codes[250] >= SESSIONS // 2
    # Who had not begun went to another server: only what was under way was lost with one. Few may
    # have met one after the other just as each was off.
    ends = collections.Counter(session["reason"] for session in proxy.sessions(SESSIONS))
    print(dict(ends))
    assert set(ends) <= {"quit", "backend-lost", "backend-down"}
    assert ends["backend-down"] <= SESSIONS // 100 + 1
    verdicts = collections.Counter(event["verdict"] for event in proxy.events("message"))
    assert verdicts["250"] == codes[250]

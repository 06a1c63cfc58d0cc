"""What takes minutes, for `make soak-certs`: certificates renewed hundreds of times under load, and a
hundred thousand handshakes with names that nobody has.

POSTERN_SOAK_HANDSHAKES and POSTERN_SOAK_RELOADS change how many."""

import multiprocessing
import os
import random
import shutil
import signal
import socket
import ssl
import threading
import time

from lib import fake, mail, processes
from lib.basics import until
from lib.client import lenient_context, tls_client

HANDSHAKES = int(os.environ.get("POSTERN_SOAK_HANDSHAKES", "100000"))
RELOADS = int(os.environ.get("POSTERN_SOAK_RELOADS", "200"))
GROWTH_BYTES = 2 * 1024 * 1024
SENDERS = 4


def replace(target, source):
    """As renewals do: another file is renamed over it."""
    fresh = target.with_suffix(".new")
    shutil.copy(source, fresh)
    fresh.rename(target)


class Load(threading.Thread):
    """Sessions, one after the other, each with a message."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.over, self.sent, self.errors = address, False, 0, []

    def run(self):
        while not self.over:
            try:
                with tls_client(self.address) as client:
                    client.greet()
                    assert client.deliver(mail.stuffed(mail.PLAIN)).code == 250
                    client.quit()
                self.sent += 1
            except Exception as error:  # whatever it is, it is a session that was lost
                self.errors.append(repr(error))


def renew(pair, one, broken):
    if broken:
        pair.chain.with_suffix(".new").write_text("no certificate\n")
        pair.chain.with_suffix(".new").rename(pair.chain)
        return
    replace(pair.chain, one.chain)
    replace(pair.key, one.key)


class Pair:
    """Where Postern has its certificate."""

    def __init__(self, directory, one):
        self.chain, self.key = directory / "present.pem", directory / "present.key"
        renew(self, one, False)


def test_reloads_under_load(postern, backend, authority, tmp_path):
    server = backend(fake.Server())
    ones = [authority.server(f"soak{n}", "ec", ("mail.test",)) for n in range(2)]
    pair = Pair(tmp_path, ones[0])
    proxy = postern(backend=server.address, sections={
        "certificate present": {"chain": pair.chain, "key": pair.key}},
        listener={"certificate": "present"})
    load = [Load(proxy.address()) for _ in range(SENDERS)]
    for one in load:
        one.start()
    sizes, done = [], {"reloaded": 0, "reload-failed": 0}
    for n in range(RELOADS):
        broken = n % 10 == 9
        renew(pair, ones[n % 2], broken)
        os.kill(proxy.pid, signal.SIGHUP)
        word = "reload-failed" if broken else "reloaded"
        done[word] += 1
        until(lambda: len(proxy.events(word)) >= done[word], f"{word} number {done[word]}")
        sizes.append(processes.own_bytes(proxy.pid))
    for one in load:
        one.over = True
    for one in load:
        one.join()
    assert [error for one in load for error in one.errors] == []
    sent = sum(one.sent for one in load)
    assert sent > RELOADS
    until(lambda: len(proxy.worker_pids()) == 1, "the old workers have gone")
    print(f"{sent} sessions over {RELOADS} reloads; the master's memory from "
          f"{sizes[RELOADS // 5]} to {sizes[-1]}")
    assert sizes[-1] - sizes[RELOADS // 5] < GROWTH_BYTES


def handshakes(address, count, seed):
    names, context = random.Random(seed), lenient_context()
    for _ in range(count):
        name = f"{names.getrandbits(100):x}.example"
        with socket.create_connection(address) as plain:
            try:
                with context.wrap_socket(plain, server_hostname=name):
                    pass
            except (ssl.SSLError, OSError):
                pass


def shake(address, count):
    workers = [multiprocessing.Process(target=handshakes, args=(address, count // 2, seed))
               for seed in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
        assert one.exitcode == 0


def test_memory_is_flat_over_handshakes(postern, backend):
    proxy = postern(backend=backend(fake.Server()).address)
    shake(proxy.address(), HANDSHAKES // 10)
    until(proxy.is_quiet, "quiet")
    before = processes.own_bytes(*proxy.worker_pids())
    started = time.monotonic()
    shake(proxy.address(), HANDSHAKES)
    until(proxy.is_quiet, "quiet")
    after = processes.own_bytes(*proxy.worker_pids())
    print(f"{HANDSHAKES} handshakes in {time.monotonic() - started:.0f} s; "
          f"the worker's memory from {before} to {after}")
    assert after - before < GROWTH_BYTES

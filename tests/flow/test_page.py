"""The status page in a browser: it shows what /status says, and fits a phone."""

import re
import shutil
import subprocess

import pytest

from lib import fake
from lib.basics import PATIENCE_S, Port, until
from lib.client import Client

CHROMIUM = shutil.which("chromium")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--hide-scrollbars", "--virtual-time-budget=4000")


def browse(url, profile, *flags):
    """The page as the browser has it once its program has run."""
    done = subprocess.run((CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *flags, "--dump-dom", url),
                          capture_output=True, text=True, timeout=PATIENCE_S + 60, check=True)
    return done.stdout


@pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
def test_the_page_shows_what_there_is(daemon, base, backend, tmp_path):
    port = Port()
    server = backend(fake.Server())
    one = daemon(base(server.address, metrics="127.0.0.1:%d" % port.number))
    until(one.monitors, "a monitor")
    client = Client(one.address())
    client.handshake()
    client.greet()
    client.quit()
    one.wait_open(0)
    dom = browse(f"http://127.0.0.1:{port.number}/", tmp_path / "profile")
    text = re.sub(r"<script.*?</script>|<style.*?</style>|<[^>]+>", " ", dom, flags=re.S)
    for word in ("mail.test", "serving", "smtps", "mta", "127.0.0.1:%d" % server.address[1],
                 "localhost", "quit", "With identity none a server sees", "worker 0", "worker 1", "master", "monitor"):
        assert word in text, f"{word}: {text}"
    assert "undefined" not in text and "NaN" not in text

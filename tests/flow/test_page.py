"""The status page in a browser: it shows what /status says, and fits a phone, a desk and a wall."""

import os
import pathlib

import pytest

from lib import fake
from lib.basics import text_of, until
from lib.browser import CHROMIUM, Browser
from lib.client import tls_client

# Pictures are kept there, for people to look at.
PICTURES = os.environ.get("POSTERN_PICTURES")


@pytest.fixture
def browser(tmp_path):
    if not CHROMIUM:
        pytest.skip("chromium is not installed")
    with Browser(tmp_path / "profile") as one:
        yield one


def open_page(browser, one):
    browser.open(f"http://127.0.0.1:{one.port.number}/",
                 "document.querySelectorAll('#processes td').length > 0")


def test_the_page_shows_what_there_is(browser, watched, backend):
    server = backend(fake.Server())
    one = watched(server.address)
    with tls_client(one.daemon.address()) as client:
        client.greet()
        client.quit()
    until(lambda: one.json("sessions") == [], "all sessions have ended")
    open_page(browser, one)
    text = browser.value("document.body.innerText")
    assert browser.value("document.getElementById('news').innerText") == (
        "Certificate localhost ends in 19 days")
    for word in ("mail.test", "serving", "smtps", "mta", text_of(server.address), "localhost",
                 "quit", "worker 0", "worker 1", "master", "monitor"):
        assert word in text, f"{word}: {text}"
    assert "undefined" not in text and "NaN" not in text


def test_the_page_tells_what_needs_attention(browser, watched, down):
    """And follows what happens, without being loaded again."""
    one = watched(down, **{"backend mta": {"probe": "1s", "server": f"{text_of(down)}, 127.0.0.1:9"}})
    open_page(browser, one)

    def news():
        return browser.value("[...document.querySelectorAll('#news li')]"
                             ".map(e => e.className + ': ' + e.innerText)")

    expiry = "warn: Certificate localhost ends in 19 days"
    dead = [f"bad: mta/{text_of(down)} is down", "bad: mta/127.0.0.1:9 is down"]
    until(lambda: news() == [*dead, expiry], lambda: f"both are down: {news()}")
    assert one.run("disable", "mta/127.0.0.1:9").returncode == 0
    until(lambda: news() == [dead[0], "warn: mta/127.0.0.1:9 is disabled", expiry],
          lambda: f"one is disabled: {news()}")
    assert one.run("stop").returncode == 0
    until(lambda: browser.value("document.getElementById('state').innerText") == "does not answer",
          "it says that nothing answers")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width, height", [(360, 740), (768, 1024), (1440, 900)])
def test_the_page_fits(width, height, dark, browser, watched, down):
    """Nothing has to be moved sideways, with names that are as long as they come."""
    long = "a-very-long-name-of-a-backend-that-nobody-would-choose-but-somebody-will"[:60]
    one = watched(down, **{f"backend {long}": {"server": f"{text_of(down)}, {'h' * 60}.{'t' * 60}:25",
                                               "identity": "none", "open_relay": "accept"},
                           f"listener {long}": {"address": "127.0.0.1:0", "tls": "implicit",
                                                "backend": long}})
    with tls_client(one.daemon.address()) as client:
        client.expect("421 4.3.2")
    until(lambda: one.json("sessions") == [], "all sessions have ended")
    browser.screen(width, height, dark)
    open_page(browser, one)
    if PICTURES:
        browser.picture(pathlib.Path(PICTURES) / f"page-{width}-{'dark' if dark else 'light'}.png")
    assert browser.value("innerWidth") == width
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value("[...document.querySelectorAll('.scroll, .figure, #news li')]"
                         ".filter(e => e.scrollWidth > e.clientWidth).map(e => e.innerText)") == []
    assert browser.value("matchMedia('(prefers-color-scheme: dark)').matches") == dark

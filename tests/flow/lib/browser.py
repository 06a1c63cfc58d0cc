"""Headless Chromium, told what to do by its DevTools protocol over a pair of pipes."""

import base64
import json
import os
import select
import shutil
import subprocess
import time

from .basics import PATIENCE_S, until

CHROMIUM = shutil.which("chromium")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe")
START_S = PATIENCE_S + 40


class Browser:
    def __init__(self, profile):
        its_in, self._to = os.pipe()
        self._from, its_out = os.pipe()
        # It reads from descriptor 3 and writes to 4, and dash knows none over 9.
        words = ("bash", "-c", f'exec 3<&{its_in} 4>&{its_out}; exec "$@"', "bash", CHROMIUM,
                 *FLAGS, f"--user-data-dir={profile}", "about:blank")
        with open(f"{profile}.log", "wb") as log:
            self.process = subprocess.Popen(words, pass_fds=(its_in, its_out), stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL,
                                            env=os.environ | {"HOME": str(profile)})
        os.close(its_in)
        os.close(its_out)
        self._rest, self._serial, self._session = b"", 0, None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target,
                                  flatten=True)["sessionId"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._session = None
        try:
            self.call("Browser.close")
            self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self._to)
            os.close(self._from)

    def call(self, method, **params):
        """The result. What the browser tells of itself meanwhile is thrown away."""
        self._serial += 1
        message = {"id": self._serial, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + START_S
        while True:
            reply = self._next(deadline)
            if reply.get("id") == self._serial:
                assert "error" not in reply, f"{method}: {reply}"
                return reply["result"]

    def _next(self, deadline):
        while b"\0" not in self._rest:
            assert select.select((self._from,), (), (), deadline - time.monotonic())[0], "silent"
            got = os.read(self._from, 1 << 20)
            assert got, "the browser has ended"
            self._rest += got
        one, _, self._rest = self._rest.partition(b"\0")
        return json.loads(one)

    # The page.

    def screen(self, width, height, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url, condition):
        """Until the condition is true in the page."""
        self.call("Page.navigate", url=url)
        until(lambda: self.value(condition), lambda: f"{condition}: {self.value('document.body.innerText')}")

    def value(self, expression):
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def picture(self, path):
        """All of the page, as high as it is."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

"""Out of memory: sessions are refused, new ones wait, no process dies, and what is over is over."""

import pathlib
import re
import subprocess

import pytest

from lib.basics import BUILD, until

pytestmark = pytest.mark.plain  # a sanitizer takes address space without end

BENCH = BUILD / "postern-bench"
SPARE_KB = 1000  # for some dozens of sessions


def peak_kb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmPeak:\s+(\d+) kB$", text, re.M).group(1))


def load(one, *options):
    return subprocess.run((BENCH, "--tls", "implicit", "--scenario", "session", *map(str, options),
                           "%s:%d" % one.address()), capture_output=True, text=True, check=False)


def test_a_worker_without_memory_goes_on(daemon, base, sink):
    sections = base(sink().address, workers=1)
    sections["limits"] = {"sessions_per_ip": 0, "rate_per_ip": 0}
    one = daemon(sections)
    most = max(map(peak_kb, (one.pid, *one.workers()))) + SPARE_KB
    assert one.stop() == 0

    one = daemon(sections, wrap=lambda words: ["bash", "-c", f'ulimit -v {most}; exec "$@"', "bash",
                                               *words])
    load(one, "-n", 2000, "-c", 300, "--timeout", "4s")
    paused, = one.events("accept-paused")
    assert "out of memory" in paused["message"]
    assert {event["reason"] for event in one.events("refused")} == {"no-memory"}
    until(lambda: load(one, "-n", 20, "-c", 2, "--timeout", "5s").returncode == 0, "all is well")
    assert not one.events("worker-ended")
    assert one.stop() == 0

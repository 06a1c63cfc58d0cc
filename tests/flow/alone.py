"""A pytest plugin: `--alone=N` runs a test that failed beside the others N times by itself.

Some wait for what other programs do within seconds, and on a machine with too little of everything
that comes late. Where one to three tests failed and each holds every time by itself, the run has
not failed; they are named all the same, as each is a race that should be found. Where more failed,
or one fails again, the run has failed.
"""

import subprocess
import sys

import pytest

MOST = 3


def pytest_addoption(parser):
    parser.addoption("--alone", type=int, default=0, metavar="N",
                     help=f"run a test that failed N times by itself, where {MOST} at most have")


def holds(nodeid, times):
    command = (sys.executable, "-m", "pytest", "-q", "-n", "0", nodeid)
    for _ in range(times):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(done.stdout, done.stderr)
            return False
    return True


class Alone:
    def __init__(self, times):
        self.times = times
        self.failed = []
        self.held = []

    def pytest_runtest_logreport(self, report):
        if report.failed and report.nodeid not in self.failed:
            self.failed.append(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session):
        if session.exitstatus != pytest.ExitCode.TESTS_FAILED or not 0 < len(self.failed) <= MOST:
            return
        self.held = [nodeid for nodeid in self.failed if holds(nodeid, self.times)]
        if self.held == self.failed:
            session.exitstatus = pytest.ExitCode.OK

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter):
        for nodeid in self.held:
            terminalreporter.write_line(
                f"{nodeid} failed beside the others, and held {self.times} times by itself: "
                "a race that should be found", yellow=True)


def pytest_configure(config):
    if config.getoption("alone") > 0 and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Alone(config.getoption("alone")), "failed-alone")

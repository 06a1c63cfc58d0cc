"""A pytest plugin: a test that is skipped without being on the list fails the run.

pytest.ini loads it (`-p tests.flow.skips`), so pytest is run from the tree's root. The list is
tests/flow/skips.txt: a test's id as pytest prints it, a blank, the reason. `#` starts a comment.
An id without its [parameters], and a file's name alone, stand for all that they contain. An
expected failure counts as a skip.
"""

import pathlib

import pytest

LIST = pathlib.Path(__file__).with_name("skips.txt")


def listed_ids():
    lines = LIST.read_text().splitlines() if LIST.exists() else []
    return {line.split()[0] for line in lines if line.strip() and not line.startswith("#")}


def is_listed(nodeid, listed):
    return bool({nodeid, nodeid.split("[")[0], nodeid.split("::")[0]} & listed)


class Skips:
    def __init__(self, config):
        self.config = config
        self.seen = {}

    def note(self, report):
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            self.seen[report.nodeid] = getattr(report, "wasxfail", "") or reason

    def pytest_runtest_logreport(self, report):
        self.note(report)

    def pytest_collectreport(self, report):
        self.note(report)

    # With xdist the workers collect, and only they hear of a file that is skipped as a whole.
    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error):
        self.seen.update(getattr(node, "workeroutput", {}).get("skips", {}))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session):
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["skips"] = self.seen
            return
        listed = listed_ids()
        self.unlisted = {nodeid: reason for nodeid, reason in self.seen.items()
                         if not is_listed(nodeid, listed)}
        if self.unlisted and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        for nodeid, reason in sorted(getattr(self, "unlisted", {}).items()):
            terminalreporter.write_line(
                f"{nodeid} was skipped ({reason}), and {LIST.name} does not list it", red=True)


def pytest_configure(config):
    config.pluginmanager.register(Skips(config), "unlisted-skips")

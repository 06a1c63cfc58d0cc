"""A pytest plugin: tests marked `long` start first, and a process is given two tests at a time.

Most of a long test is waiting, so others run beside it. xdist would hand out the tests by dozens:
all that are long to one process.
"""

import pytest


def pytest_collection_modifyitems(items):
    """Each of the long is followed by a short one, so that no two of them are given together."""
    long = [item for item in items if item.get_closest_marker("long")]
    short = [item for item in items if item not in long]
    pairs = [item for pair in zip(long, short) for item in pair]
    items[:] = pairs + long[len(short):] + short[len(long):]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    if config.getvalue("dist") != "load":
        return None
    from xdist.scheduler import LoadScheduling

    class ByTwos(LoadScheduling):
        def _send_tests(self, node, num):
            super()._send_tests(node, min(num, 2 - len(self.node2pending[node])))

    return ByTwos(config, log)

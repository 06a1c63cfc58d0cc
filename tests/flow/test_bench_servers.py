"""postern-bench against real mail servers, with no Postern in between."""

import json
import subprocess

import pytest

from lib import mtas, postfix, rooms
from lib.basics import BUILD, text_of

BENCH = BUILD / "postern-bench"


@pytest.fixture
def server(request, home):
    if request.param == "postfix" and not postfix.RUNS:
        pytest.skip(postfix.WHY_NOT)
    try:
        one = mtas.ALL[request.param](home, False)
    except rooms.Unavailable as why:
        pytest.skip(f"{request.param}: {why}")
    request.node.flow_logs = [one.log_file]
    yield one
    one.stop()


@pytest.mark.parametrize("server", ("postfix", "exim", "opensmtpd"), indirect=True)
@pytest.mark.parametrize("scenario", ("session", "mix"))
def test_real_servers(server, scenario, tmp_path):
    report = tmp_path / "report.json"
    done = subprocess.run((BENCH, "--scenario", scenario, "-s", "4K", "-n", "6", "--from",
                           "sender@mail.test", "--to", "user@mail.test", "--helo",
                           "client.mail.test", "--timeout", "60s", "--seed", "1", "--json",
                           report, text_of(server.address)),
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads(report.read_text())
    assert counts["accepted"] == 6 and counts["errors"] == 0
    mtas.wait_done(server)
    assert len(server.subjects()) >= 6
    assert set(server.subjects()) == {"postern-bench"}

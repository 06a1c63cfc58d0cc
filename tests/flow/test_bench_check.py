"""bench/check: what it says and how it ends, by a row that is quick to count."""

import json
import os
import subprocess

import pytest

from lib.basics import BUILD, ROOT

pytestmark = pytest.mark.plain

ROWS = "inspector, byte of t*"


@pytest.fixture
def check(tmp_path):
    """Runs it: (status, what it says, {row: instructions for a byte})."""
    baseline = tmp_path / "instructions.json"

    def run(*options):
        done = subprocess.run(
            (ROOT / "bench/check", "--rows", ROWS, "--baseline", baseline, *options),
            env=os.environ | {"POSTERN_BUILD": str(BUILD)}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False)
        rows = {line[:40].strip(): float(line[40:].split()[0])
                for line in done.stdout.splitlines() if " instructions  " in line}
        return done.returncode, done.stdout + done.stderr, rows

    run.baseline = baseline
    return run


def test_a_rise_is_found(check):
    status, said, rows = check()
    assert status == 0 and "nothing is kept for gcc" in said and "KEEP=yes" in said
    assert not check.baseline.exists()
    assert rows.keys() == {"inspector, byte of text"} and .1 < min(rows.values()) < 2, rows

    status, said, kept = check("--keep")
    assert status == 0 and "kept for: gcc" in said
    assert kept == rows, "the same program takes the same instructions"
    assert list(json.loads(check.baseline.read_text()).values()) == [kept]

    for factor, expected, words in ((.98, 0, "1.020 of"), (.96, 1, "more instructions than before, by over 3 %")):
        changed = {key: {row: value * factor for row, value in figures.items()}
                   for key, figures in json.loads(check.baseline.read_text()).items()}
        lower = check.baseline.with_name(f"{factor}.json")
        lower.write_text(json.dumps(changed))
        status, said, _ = check("--baseline", str(lower))
        assert status == expected and words in said, said


def test_rows_that_are_not_there(check):
    status, said, _ = check("--rows", "nonsense")
    assert status == 1 and "inspector, byte of text" in said

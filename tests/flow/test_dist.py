"""What is shipped beside the programs: the unit, and where `make install` puts things."""

import configparser
import re
import subprocess

import pytest

from lib.basics import ROOT

UNIT = ROOT / "dist" / "postern.service"


def test_the_unit_is_tight(tmp_path):
    """2.0 or better by systemd's own measure; the program that it names need not be installed."""
    copy = tmp_path / "postern.service"
    copy.write_text(re.sub(r"=/usr/local/sbin/postern ", "=/bin/true ", UNIT.read_text()))
    done = subprocess.run(("systemd-analyze", "security", "--offline=true", "--threshold=20",
                           "--no-pager", copy), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ignoring" not in done.stderr, done.stderr
    assert float(re.search(r"exposure level.*: ([\d.]+)", done.stdout).group(1)) <= 2.0


@pytest.mark.parametrize("path", ["lib/systemd/system/postern.service",
                                  "lib/sysusers.d/postern.conf", "lib/tmpfiles.d/postern.conf"])
def test_install_puts_it_in_place(tmp_path, path):
    subprocess.run(("make", "-s", "install-dist", f"DESTDIR={tmp_path}", "prefix=/usr"), cwd=ROOT,
                   check=True)
    text = (tmp_path / "usr" / path).read_text()
    assert "/usr/local/" not in text
    assert (tmp_path / "etc/logrotate.d/postern").is_file()


def test_the_service_has_the_user_that_is_made():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string(UNIT.read_text())
    user = unit["Service"]["User"]
    assert re.search(rf"^u\s+{user}\s", (ROOT / "dist/sysusers.d/postern.conf").read_text(), re.M)

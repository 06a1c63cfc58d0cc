"""What outlives a restart: who is banned, in the directory `state`."""

import json
import os
import re
import signal
import stat
import subprocess

import pytest

from lib.basics import PATIENCE_S, POSTERN
from test_upgrade import end, heirs, upgrade  # noqa: F401  (heirs is a fixture)

HEAD = "postern bans 1 1790000000000\n"


def run(one, *words):
    return subprocess.run((POSTERN, "-c", one.file, *words), capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False)


def bans(one):
    done = run(one, "--json", "status")
    assert done.returncode == 0, done.stderr
    return {ban["address"]: ban["seconds"] for ban in json.loads(done.stdout)["bans"]}


@pytest.fixture
def place(home):
    directory = home / "state"
    directory.mkdir()
    return directory


@pytest.fixture
def keeping(daemon, base, home, place):
    """A Postern with that directory: keeping()."""
    return lambda state=place, **more: daemon(
        base(control=home / "control.sock", state=state, workers=1), **more)


def warnings(one):
    return [event for event in one.events("state") if " warning " in event.line]


def test_bans_outlive_a_restart(keeping, place):
    one = keeping()
    assert run(one, "ban", "192.0.2.7", "1h").returncode == 0
    assert run(one, "ban", "2001:db8::7", "2h").returncode == 0
    assert one.stop() == 0
    file = place / "bans"
    assert os.listdir(place) == ["bans"] and stat.S_IMODE(file.stat().st_mode) == 0o600
    one = keeping()
    left = bans(one)
    assert set(left) == {"192.0.2.7", "2001:db8::/64"}
    assert 3500 < left["192.0.2.7"] <= 3601 and 7100 < left["2001:db8::/64"] <= 7201
    assert one.events("state")[0]["message"] == "2 bans go on" and not warnings(one)
    for address in ("192.0.2.7", "2001:db8::7"):
        assert run(one, "unban", address).returncode == 0
    # At once, too.
    assert one.stop(signal.SIGINT) == 0
    one = keeping()
    assert bans(one) == {} and one.events("state") == []
    assert one.stop() == 0


def test_what_has_ended_meanwhile(keeping, place):
    (place / "bans").write_text(HEAD.replace("179", "100") + "0000ffffc0000207 1000000600000 x\nend 1\n")
    (place / "bans").chmod(0o600)
    one = keeping()
    assert bans(one) == {} and one.events("state") == []
    assert one.stop() == 0


def test_nothing_to_keep_leaves_nothing(keeping, place):
    assert keeping().stop() == 0
    assert os.listdir(place) == []


@pytest.mark.parametrize("text", ["", HEAD, HEAD + "0000ffffc0000207 97900006",
                                  HEAD + "0000ffffc0000207 9790000600000 192.0.2.7\nend 2\n"])
def test_a_damaged_file_is_told_and_replaced(keeping, place, text):
    (place / "bans").write_text(text)
    (place / "bans").chmod(0o600)
    one = keeping()
    assert len(warnings(one)) == 1 and "is damaged" in warnings(one)[0]["message"]
    assert bans(one) == {}
    assert run(one, "ban", "192.0.2.9", "1h").returncode == 0
    assert one.stop() == 0
    one = keeping()
    assert list(bans(one)) == ["192.0.2.9"] and not warnings(one)
    assert one.stop() == 0


def foreign(file):
    file.write_text("mine\n")
    file.chmod(0o600)


def later(file):
    file.write_text("postern bans 2 1790000000000\nend 0\n")
    file.chmod(0o600)


def writable(file):
    file.write_text(HEAD + "0000ffffc0000207 9790000600000 192.0.2.7\nend 1\n")
    file.chmod(0o666)


def link(file):
    foreign(file.with_name("other"))
    file.symlink_to("other")


def directory(file):
    file.mkdir()


def fifo(file):
    os.mkfifo(file, 0o600)


@pytest.mark.parametrize("make", [foreign, later, writable, link, directory, fifo])
def test_what_is_not_ours_is_told_and_left_alone(keeping, place, make):
    file = place / "bans"
    make(file)
    before = [(path.name, path.lstat(), path.is_file() and path.read_bytes())
              for path in sorted(place.iterdir())]
    one = keeping()
    assert len(warnings(one)) == 1
    assert run(one, "ban", "192.0.2.9", "1h").returncode == 0
    assert list(bans(one)) == ["192.0.2.9"]
    assert one.stop() == 0
    assert [(path.name, path.lstat().st_mode, path.is_file() and path.read_bytes())
            for path in sorted(place.iterdir())] == [
                (name, status.st_mode, text) for name, status, text in before]


def test_a_directory_that_is_not_there(keeping, home):
    one = keeping(home / "nowhere", ready=False)
    assert one.wait_end() == 2
    assert re.search(r"\[postern\] state = \S+/nowhere: No such file or directory: make the directory",
                     one.log())
    done = run(one, "check")
    assert done.returncode == 2 and "/nowhere: No such file" in done.stderr


@pytest.mark.skipif(os.path.exists("/var/lib/postern"), reason="Postern is installed here")
def test_the_usual_one_may_be_missing(keeping):
    one = keeping("/var/lib/postern")
    assert run(one, "ban", "192.0.2.9", "1h").returncode == 0
    one.reload()
    assert one.stop() == 0
    assert one.events("state") == [] and not os.path.exists("/var/lib/postern")


def test_off(keeping):
    one = keeping("off")
    assert run(one, "ban", "192.0.2.9", "1h").returncode == 0
    assert one.stop() == 0
    assert one.events("state") == []


def test_the_next_programs_word_counts(keeping, place, heirs):  # noqa: F811
    """After an upgrade the older one, which ends later, writes nothing."""
    one = keeping()
    assert run(one, "ban", "192.0.2.7", "1h").returncode == 0
    new = upgrade(one, heirs)
    assert list(bans(one)) == ["192.0.2.7"]
    assert run(one, "unban", "192.0.2.7").returncode == 0
    assert run(one, "ban", "192.0.2.8", "1h").returncode == 0
    assert one.wait_end() == 0
    assert not (place / "bans").exists()
    end(one, new)
    text = (place / "bans").read_text()
    assert "192.0.2.8\nend 1\n" in text and "192.0.2.7" not in text

"""What is shipped beside the programs: the unit, the hook, and where `make install` puts things."""

import configparser
import grp
import os
import re
import ssl
import stat
import subprocess

import pytest

from lib import fake
from lib.basics import PATIENCE_S, ROOT, until
from lib.client import tls_client

UNIT = ROOT / "dist" / "postern.service"
HOOK = ROOT / "dist" / "postern-deploy-hook"


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
                                  "lib/sysusers.d/postern.conf", "lib/tmpfiles.d/postern.conf",
                                  "sbin/postern-deploy-hook",
                                  "share/bash-completion/completions/postern"])
def test_install_puts_it_in_place(tmp_path, path):
    subprocess.run(("make", "-s", "install-dist", f"DESTDIR={tmp_path}", "prefix=/usr"), cwd=ROOT,
                   check=True)
    text = (tmp_path / "usr" / path).read_text()
    assert "/usr/local/" not in text
    assert (tmp_path / "etc/logrotate.d/postern").is_file()
    assert os.access(tmp_path / "usr" / path, os.X_OK) == path.startswith("sbin/")


@pytest.mark.parametrize("words, prefix, etc", [((), "/usr/local", "/etc"),
                                                (("prefix=/usr",), "/usr", "/etc"),
                                                (("prefix=/opt/p", "sysconfdir=/opt/p/etc"),
                                                 "/opt/p", "/opt/p/etc")])
def test_what_is_installed_agrees_on_its_places(words, prefix, etc, tmp_path):
    """Programs and files are named where they are; what is not in /etc is named to `postern`."""
    subprocess.run(("make", "-s", "install-dist", f"DESTDIR={tmp_path}", *words), cwd=ROOT,
                   check=True)
    place = tmp_path / prefix[1:]
    unit = (place / "lib/systemd/system/postern.service").read_text()
    file = "" if etc == "/etc" else f" -c {etc}/postern/postern.ini"
    assert re.findall(r"^Exec\w+=(.*)$", unit, re.M) == [
        f"{prefix}/sbin/postern{file} {word}" for word in ("run", "reload")]
    assert f"{etc}/postern/keys}}" in (place / "sbin/postern-deploy-hook").read_text()
    made = (place / "lib/tmpfiles.d/postern.conf").read_text()
    assert re.findall(r"\S*/etc\S*", made) == [f"{etc}/postern", f"{etc}/postern/keys"]
    assert (tmp_path / etc[1:] / "logrotate.d/postern").is_file()


def test_uninstall_leaves_nothing_of_it(tmp_path):
    for target in ("install-dist", "uninstall"):
        subprocess.run(("make", "-s", target, f"DESTDIR={tmp_path}", "prefix=/usr"), cwd=ROOT,
                       check=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_service_has_the_user_that_is_made():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string(UNIT.read_text())
    user = unit["Service"]["User"]
    assert re.search(rf"^u\s+{user}\s", (ROOT / "dist/sysusers.d/postern.conf").read_text(), re.M)


# The hook for renewals.


def own_group():
    """A group other than what new files have anyway, where this user may give files to it."""
    others = [number for number in os.getgroups() if number != os.getegid()]
    if os.geteuid() == 0:
        others.append(grp.getgrnam("nogroup").gr_gid)
    return grp.getgrgid((others or [os.getegid()])[-1]).gr_name


@pytest.fixture
def keys(tmp_path):
    (tmp_path / "keys").mkdir()
    return tmp_path / "keys"


def environment(keys, **more):
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith(("LEGO_", "RENEWED_"))}
    return clean | {"POSTERN_KEYS": str(keys), "POSTERN_GROUP": own_group()} | {
        name: str(value) for name, value in more.items()}


def hook(keys, *words, **more):
    return subprocess.run((HOOK, *words), env=environment(keys, **more), capture_output=True,
                          text=True, timeout=PATIENCE_S, check=False)


def files(keys):
    return {str(path.relative_to(keys)): path.read_bytes() for path in keys.rglob("*")
            if path.is_file()}


def facts(path):
    status = path.stat()
    return stat.S_IMODE(status.st_mode), grp.getgrgid(status.st_gid).gr_name


@pytest.fixture
def lineage(tmp_path, authority):
    """As certbot has it."""
    place = tmp_path / "live" / "mail.test"
    place.mkdir(parents=True)
    (place / "fullchain.pem").symlink_to(authority.ecdsa.chain)
    (place / "privkey.pem").symlink_to(authority.ecdsa.key)
    return place


@pytest.mark.parametrize("client", ["certbot", "lego", "dehydrated", "other"])
def test_each_client_deploys(client, keys, authority, lineage):
    one = authority.ecdsa
    lego = keys.parent / "mail.test.crt"
    lego.write_bytes(one.chain.read_bytes())
    words, more = {
        "certbot": ((), {"RENEWED_LINEAGE": lineage}),
        "lego": ((), {"LEGO_CERT_PATH": lego, "LEGO_CERT_KEY_PATH": one.key}),
        "dehydrated": (("deploy_cert", "mail.test", one.key, "cert.pem", one.chain, "chain.pem",
                        "1700000000"), {}),
        "other": (("-n", "mail.test", one.chain, one.key), {}),
    }[client]
    done = hook(keys, *words, **more)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert files(keys) == {"mail.test/fullchain.pem": one.chain.read_bytes(),
                           "mail.test/privkey.pem": one.key.read_bytes()}
    assert facts(keys / "mail.test") == (0o750, own_group())
    for name in ("fullchain.pem", "privkey.pem"):
        assert facts(keys / "mail.test" / name) == (0o640, own_group())


def test_a_key_is_in_no_file_of_another_mode(keys, authority, tmp_path):
    """The new key waits to be read; its file is there already, and the old pair still is."""
    one, slow = authority.ecdsa, tmp_path / "slow"
    assert hook(keys, "-n", "mail.test", one.chain, one.key).returncode == 0
    before = files(keys)
    os.mkfifo(slow)
    process = subprocess.Popen((HOOK, "-n", "mail.test", authority.rsa.chain, slow),
                               env=environment(keys))
    with slow.open("wb") as key:  # it has opened it for reading by now
        (fresh,) = (keys / "mail.test").glob(".privkey.pem.*")
        assert facts(fresh) == (0o640, own_group())
        assert fresh.stat().st_size == 0
        assert before.items() <= files(keys).items()
        key.write(authority.rsa.key.read_bytes())
    assert process.wait(PATIENCE_S) == 0
    assert files(keys) == {"mail.test/fullchain.pem": authority.rsa.chain.read_bytes(),
                           "mail.test/privkey.pem": authority.rsa.key.read_bytes()}


def test_what_cannot_be_deployed_changes_nothing(keys, authority, tmp_path):
    one, empty = authority.ecdsa, tmp_path / "empty"
    empty.touch()
    assert hook(keys, "-n", "mail.test", one.chain, one.key).returncode == 0
    before = files(keys)
    for words, status in [((), 2), (("deploy",), 2), (("-n", "mail.test"), 2),
                          (("-n", "../mail.test", one.chain, one.key), 2),
                          (("-n", ".", one.chain, one.key), 2),
                          (("-n", "mail.test", one.chain, empty), 1),
                          (("-n", "mail.test", one.chain, tmp_path / "none"), 1),
                          (("deploy_challenge", "mail.test", "token", "value"), 0),
                          (("startup_hook",), 0)]:
        done = hook(keys, *words)
        assert (done.returncode, bool(done.stderr)) == (status, status != 0), (words, done.stderr)
        assert files(keys) == before
    assert hook(tmp_path / "none", "-n", "mail.test", one.chain, one.key).returncode == 1
    assert not (tmp_path / "none").exists()


def test_a_deployed_renewal_is_taken_by_itself(keys, authority, lineage, postern, backend):
    assert hook(keys, RENEWED_LINEAGE=lineage).returncode == 0
    proxy = postern(backend=backend(fake.Server()).address, listener={"certificate": "all"},
                    sections={"certificate all": {"dir": keys}})
    fresh = authority.server("deployed", "ec", ("mail.test", "localhost"))
    for link, source in {"fullchain.pem": fresh.chain, "privkey.pem": fresh.key}.items():
        (lineage / link).unlink()
        (lineage / link).symlink_to(source)
    assert hook(keys, RENEWED_LINEAGE=lineage).returncode == 0
    until(lambda: proxy.events("reloaded"), "the renewal is taken")
    with tls_client(proxy.address()) as client:
        assert client.tls.getpeercert(binary_form=True) == ssl.PEM_cert_to_DER_cert(fresh.pem)
    assert proxy.events("reload-failed") == []


def test_the_hook_is_in_good_shape():
    done = subprocess.run(("shellcheck", HOOK), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout

"""Certificates in a directory as certbot keeps it: what `postern certs` says, and a renewal."""

import json
import ssl
import subprocess
import time

import pytest

from lib import fake
from lib.basics import POSTERN, until
from lib.certs import openssl
from lib.client import tls_client
from lib.postern import configuration


@pytest.fixture
def live(authority, tmp_path):
    """live/NAME/fullchain.pem is a symbolic link into archive/, and so is the key."""
    for name, one in {"mail.test": authority.ecdsa, "rsa.test": authority.rsa}.items():
        directory, archive = tmp_path / "live" / name, tmp_path / "archive" / name
        directory.mkdir(parents=True)
        archive.mkdir(parents=True)
        for link, source in {"fullchain": one.chain, "privkey": one.key}.items():
            target = archive / f"{link}1.pem"
            target.write_bytes(source.read_bytes())
            target.chmod(0o600)
            (directory / f"{link}.pem").symlink_to(f"../../archive/{name}/{link}1.pem")
    (tmp_path / "live" / "README").write_text("This directory contains your keys.\n")
    return tmp_path / "live"


def certs(tmp_path, *more, **certificate):
    file = tmp_path / "postern.ini"
    file.write_text(configuration({
        "listener smtps": {"address": "127.0.0.1:465"},
        "listener submission": {"address": "127.0.0.1:587, 127.0.0.2:587", "tls": "required"},
        "certificate all": certificate, "backend mta": {"server": "127.0.0.1:25"}}))
    return subprocess.run((POSTERN, "certs", "-c", file, *more), capture_output=True, text=True,
                          check=False)


def key_digest(tmp_path, pem):
    """SHA-256 of a certificate's public key, as openssl has it."""
    key = openssl("x509", "-pubkey", "-noout", input=pem)
    der = tmp_path / "key.der"
    openssl("pkey", "-pubin", "-outform", "DER", "-out", der, input=key)
    return openssl("dgst", "-sha256", "-r", der).split()[0]


def test_tlsa_records_are_right(authority, tmp_path, live):
    done = certs(tmp_path, "--json", dir=live)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [one["path"] for one in told] == [str(live / name / "fullchain.pem")
                                             for name in ("mail.test", "rsa.test")]
    issuer = key_digest(tmp_path, authority.file.read_text())
    for one, made in zip(told, (authority.ecdsa, authority.rsa)):
        own = key_digest(tmp_path, made.pem)
        wanted = [f"_{port}._tcp.{name}. IN TLSA {record}" for name in ("localhost", "mail.test")
                  for port in (465, 587) for record in (f"3 1 1 {own}", f"2 1 1 {issuer}")]
        assert one["tlsa"] == wanted
        assert one["days_left"] in (19, 20)
        assert one["chain_complete"]
        assert one["issuer"] == "CN=Flow Test CA"
    assert [(one["key"], one["bits"]) for one in told] == [("ECDSA", 256), ("RSA", 2048)]


def test_text(authority, tmp_path):
    done = certs(tmp_path, chain=authority.ecdsa.chain, key=authority.ecdsa.key)
    assert done.returncode == 0, done.stderr
    lines = [line.split(None, 1) for line in done.stdout.splitlines()]
    assert lines[0][0] == "[certificate"
    assert dict(lines[1:8]) | {"expires": ""} == {
        "names": "localhost, mail.test", "subject": "CN=localhost", "issuer": "CN=Flow Test CA",
        "key": "ECDSA, 256 bits", "expires": "", "chain": "complete", "staple": "none"}
    assert len(lines) == 8 + 8


def test_what_is_wrong_is_told(authority, tmp_path):
    done = certs(tmp_path, chain=authority.ecdsa.chain, key=authority.rsa.key)
    assert done.returncode == 2
    assert "is not the key of the first certificate" in done.stderr


def shown(address):
    with tls_client(address) as client:
        return client.tls.getpeercert(binary_form=True)


def test_a_renewal_is_taken_by_itself(postern, backend, authority, live):
    """As certbot does it: new files in archive/, then the links are moved, the chain's first."""
    proxy = postern(backend=backend(fake.Server()).address, listener={"certificate": "all"},
                    sections={"certificate all": {"dir": live}})
    fresh = authority.server("renewed", "ec", ("mail.test", "localhost"))
    assert shown(proxy.address()) == ssl.PEM_cert_to_DER_cert(authority.ecdsa.pem)
    archive = live.parent / "archive" / "mail.test"
    for link, source in {"fullchain": fresh.chain, "privkey": fresh.key}.items():
        target = archive / f"{link}2.pem"
        target.write_bytes(source.read_bytes())
        target.chmod(0o600)
        (live / "mail.test" / "next").symlink_to(target)
        (live / "mail.test" / "next").rename(live / "mail.test" / f"{link}.pem")
        time.sleep(0.5)
    until(lambda: proxy.events("reloaded"), "the renewal is taken")
    assert shown(proxy.address()) == ssl.PEM_cert_to_DER_cert(fresh.pem)
    assert not proxy.events("reload-failed")

"""What programs that look for weak TLS find, and a second implementation of it: GnuTLS."""

import json
import shutil
import subprocess

import pytest

from lib import fake

NAME = "mail.test"
SEVERE = {"MEDIUM", "HIGH", "CRITICAL"}


def start(postern, backend, **listener):
    return postern(backend=backend(fake.Server()).address, listener=listener)


def run(*command, **more):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False, timeout=300, **more)


def where(proxy):
    return "{}:{}".format(*proxy.address())


@pytest.mark.long
@pytest.mark.parametrize("policy", ["modern", "intermediate"])
def test_testssl_finds_nothing(policy, postern, backend, authority, tmp_path):
    proxy = start(postern, backend, tls_policy=policy)
    found = tmp_path / "found.json"
    done = run("testssl", "--quiet", "--color", "0", "--warnings", "off", "--fast", "--ip", "one",
               "--add-ca", authority.file, "--protocols", "--std", "--fs", "--vulnerable",
               "--jsonfile", found, where(proxy), cwd=tmp_path)
    assert found.exists(), done.stdout + done.stderr
    findings = json.loads(found.read_text())
    assert len(findings) > 20, done.stdout
    severe = [one for one in findings if one["severity"] in SEVERE]
    assert not severe


@pytest.mark.parametrize("policy, versions", [("modern", {"TLSv1.3"}),
                                              ("intermediate", {"TLSv1.2", "TLSv1.3"})])
def test_sslscan_finds_nothing(policy, versions, postern, backend):
    proxy = start(postern, backend, tls_policy=policy)
    told = run("sslscan", "--no-colour", "--no-failed", where(proxy)).stdout
    for version in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"):
        state = "enabled" if version in versions else "disabled"
        assert f"{version:<9} {state}" in told, told
    for weak in ("CBC", "RC4", "3DES", "NULL", "MD5"):
        assert weak not in told.split("Supported Server Cipher(s):")[1].split("SSL Certificate")[0]


# It sends what it has without a look at what comes.
HASTY = {"pipelining": "tolerant", "early_talker": "tolerate"}
GNUTLS = "NORMAL:-VERS-ALL:+VERS-TLS1.{}"


@pytest.mark.parametrize("tls", ["implicit", "required"])
@pytest.mark.parametrize("version", [2, 3])
def test_gnutls_comes_in_by_certificate(version, tls, postern, backend, authority, tmp_path):
    client = authority.client(f"gnutls-{version}-{tls}")
    server = backend(fake.Server())
    proxy = postern(backend=server.address, tls=tls, listener={"clients": "devices"},
                    sections={"clients devices": {"ca": authority.file}}, policy=HASTY)
    address, port = proxy.address()
    more = ("--starttls-proto=smtp",) if tls == "required" else ()
    base = ("gnutls-cli", "--x509cafile", authority.file, "--verify-hostname", NAME,
            "--sni-hostname", NAME, "--priority", GNUTLS.format(version), "-p", port, *more)
    good = run(*base, "--x509certfile", client.chain, "--x509keyfile", client.key, address,
               input="EHLO c.test\r\nQUIT\r\n")
    assert "221 " in good.stdout, good.stdout + good.stderr
    assert proxy.sessions(1)[0]["client_certificate"] == "verified"
    before = len(server.talks)
    bad = run(*base, address, input="EHLO c.test\r\n")
    assert "5.7.0 A client certificate is required" in bad.stdout, bad.stdout + bad.stderr
    assert proxy.sessions(2)[1]["client_certificate"] == "none"
    assert len(server.talks) == before


@pytest.mark.parametrize("networks, gets_in", [("127.0.0.0/8", True), ("192.0.2.0/24", False)])
def test_legacy_is_for_its_networks(networks, gets_in, postern, backend):
    proxy = start(postern, backend, tls_policy="legacy", legacy_networks=networks)
    old = run("openssl", "s_client", "-tls1", "-cipher", "ALL:@SECLEVEL=0", "-connect",
              where(proxy), "-servername", NAME, input="")
    new = run("openssl", "s_client", "-connect", where(proxy), "-servername", NAME, input="")
    assert "TLSv1.3" in new.stdout
    first, second = proxy.sessions(2)
    assert first.get("tls") == ("TLSv1" if gets_in else None), old.stderr
    assert gets_in or first["reason"] == "handshake-failed"
    assert second["tls"] == "TLSv1.3"


def test_programs_are_there():
    """They are in `packages`; without them the tests above would fail with less to tell."""
    assert all(shutil.which(program) for program in ("testssl", "sslscan", "gnutls-cli"))

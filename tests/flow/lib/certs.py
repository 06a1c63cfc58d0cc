"""A certification authority of the tests' own, and what it has signed."""

import datetime
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAMES = ("localhost", "mail.test")


def openssl(*arguments, **more):
    done = subprocess.run(("openssl", *map(str, arguments)), capture_output=True, text=True, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Certificate:
    """A chain, root included, and its key, as files; and the certificate itself."""

    def __init__(self, directory, name):
        self.chain = directory / f"{name}.pem"
        self.key = directory / f"{name}.key"
        self.pem = ""


class Authority:
    """Makes a CA in the directory, and signs with it."""

    def __init__(self, directory):
        self.directory = directory
        self._ca = Certificate(directory, "ca")
        self._request("ca", "ec", "/CN=Flow Test CA", "-x509", "-days", "30",
                      "-addext", "basicConstraints=critical,CA:TRUE",
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.file = self._ca.chain
        self.ecdsa = self.server("ecdsa", "ec", NAMES)
        self.rsa = self.server("rsa", "rsa", NAMES)

    def _request(self, name, kind, subject, *more):
        made = Certificate(self.directory, name)
        key = {"ec": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), "rsa": ("rsa:2048",)}[kind]
        openssl("req", "-newkey", *key, "-nodes", "-subj", subject, "-keyout", made.key,
                "-out", made.chain, *more)
        made.key.chmod(0o600)
        return made

    def client(self, name, days=20, issuer=None, extension="extendedKeyUsage = clientAuth"):
        """A client certificate, of this authority or self-signed (issuer=False)."""
        if issuer is False:
            made = self._request(name, "ec", f"/CN={name}", "-x509", "-days", days)
            made.pem = made.chain.read_text()
            return made
        extensions = self.directory / f"{name}.ext"
        extensions.write_text(f"basicConstraints = CA:FALSE\n{extension}\n")
        made = self._request(name, "ec", f"/CN={name}")
        made.pem = openssl("x509", "-req", "-in", made.chain, "-CA", self._ca.chain,
                           "-CAkey", self._ca.key, "-CAcreateserial", "-days", days,
                           "-extfile", extensions)
        made.chain.write_text(made.pem)
        return made

    def named(self, name, common_name):
        """A client certificate of this authority whose CN is any text, as no tool would have it."""
        made = self._request(name, "ec", "/CN=x")
        key = serialization.load_pem_private_key(made.key.read_bytes(), None)
        authority = x509.load_pem_x509_certificate(self._ca.chain.read_bytes())
        signing = serialization.load_pem_private_key(self._ca.key.read_bytes(), None)
        attribute = x509.NameAttribute(NameOID.COMMON_NAME, common_name or " ", _validate=False)
        now = datetime.datetime.utcnow()
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        made.pem = x509.CertificateBuilder(
            authority.subject, x509.Name([attribute] if common_name else []), key.public_key(),
            x509.random_serial_number(), now, now + datetime.timedelta(days=9),
        ).add_extension(usage, False).sign(signing, hashes.SHA256()).public_bytes(
            serialization.Encoding.PEM).decode()
        made.chain.write_text(made.pem)
        return made

    def revocations(self, name, *revoked, days=5):
        """A revocation list with these certificates."""
        index = self.directory / f"{name}.index"
        index.write_text("")
        settings = self.directory / f"{name}.cnf"
        settings.write_text("[ca]\ndefault_ca = x\n[x]\n"
                            f"database = {index}\ndefault_md = sha256\n")
        base = ("ca", "-config", settings, "-cert", self._ca.chain, "-keyfile", self._ca.key)
        for one in revoked:
            openssl(*base, "-revoke", one.chain)
        path = self.directory / f"{name}.crl"
        openssl(*base, "-gencrl", "-crldays", days, "-out", path)
        return path

    def server(self, name, kind, dns_names):
        """A server certificate for the names."""
        extensions = self.directory / f"{name}.ext"
        extensions.write_text(
            "basicConstraints = CA:FALSE\nextendedKeyUsage = serverAuth\n"
            f"subjectAltName = {', '.join('DNS:' + one for one in dns_names)}\n"
        )
        made = self._request(name, kind, f"/CN={dns_names[0]}")
        made.pem = openssl("x509", "-req", "-in", made.chain, "-CA", self._ca.chain,
                           "-CAkey", self._ca.key, "-CAcreateserial", "-days", "20",
                           "-extfile", extensions)
        made.chain.write_text(made.pem + self.file.read_text())
        return made

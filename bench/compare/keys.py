"""Certificates and keys of a comparison: one authority, two servers, one client."""

import pathlib
import subprocess

NAME = "mail.test"


class Keys:
    """PEM files: `chain`, `key`, and `both` in one, by kind: ecdsa, rsa, client."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.ca = self.folder / "ca.pem"
        self._openssl("req", "-x509", *self._new("ec"), "-days", "30", "-subj", "/CN=Test CA",
                      "-addext", "basicConstraints=critical,CA:TRUE",
                      "-keyout", self.folder / "ca.key", "-out", self.ca)
        self._issue("ecdsa", "ec", NAME)
        self._issue("rsa", "rsa", NAME)
        self._issue("client", "ec", "client.test")

    @staticmethod
    def _new(kind):
        sort = {"ec": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
                "rsa": ("rsa", "-pkeyopt", "rsa_keygen_bits:2048")}[kind]
        return ("-newkey", *sort, "-nodes")

    @staticmethod
    def _openssl(*words):
        subprocess.run(("openssl", *map(str, words)), check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def _issue(self, name, kind, host):
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName=DNS:{host}\nbasicConstraints=critical,CA:FALSE\n"
                              "extendedKeyUsage=serverAuth,clientAuth\n")
        self._openssl("req", "-new", *self._new(kind), "-subj", f"/CN={host}",
                      "-keyout", self.key(name), "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca,
                      "-CAkey", self.folder / "ca.key", "-CAcreateserial", "-days", "30",
                      "-extfile", extensions, "-out", self.chain(name))
        self.both(name).write_text(self.chain(name).read_text() + self.key(name).read_text())
        for path in (self.key(name), self.both(name)):
            path.chmod(0o600)

    def chain(self, name):
        return self.folder / f"{name}.pem"

    def key(self, name):
        return self.folder / f"{name}.key"

    def both(self, name):
        return self.folder / f"{name}-both.pem"

"""What the gates share: the tree's files, C without its comments, and how a fault is told."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.chdir(ROOT)

# The folders whose code is shipped.
PRODUCT = ("base", "config", "certs", "proxy", "bench")

_faults = 0


def fault(path, line, why):
    """Reports one fault, in the form that editors jump to."""
    global _faults
    _faults += 1
    print(f"{path}:{line}: {why}" if line else f"{path}: {why}")


def finish():
    """Ends the gate: status 1 when there was any fault."""
    sys.exit(1 if _faults else 0)


def files(*suffixes):
    """The tree's own files, committed or about to be; without git (a tarball) all but build/."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if listing.returncode == 0:
        found = listing.stdout.decode().split("\0")
    else:
        found = [os.path.relpath(os.path.join(folder, name), ".")
                 for folder, _, names in os.walk(".") for name in names]
        found = [path for path in found
                 if not path.startswith(("build/", ".git/")) and "__pycache__" not in path]
    return sorted({path for path in found
                   if path and os.path.isfile(path) and path.endswith(suffixes or "")})


def product(*suffixes):
    return [path for path in files(*suffixes) if path.split("/")[0] in PRODUCT]


def read(path):
    with open(path, encoding="utf-8", errors="replace") as source:
        return source.read()


_TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def code_lines(text):
    """A C source's lines, comments blanked and strings emptied, numbers of lines unchanged."""
    def blank(match):
        token = match.group()
        if token[0] in "\"'":
            return token[0] * 2
        return " " + "\n" * token.count("\n")
    return _TOKEN.sub(blank, text).split("\n")

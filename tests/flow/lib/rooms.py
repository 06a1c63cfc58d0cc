"""
Mail servers that exclude each other as Debian packages, side by side: each is unpacked into a
directory, with the libraries it needs, and runs there under chroot(2), with its own paths.
"""

import fcntl
import os
import pathlib
import re
import shutil
import stat
import subprocess

CACHE = pathlib.Path(
    os.environ.get("POSTERN_MTA_CACHE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    / "postern-mta")

USERS = {"nobody": 65534, "mail": 8, "Debian-exim": 60101, "opensmtpd": 60102, "opensmtpq": 60103,
         "smmta": 60104, "smmsp": 60105, "dovecot": 60106, "dovenull": 60107}

DEVICES = {"null": (1, 3), "urandom": (1, 9)}


class Unavailable(Exception):
    """The server cannot be had here; the text says why."""


def run(*arguments, **more):
    done = subprocess.run(tuple(map(str, arguments)), capture_output=True, text=True, **more)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["failed"]
        raise Unavailable(f"{arguments[0]}: {said[-1]}")
    return done.stdout


def archives(package):
    """The package and what it needs and the system lacks, as .deb files in the cache."""
    try:
        CACHE.mkdir(parents=True, exist_ok=True)
        with (CACHE / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return fetch(package)
    except OSError as error:
        raise Unavailable(str(error)) from None


def fetch(package):
    done = CACHE / f"{package}.list"
    if done.exists():
        found = [CACHE / name for name in done.read_text().split()]
        if all(path.exists() for path in found):
            return found
    plan = run("apt-get", "-s", "install", "--no-install-recommends", package)
    wanted = {package, *re.findall(r"^Inst (\S+)", plan, re.MULTILINE)}
    folder = CACHE / package
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    run("apt-get", "download", *sorted(wanted), cwd=folder)
    names = [f"{package}/{path.name}" for path in folder.glob("*.deb")]
    done.write_text("\n".join(names))
    return [CACHE / name for name in names]


class Room:
    """A directory with a package in it, as the root of a file system."""

    def __init__(self, directory, package, programs):
        if os.geteuid() != 0:
            raise Unavailable("chroot needs root")
        self.root = directory
        packages = archives(package)
        directory.mkdir()
        for archive in packages:
            run("dpkg", "-x", archive, directory)
        self._make_system()
        for program in programs:
            self.add_libraries(program)

    def path(self, inside):
        return self.root / inside.lstrip("/")

    def write(self, inside, text, mode=0o644):
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def folder(self, inside, owner="root", mode=0o755):
        path = self.path(inside)
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        uid = USERS.get(owner, 0)
        os.chown(path, uid, uid)

    def start(self, *command, log):
        """A server in the foreground."""
        with log.open("ab") as output:
            return subprocess.Popen(("chroot", self.root, *map(str, command)), cwd="/",
                                    stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                    start_new_session=True, env={"PATH": "/usr/sbin:/usr/bin"})

    def run(self, *command, **more):
        return run("chroot", self.root, *command, **more)

    def _make_system(self):
        lines = [f"{name}:x:{uid}:{uid}::/:/bin/false" for name, uid in USERS.items()]
        self.write("/etc/passwd", "root:x:0:0::/:/bin/false\n" + "\n".join(lines) + "\n")
        groups = [f"{name}:x:{uid}:" for name, uid in USERS.items()]
        self.write("/etc/group", "root:x:0:\n" + "\n".join(groups) + "\n")
        self.write("/etc/hosts", "127.0.0.1 localhost mx.mail.test\n")
        self.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")
        self.write("/etc/resolv.conf", "")
        for name in ("dev", "run", "tmp", "var/run"):
            self.folder(f"/{name}")
        for name, (major, minor) in DEVICES.items():
            device = self.path(f"/dev/{name}")
            try:
                os.mknod(device, stat.S_IFCHR, os.makedev(major, minor))
                device.chmod(0o666)
                device.open("rb").close()
            except OSError as error:
                raise Unavailable(f"no devices in {self.root}: {error.strerror}") from None

    def add_libraries(self, program):
        """What the program is linked with, as far as it was not unpacked here."""
        own = [str(path) for pattern in ("*-linux-gnu*", "dovecot")
               for path in self.root.glob(f"usr/lib/{pattern}")]
        env = os.environ | {"LD_LIBRARY_PATH": ":".join(own)}
        for library in re.findall(r"(?:=> )?(/\S+) \(0x", run("ldd", self.path(program), env=env)):
            if not library.startswith(str(self.root)):
                target = self.path(library)
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    shutil.copy(library, target)

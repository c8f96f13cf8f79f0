"""A real sshd on loopback whose addresses pose as machines, and a home from which they are known.

Rules. Everything is made in one directory: host keys, the key that logs in, the client's configuration. It runs as
whoever runs the tests, root or not; only that user can log in.
"""

import contextlib
import getpass
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ENABLE = "`apt-get install openssh-server` (no service need run) enables this test"
USER = getpass.getuser()


def program() -> str:
    """The path of sshd; the test is skipped where there is none."""
    found = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None or shutil.which("ssh-keygen") is None:
        pytest.skip(f"no sshd on this machine; {ENABLE}")
    return found


def keygen(path: Path, *options: str) -> Path:
    """A new private key, its public half beside it."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, *options, "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return path


class Sshd:
    """One daemon. ``settings`` are lines of sshd_config(5)."""

    def __init__(self, place: Path, *settings: str, addresses: Sequence[str] = ("127.0.0.1",)) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.place = place
        self.addresses = addresses
        self.host_key = place / "host_key"
        if not self.host_key.exists():
            keygen(self.host_key)
        self.authorized = place / "authorized_keys"
        self.authorized.touch()
        self.port = _free_port()
        self.home = place / "home"  # of who logs in: what a person's shell does there is not what is tested
        self.home.mkdir(exist_ok=True)
        self._settings = settings
        self._daemon: subprocess.Popen[bytes] | None = None

    @property
    def key(self) -> str:
        """The public host key: its type and its base64."""
        return " ".join(self.host_key.with_name("host_key.pub").read_text().split()[:2])

    @property
    def log(self) -> str:
        """What the daemon said."""
        return (self.place / "log").read_text(errors="replace")

    def start(self) -> None:
        """Start it, and wait until it listens."""
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd wants it, and only its package makes it
        lines = [
            *self._settings,  # the first that says something is right
            *(f"ListenAddress {address}:{self.port}" for address in self.addresses),
            f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {self.authorized}",
            f"PidFile {self.place / 'pid'}",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin yes",
            "KexAlgorithms curve25519-sha256@libssh.org",  # half the time of what the two prefer
            "MaxStartups 200",
            f"SetEnv HOME={self.home}",
            "LogLevel VERBOSE",
        ]
        (self.place / "sshd_config").write_text("\n".join(lines) + "\n")
        with (self.place / "log").open("ab") as log:
            self._daemon = subprocess.Popen(
                [program(), "-D", "-e", "-f", str(self.place / "sshd_config")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection((self.addresses[-1], self.port), timeout=1):
                return
            assert self._daemon.poll() is None, self.log
            time.sleep(0.01)  # until it listens
        raise AssertionError(self.log)

    def stop(self) -> None:
        """Stop it, and every connection that it serves."""
        if self._daemon is None:
            return
        os.kill(self._daemon.pid, signal.SIGSTOP)  # nobody new comes in meanwhile
        self.drop()
        self._daemon.kill()
        self._daemon.wait()
        self._daemon = None

    def drop(self) -> None:
        """Drop every connection that it serves, without a word; what runs there goes on."""
        for pid in self.serving():
            with contextlib.suppress(OSError):  # one ends the other
                os.kill(pid, signal.SIGKILL)

    def serving(self) -> list[int]:
        """The processes of sshd that serve connections (not the programs in them)."""
        assert self._daemon is not None
        found, parents = [], {self._daemon.pid}
        for _ in range(3):  # a connection is a child, with privilege separation a grandchild too
            children = [
                pid
                for pid, parent, name in _table()
                if parent in parents and name.startswith("sshd") and pid not in found
            ]
            found += children
            parents = set(children)
        return found


class Home:
    """A home with ``.ssh``: a key that is let in, and machines that are known."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.ssh = place / ".ssh"
        self.ssh.mkdir(parents=True, mode=0o700)
        self.key = keygen(self.ssh / "id_ed25519")
        self.known_hosts = self.ssh / "known_hosts"
        self.config = self.ssh / "config"
        self.config.write_text("")

    def let_in(self, sshd: Sshd, key: Path | None = None) -> None:
        """Let a key in."""
        public = (key or self.key).with_name(f"{(key or self.key).name}.pub").read_text()
        with sshd.authorized.open("a") as file:
            file.write(public)

    def know(self, name: str, key: str, marker: str = "") -> None:
        """Add a line to known_hosts."""
        with self.known_hosts.open("a") as file:
            file.write(f"{marker} {name} {key}\n".lstrip())

    def call(self, alias: str, sshd: Sshd, address: str = "127.0.0.1", **options: str) -> str:
        """Add a machine to the configuration, under a name that nothing else has."""
        lines = [f"Host {alias}", f"  HostName {address}", f"  Port {sshd.port}", f"  User {USER}"]
        lines += [f"  {name} {value}" for name, value in options.items()]
        with self.config.open("a") as file:
            file.write("\n".join(lines) + "\n")
        return alias

    @property
    def options(self) -> list[str]:
        """What the system's ssh has to be told of this home, which it would not look for under HOME."""
        told = [f"UserKnownHostsFile={self.known_hosts}", "GlobalKnownHostsFile=/dev/null", f"IdentityFile={self.key}"]
        return ["-F", str(self.config), *(word for option in told for word in ("-o", option))]

    def openssh(self, place: Path) -> Path:
        """A directory with the real ``ssh``, told of this home."""
        place.mkdir(exist_ok=True)
        script = place / "ssh"
        script.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} {shlex.join(self.options)} "$@"\n')
        script.chmod(0o755)
        return place


@contextlib.contextmanager
def running(place: Path, *settings: str, addresses: Sequence[str] = ("127.0.0.1",)) -> Iterator[Sshd]:
    """A daemon that runs."""
    sshd = Sshd(place, *settings, addresses=addresses)
    sshd.start()
    try:
        yield sshd
    finally:
        sshd.stop()


def _free_port() -> int:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return int(it.getsockname()[1])


def _table() -> list[tuple[int, int, str]]:
    """Process id, parent and name of everything that runs (proc_pid_stat(5))."""
    table = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            text = (entry / "stat").read_text(errors="replace")
            table.append((int(entry.name), int(text.rpartition(")")[2].split()[1]), text.partition("(")[2]))
    return table

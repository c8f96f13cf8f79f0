"""A real PostgreSQL server for tests: made in a directory of its own, on loopback, gone afterwards."""

import contextlib
import copy
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

PASSWORD = "pa55-word/with@signs:%"
"""The password of the server's owner: every sign in it that a URL must have encoded."""
ENCODED = "pa55-word%2Fwith%40signs%3A%25"
PATIENCE = 60
_UNTIL_WE_END = '"$@" <&- & read -r how; kill -s "${how:-QUIT}" "$!"; wait "$!"'
"""Runs a server until it is told to stop, or this process ends in whatever way: then the pipe to it is closed."""


class Postgres:
    """A server that runs. ``url`` is that of its database ``app`` for the user ``app``."""

    def __init__(self, home: Path, binaries: Path, user: str | None, connections: int) -> None:
        """Make the files of a server, and start it."""
        self._connections = connections
        self.data = home / "data"
        self.binaries = binaries
        self._user = user
        self._log = home / "log"
        (home / "password").write_text(PASSWORD)
        if user is not None:
            shutil.chown(home, user)
            shutil.chown(home / "password", user)
        self._program(
            *("initdb", "-D", self.data, "-U", "app", "-A", "scram-sha-256", "--pwfile", home / "password"),
            *("--no-sync", "-E", "UTF8", "--locale=C"),
        )
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.start()
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            connection.execute("create database app")

    @property
    def url(self) -> str:
        """The URL of the database, with its password."""
        return self.url_of("app")

    def url_of(self, database: str, *, user: str = "app", password: str = ENCODED, host: str = "127.0.0.1") -> str:
        """A URL on this server."""
        return f"postgresql://{user}:{password}@{host}:{self.port}/{database}"

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables by which a client finds the database."""
        where = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGDATABASE": "app"}
        return {**where, "PGUSER": "app", "PGPASSWORD": PASSWORD}

    def do(self, statement: str, *params: object) -> list[tuple[Any, ...]]:
        """Carry out a statement behind the back of what is tested; its rows."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), params or None)
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = ("fsync=off", "listen_addresses=127.0.0.1", "unix_socket_directories=")
        most = f"max_connections={self._connections}"
        command: list[str | Path] = [
            self.binaries / "postgres",
            "-D",
            self.data,
            "-p",
            str(self.port),
            *_each("-c", (*settings, most)),
        ]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                ["sh", "-c", _UNTIL_WE_END, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
                user=self._user,
            )
        self.ready()

    def ready(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(self.url_of("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                assert self._server.poll() is None, self._log.read_text()
                assert time.monotonic() < until, self._log.read_text()
                time.sleep(0.02)  # another process comes up
            else:
                return

    def stop(self, how: str = "INT") -> None:
        """Stop it: INT lets it close every connection, QUIT drops everything at once."""
        self._server.communicate(f"{how}\n", timeout=PATIENCE)

    def kill(self) -> None:
        """Kill its processes, all at once, as a machine that loses its power does."""
        first = int((self.data / "postmaster.pid").read_text().split()[0])
        every = [first, *_children(first)]
        for pid in every:
            with contextlib.suppress(ProcessLookupError):  # one ends the other
                os.kill(pid, signal.SIGKILL)
        self._server.communicate(timeout=PATIENCE)
        until = time.monotonic() + PATIENCE
        while any(_lives(pid) for pid in every):
            assert time.monotonic() < until, self._log.read_text()
            time.sleep(0.01)  # what they share is theirs until then

    @contextmanager
    def standby(self) -> Iterator["Postgres"]:
        """Another server that has what this one has, and takes no writes of its own."""
        home = Path(tempfile.mkdtemp(prefix=f"runbook-standby-{secrets.token_hex(4)}-"))
        other = copy.copy(self)
        other.data, other._log = home / "data", home / "log"
        try:
            if self._user is not None:
                shutil.chown(home, self._user)
            self._program("pg_basebackup", "-D", other.data, "-R", "-c", "fast", "-d", self.url_of("postgres"))
            with socket.create_server(("127.0.0.1", 0)) as free:
                other.port = free.getsockname()[1]
            other.start()
            yield other
            other.stop("QUIT")
        finally:
            shutil.rmtree(home)

    def running(self, part: str) -> list[int]:
        """The process ids of the sessions that carry out a statement with this text in it."""
        found = self.do(
            "select pid from pg_stat_activity where state = 'active' and pid <> pg_backend_pid()"
            " and position(%s in query) > 0",
            part,
        )
        return [pid for (pid,) in found]

    def _program(self, name: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [self.binaries / name, *arguments], user=self._user, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _state_and_parent(pid: int) -> tuple[str, int]:
    """The state of a process and who started it (proc_pid_stat(5)); OSError where there is none."""
    state, parent = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
    return state, int(parent)


def _children(parent: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if _state_and_parent(int(entry.name))[1] == parent:
                found.append(int(entry.name))
    return found


def _lives(pid: int) -> bool:
    """Whether a process has not ended. One that nobody has waited for has: it stays in the table if we inherited it."""
    try:
        return _state_and_parent(pid)[0] not in {"Z", "X"}
    except OSError:
        return False


def _each(flag: str, values: tuple[str, ...]) -> list[str]:
    return [word for value in values for word in (flag, value)]


def _binaries() -> Path | None:
    """Where the programs of the newest server on this machine are."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    found_all = [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), *Path("/usr").glob("pgsql-*/bin/initdb")]
    versions = [path.parent for path in found_all]
    return max(versions, key=lambda path: float(path.parent.name.removeprefix("pgsql-")), default=None)


def _unprivileged() -> str | None:
    """Who is to run it: the server refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


@contextmanager
def postgres(connections: int = 30) -> Iterator[Postgres]:
    """A server; the test is skipped, and says so, where none is installed."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server on this machine; `apt-get install postgresql` enables this test")
    home = Path(tempfile.mkdtemp(prefix=f"runbook-postgres-{secrets.token_hex(4)}-"))
    server = None
    try:
        server = Postgres(home, binaries, _unprivileged(), connections)
        yield server
    finally:
        if server is not None:
            server.stop("QUIT")
        shutil.rmtree(home)

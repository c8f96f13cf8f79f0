"""Performs actions in the real world: HTTP, programs, databases, files, the environment, with a limit on each attempt.

Rules. The limit of an attempt holds for all that its kind does together. Secrets are put in here, at the last moment.
A person's word to stop reaches whatever runs. What a kind raises that is not a :class:`WorldError` becomes one, since
nobody knows then what has happened; only what the output callback raised goes through as it is.
"""

import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from runbook.model.canonical import JsonObject
from runbook.model.diagnostics import Refused
from runbook.model.io import (
    Cancelled,
    HttpRequest,
    HttpResponse,
    Lost,
    NotSent,
    Performs,
    Process,
    ProcessResult,
    SqlQuery,
    SqlResult,
    TimedOut,
    WorldError,
)
from runbook.model.secrets import SecretText, Text
from runbook.world.clock import RealClock
from runbook.world.descendants import action_of
from runbook.world.http import Exchange, HttpClient
from runbook.world.limits import limit_of
from runbook.world.places import placed
from runbook.world.processes import Output, Program
from runbook.world.secrets import SecretStore

if TYPE_CHECKING:
    from runbook.world.sql import Statement
    from runbook.world.ssh import Running, SshClient

LARGEST_FILE = 1024 * 1024
"""Bytes that :meth:`RealIo.read` reads at most."""


class RealIo:
    """The world as the kind of one attempt sees it."""

    def __init__(
        self,
        *,
        secrets: SecretStore,
        client: HttpClient,
        ssh: "Callable[[], SshClient]",
        directory: str,
        output: Output,
        limit: int | None = None,
        changes: bool = False,
        action: str = "",
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Begin an attempt; its limit counts from here.

        :param secrets: what looks secrets up.
        :param client: the HTTP client of the run.
        :param ssh: makes or finds the SSH client of the run, which few runs need.
        :param directory: the working directory of the run.
        :param output: takes what programs write, while they run.
        :param limit: milliseconds for all of it, or None.
        :param changes: whether it may change something; a database is held to that.
        :param action: by what name its programs are found again if this process is killed.
        :param environ: the variables of this process.
        """
        self._changes = changes
        self._environ = environ
        self._action = action
        self._secrets = secrets
        self._client = client
        self._ssh = ssh
        self._directory = directory
        self._output = output
        self._until = None if limit is None else time.monotonic() + limit / 1000
        self._lock = threading.Lock()
        self._running: Program | Exchange | Statement | Running | None = None
        self._level = 0
        self._clock = RealClock()

    def http(self, request: HttpRequest) -> HttpResponse:
        """Send one request and read its answer."""
        exchange = self._client.exchange(request, self._left())
        with self._stoppable(exchange):
            return exchange.run()

    def run(self, process: Process, *, quiet: bool = False) -> ProcessResult:
        """Run one program to its end."""
        env = self.environ()
        for name in self._secrets.withheld:
            env.pop(name, None)
        env.update((name, self._plain(value)) for name, value in process.env.items())
        with _written({name: self._plain(text) for name, text in process.files.items()}) as paths:
            program = Program(
                process.argv,
                env=env | paths,
                cwd=str(placed(self._directory, process.cwd or "")),
                stdin=b"" if process.stdin is None else self._plain(process.stdin).encode(),
                limit=self._left(),
                output=None if quiet else self._output,
                action=self._action,
            )
            with self._stoppable(program):
                return program.run()

    def sql(self, query: SqlQuery) -> SqlResult:
        """Have a database carry out one statement."""
        from runbook.world.sql import Statement  # few runs need it

        statement = Statement(
            query,
            value_of=self._secrets.value_of,
            directory=self._directory,
            limit=self._left(),
            changes=self._changes,
        )
        with self._stoppable(statement):
            return statement.run()

    def ssh(self, host: str, process: Process, *, transport: str, quiet: bool = False) -> ProcessResult:
        """Run one program on another machine to its end."""
        from runbook.world.ssh_wrapper import Order  # few runs need it

        order = Order(
            argv=process.argv,
            env={name: self._plain(value) for name, value in process.env.items()},
            cwd=process.cwd,
            stdin=b"" if process.stdin is None else self._plain(process.stdin).encode(),
            files={name: self._plain(text) for name, text in process.files.items()},
        )
        output = None if quiet else self._output
        running = self._ssh().program(host, order, transport=transport, limit=self._left(), output=output)
        with self._stoppable(running):
            return running.run()

    def environ(self) -> dict[str, str]:
        """The variables of this process."""
        return dict(self._environ)

    def secret_values(self) -> Mapping[str, str]:
        """The runbook's secrets that can be read."""
        return self._secrets.look()

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        try:
            with open(placed(self._directory, path), "rb", opener=_without_waiting) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise NotSent(f"`{path}` is no regular file", "name a file")
                data = file.read(LARGEST_FILE + 1)
        except OSError as error:
            why = os.strerror(error.errno or 0).lower()
            raise NotSent(f"`{path}` cannot be read: {why}", f"look at `ls -l {path}`") from error
        if len(data) > LARGEST_FILE:
            raise NotSent(f"`{path}` is larger than 1 MiB", "name a smaller file")
        return data

    def now(self) -> str:
        """The time of day."""
        return self._clock.now()

    def mono(self) -> int:
        """Milliseconds that never go back."""
        return self._clock.mono()

    def wait(self, ms: int) -> None:
        """Wait, but not beyond the limit of the attempt, nor when a person has stopped it."""
        left = self._left()
        if ms and not self._level:
            self._clock.wait(ms if left is None else min(ms, left))
        if self._level:
            raise Cancelled("stopped by a person")
        self._left()

    def cancel(self, level: int) -> None:
        """Stop what runs, from another thread: 1 asks, 2 insists, 3 kills; and let nothing more of this begin."""
        with self._lock:
            self._level = max(self._level, level)
            self._clock.wake()
            if self._running is not None:
                self._running.cancel(level)

    def _plain(self, text: Text) -> str:
        return text.resolve(self._secrets.value_of) if isinstance(text, SecretText) else text

    def _left(self) -> int | None:
        """The milliseconds that are left of the attempt."""
        if self._until is None:
            return None
        left = round((self._until - time.monotonic()) * 1000)
        if left <= 0:
            raise TimedOut("the time of this attempt is used up", "raise `timeout`")
        return left

    @contextmanager
    def _stoppable(self, running: "Program | Exchange | Statement | Running") -> Iterator[None]:
        with self._lock:
            if self._level:
                raise Cancelled("stopped before it began")
            self._running = running
        try:
            yield
        finally:
            with self._lock:
                self._running = None


class RealWorld:
    """Performs the actions of a run in the real world; from several threads, if need be."""

    def __init__(
        self,
        *,
        secrets: SecretStore,
        output: Callable[[str, str, bytes], None],
        directory: str = ".",
        run: tuple[str, str] = ("", ""),
    ) -> None:
        """Touch nothing yet.

        :param secrets: what looks secrets up.
        :param output: takes what programs write, while they run: the address of the step, the name of the stream, the
            bytes.
        :param directory: the working directory of the run.
        :param run: the store and the id of the run, by which what it starts is found again if this process is killed.
        """
        self._secrets = secrets
        self._output = output
        self._directory = directory
        self._run = run
        self._environ = dict(os.environ)  # a copy decodes each variable, which is not for every program
        self._client = HttpClient(value_of=secrets.value_of, carries=secrets.carried, directory=directory)
        self._ssh: SshClient | None = None
        self._lock = threading.Lock()
        self._attempts: set[RealIo] = set()

    def perform(self, address: str, kind: Performs, timeout: int | None, *, changes: bool = False) -> JsonObject:
        """Perform the action of one attempt and return its raw observation.

        :raises WorldError: of the right class.
        """
        failed: list[Exception] = []

        def output(stream: str, chunk: bytes) -> None:
            try:
                self._output(address, stream, chunk)
            except Exception as error:
                failed.append(error)
                raise

        limit = limit_of(kind, timeout)
        io = RealIo(
            secrets=self._secrets,
            client=self._client,
            ssh=self._ssh_client,
            directory=self._directory,
            output=output,
            limit=limit,
            changes=changes,
            action=action_of(*self._run, address),
            environ=self._environ,
        )
        with self._lock:
            self._attempts.add(io)
        try:
            return kind.perform(io)
        except WorldError:
            raise
        except Refused as refused:  # a secret that went away after the driver had looked
            first = refused.diagnostics[0]
            raise NotSent(first.message, first.help) from refused
        except Exception as error:
            if error in failed:
                raise
            raise Lost(f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]) from error
        finally:
            with self._lock:
                self._attempts.discard(io)

    def cancel(self, level: int) -> None:
        """Stop what runs, from another thread: 1 asks (SIGINT), 2 insists (SIGTERM), 3 kills (SIGKILL)."""
        with self._lock:
            attempts = tuple(self._attempts)
        for io in attempts:
            io.cancel(level)

    def _ssh_client(self) -> "SshClient":
        from runbook.world.ssh import SshClient  # few runs need it

        with self._lock:
            self._ssh = self._ssh or SshClient(withheld=self._secrets.withheld)
            return self._ssh

    def close(self) -> None:
        """Close kept connections; the secrets are others' to forget, who may need them for something else."""
        self._client.close()
        if self._ssh is not None:
            self._ssh.close()


@contextmanager
def _written(files: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Private files of those texts, and their paths by the same names; gone afterwards."""
    if not files:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="runbook-") as directory:
        paths = {name: Path(directory, str(number)) for number, name in enumerate(files)}
        for name, path in paths.items():
            path.touch(mode=0o600, exist_ok=False)
            path.write_bytes(files[name].encode())
        yield {name: str(path) for name, path in paths.items()}


def _without_waiting(path: str, flags: int) -> int:
    """Open, also a pipe that nobody writes to."""
    return os.open(path, flags | os.O_NONBLOCK)

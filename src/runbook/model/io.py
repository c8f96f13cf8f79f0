"""The one seam to the world, as a protocol: what a kind may ask for when it performs.

What can go wrong is drawn here, because blame decides the outcome::

    WorldError
    ├── NotSent      nothing left this machine: failed, nothing changed
    ├── TimedOut     sent, and no answer in time: unknown for a change, failed for a read
    ├── Lost         sent, and the connection or process was lost: the same
    └── Cancelled    a person stopped it: the same
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from runbook.model.canonical import Json
from runbook.model.secrets import Resolved, Text


class WorldError(Exception):
    """Something outside went wrong; ``reason`` is one line for the log, ``help`` one act that the reader can do."""

    def __init__(self, reason: str, help: str = "") -> None:  # noqa: A002 - the word every diagnostic uses
        """Carry what happened and what to do about it."""
        super().__init__(reason)
        self.reason = reason
        self.help = help


class NotSent(WorldError):  # noqa: N818 - named for what happened
    """It surely did not happen: the name did not resolve, the connection was refused, the program does not exist."""


class TimedOut(WorldError):  # noqa: N818
    """It was sent and did not answer in time."""


class Lost(WorldError):  # noqa: N818
    """It was sent and the way back was lost."""


class Cancelled(WorldError):  # noqa: N818
    """A person stopped it while it ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One HTTP request. A secret may stand in the URL of a webhook only."""

    method: str
    url: Text
    headers: Mapping[str, Text] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    json: object = None
    form: Mapping[str, Text] | None = None
    body: Text | None = None
    auth: tuple[Text, Text] | None = None
    follow_redirects: bool = False
    ca_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """What came back. ``text`` is decoded with replacement; ``size`` counts the bytes of the body before any cut.

    ``truncated`` says that ``text`` holds the beginning only.
    """

    status: int
    headers: Mapping[str, str]
    text: str
    size: int
    elapsed_ms: int
    url: str
    tls_days_left: int | None = None
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A program to run here: no shell unless ``argv`` names one, no terminal, standard input empty unless given.

    ``files`` are texts by the name of an environment variable: each is written to a private file that is gone when the
    program has ended, and the variable holds its path.
    """

    argv: tuple[str, ...]
    env: Mapping[str, Text] = field(default_factory=dict)
    cwd: str | None = None
    stdin: Text | None = None
    files: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessResult:
    """How a program ended. Outputs are decoded with replacement and capped; ``truncated`` says that bytes are missing.

    ``exit_code`` is None when a signal ended it, and ``signal`` then its name (``SIGKILL``).
    ``incomplete`` says that something the program left behind still held its output open.
    ``replaced`` says that bytes that are no UTF-8 stand as U+FFFD.
    """

    exit_code: int | None
    signal: str | None
    stdout: str
    stderr: str
    duration_ms: int
    truncated: bool = False
    incomplete: bool = False
    replaced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlQuery:
    """One SQL statement with the values of its parameters, by name, and the URL of the database it goes to."""

    database: Text
    statement: str
    params: Mapping[str, Resolved] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlResult:
    """What a database answered. ``rows`` are the first ones only where there were many, ``row_count`` is all of them.

    Where the statement returned no rows, ``row_count`` is how many it changed.
    """

    rows: Sequence[Mapping[str, Json]]
    columns: Sequence[str]
    row_count: int
    elapsed_ms: int


class Io(Protocol):
    """The world as a kind sees it. Time limits are the caller's: an attempt that takes too long raises TimedOut.

    Each method raises a :class:`WorldError` of the right class. Secrets in the arguments are looked up inside.
    """

    def http(self, request: HttpRequest) -> HttpResponse:
        """Send one request and read its answer."""

    def run(self, process: Process, *, quiet: bool = False) -> ProcessResult:
        """Run one program to its end; ``quiet`` keeps its output off the screen and out of the output files."""

    def sql(self, query: SqlQuery) -> SqlResult:
        """Have a database carry out one statement, in a transaction of its own that only a change may write in."""

    def ssh(self, host: str, process: Process, *, transport: str, quiet: bool = False) -> ProcessResult:
        """Run one program on another machine to its end.

        :param host: ``HOST`` or ``USER@HOST``; HOST is an alias of the ssh configuration, a name or an address.
        :param process: the program; its directory and its files are there.
        :param transport: ``paramiko``, the built-in client, or ``openssh``, the ssh of this machine.
        :param quiet: keeps its output off the screen and out of the output files.
        """

    def environ(self) -> Mapping[str, str]:
        """The variables of this process."""

    def secret_values(self) -> Mapping[str, str]:
        """The runbook's secrets by name, byte-exact; for rules about their bytes, never for an observation."""

    def read(self, path: str) -> bytes:
        """The bytes of a file (at most 1 MiB), its path relative to the working directory of the run."""

    def now(self) -> str:
        """The time of day as RFC 3339 in UTC with milliseconds."""

    def mono(self) -> int:
        """Milliseconds since some fixed moment; never goes back."""

    def wait(self, ms: int) -> None:
        """Return after so many milliseconds; with 0, see to it that there is time left and nobody wants it stopped."""


class World(Protocol):
    """What performs an action: the real one through :class:`Io`, or a scripted one that was told what happens."""

    def perform(self, address: str, kind: "Performs", timeout: int | None, *, changes: bool = False) -> dict[str, Json]:
        """Perform the action of one attempt and return its raw observation.

        :param address: the address of the step, without visit.
        :param timeout: milliseconds, or None for the kind's own limit.
        :param changes: whether it may change something; what can be held to that, such as a database, is.
        :raises WorldError: of the right class.
        """


class Performs(Protocol):
    """The part of a kind that touches the world."""

    def perform(self, io: Io) -> dict[str, Json]:
        """Do it, and return the raw observation."""

"""The next record of a log, wherever the log is kept: its chain, its order, and that the first failure is final.

No write is tried again, because after a failed one nobody knows what is kept; every later call raises
:class:`LogFailed` at once, and the program ends with status 74.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from runbook.audit.chain import line_of
from runbook.audit.footing import refusal
from runbook.audit.reader import Lines, Reading
from runbook.audit.record import END, NO_RECORD, START, Record
from runbook.audit.store import RunDir
from runbook.audit.verdict import Status, Verdict
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic

NOT_WRITTEN = Code(
    number="RB522",
    title="log not written",
    why="A record could not be put on disk. What is not announced is not done, so the run stops here, and nothing is"
    " tried a second time: after a failed write or fsync nobody knows what the disk holds.",
)
NOT_RESUMED = Code(
    number="RB524",
    title="damaged log",
    why="What a crash leaves at the end of a log is kept aside and cut. Anything wrong before that is damage or"
    " tampering, and is never repaired: a log that was mended proves nothing.",
)
IS_OVER = Code(
    number="RB525",
    title="run is over",
    why="The log ends with `run.finished`, and nothing is ever written after that.",
)
NEVER_BEGAN = Code(
    number="RB526",
    title="run never began",
    why="The log has no whole record. The run was interrupted before it was announced, so nothing was done in it.",
)


class LogFailed(Exception):  # noqa: N818 - named for what happened
    """The log could not be written; status 74. Raised again by every later call on the same writer."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        """Carry what happened and what to do."""
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class Chained(ABC):
    """Appends to the log of one run."""

    def __init__(self, run: RunDir) -> None:
        """Begin with a log that has no record."""
        self._run = run
        self._count = 0
        self._head = NO_RECORD
        self._mono = 0
        self._over = False
        self._failed: Diagnostic | None = None

    @abstractmethod
    def _put(self, raw: bytes) -> None:
        """Write one line, which comes without its LF.

        :raises OSError: if it could not be written whole.
        """

    @abstractmethod
    def sync(self) -> None:
        """Return once every record is kept, whatever happens to this process or the machine.

        :raises LogFailed: if that failed, or something failed before.
        """

    def check(self) -> None:
        """Look whether the log can still be written, as far as that is known before the next record is.

        :raises LogFailed: if it cannot.
        """
        if self._failed is not None:
            raise LogFailed(self._failed)

    @abstractmethod
    def close(self) -> None:
        """Let the log and its lock go; what was not synced may be lost."""

    @property
    def count(self) -> int:
        """How many records the log has."""
        return self._count

    @property
    def mono(self) -> int:
        """The ``mono`` of the last record, in milliseconds; no later one may have less."""
        return self._mono

    @property
    def anchor(self) -> str:
        """The head of the log as ``--anchor`` takes it: ``N:HASH``."""
        return f"{self._count - 1}:{self._head}"

    @property
    def head(self) -> str:
        """The hash of the last record."""
        return self._head

    def head_after(self, type_: str, fields: Mapping[str, Json], *, ts: str, mono: int) -> str:
        """The hash that a record would have, were it the next one.

        :raises ValueError: as :meth:`append` does.
        """
        return line_of(seq=self._count, prev=self._head, ts=ts, mono=mono, type_=type_, fields=fields)[1]

    def append(self, type_: str, fields: Mapping[str, Json], *, ts: str, mono: int) -> None:
        """Write one record; it is kept for certain only after :meth:`sync`.

        :param ts: the wall clock in UTC, as ``2026-11-21T09:00:00.123Z``.
        :param mono: milliseconds since ``run.started``, not less than that of the record before.
        :raises LogFailed: if it could not be written whole, or something could not before.
        :raises RecordTooLong: if it would be longer than 64 KiB; nothing was written then.
        :raises ValueError: if it cannot stand in a log, or not at this place; nothing was written then.
        """
        if self._failed is not None:
            raise LogFailed(self._failed)
        if mono < self._mono or self._over or (type_ == START) != (self._count == 0):
            raise ValueError(f"{type_} at {mono} ms cannot follow {self._count} records, the last at {self._mono} ms")
        raw, h = line_of(seq=self._count, prev=self._head, ts=ts, mono=mono, type_=type_, fields=fields)
        try:
            self._put(raw)
            self._count, self._head, self._mono, self._over = self._count + 1, h, mono, type_ == END
        except OSError as error:
            raise self._fail(not_written(self._run, error)) from None
        except BaseException:  # a signal in between: how much was written is not known
            self._failed = self._failed or failure(NOT_WRITTEN, "the log was interrupted in a record", self._run)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _fail(self, diagnostic: Diagnostic) -> LogFailed:
        self._failed = diagnostic
        return LogFailed(diagnostic)

    def _go_on(self, file: Lines, size: int, each: Callable[[Record], object]) -> Verdict:
        """Read what is there, refuse what cannot be gone on with, and stand behind the last whole record.

        :param size: the bytes that are there.
        :raises Refused: if it is damaged, over or empty.
        """
        run = self._run
        log = Reading(file, str(run.log))
        for record in log:
            self._mono = record.mono
            each(record)
        verdict = log.verdict()
        if verdict.status in (Status.TAMPERED, Status.UNREADABLE) and size > 0:
            worst = verdict.findings[0]
            place = f"line {worst.line}: " if worst.line else ""
            message = f"the log is damaged, {place}{worst.diagnostic.message}"
            raise refusal(NOT_RESUMED, message, run.log, f"`runbook verify {run.argument}`, and begin a new run")
        if verdict.count == 0 or verdict.head is None:
            message = "the run was interrupted before anything was done"
            raise refusal(NEVER_BEGAN, message, run.log, "begin a new run")
        if verdict.finished:
            raise refusal(
                IS_OVER,
                "the run is over, and nothing more is written into its log",
                run.log,
                f"`runbook report {run.argument}` says what it left changed, and what takes that back",
            )
        self._count, self._head = verdict.count, verdict.head
        return verdict


def not_written(run: RunDir, error: OSError) -> Diagnostic:
    """What the terminal is told when a log cannot be written."""
    return failure(NOT_WRITTEN, f"the log cannot be written: {(error.strerror or str(error)).lower()}", run)


def failure(code: Code, message: str, run: RunDir) -> Diagnostic:
    """What the terminal is told when a log ends before its time."""
    help_ = f"{run.mend}, then `runbook resume {run.argument}`"
    return Diagnostic(code=code, message=message, file=run.shown, help=help_)

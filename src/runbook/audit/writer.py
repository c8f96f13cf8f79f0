"""The one writer of a run's log.

A record is one ``write``, fsynced by :meth:`LogWriter.sync` before the effect that it announces; several records may
share one. **The first failure is final**: no write and no fsync is tried again, because after a failed one nobody
knows what is on the disk; every later call raises :class:`LogFailed` at once, and the program ends with status 74.
Before each record the log has to be where it was, the same file, as long as we left it; else somebody removed it,
replaced it or wrote to it, and that is such a failure too.
"""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from runbook.audit.chain import line_of
from runbook.audit.disk import REAL, Disk
from runbook.audit.footing import refusal
from runbook.audit.lock import Holder, acquire, record_holder
from runbook.audit.plain_file import file_mode
from runbook.audit.reader import Reading
from runbook.audit.record import END, NO_RECORD, START, Record
from runbook.audit.recovery import Torn, keep_aside_and_cut, sync_directory, torn_files, write_whole
from runbook.audit.store import RUN_EXISTS, RunDir
from runbook.audit.verdict import Status
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic

NOT_WRITTEN = Code(
    number="RB522",
    title="log not written",
    why="A record could not be put on disk. What is not announced is not done, so the run stops here, and nothing is"
    " tried a second time: after a failed write or fsync nobody knows what the disk holds.",
)
MOVED = Code(
    number="RB523",
    title="log removed or replaced",
    why="The log that this process writes is no longer the file of that name, or not as long as it was left. Somebody"
    " removed, moved, replaced or wrote to it. Records written now would be seen by nobody, or mixed with others.",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """A writer that goes on with a log, and what was kept aside since the last ``run.resumed``, which is to note it."""

    writer: "LogWriter"
    torn: tuple[Torn, ...]


class LogWriter:
    """Appends to the log of one run. Make one with :meth:`create` or :meth:`reopen`."""

    def __init__(self, run: RunDir, fd: int, disk: Disk) -> None:
        """Write to a log that is open and locked."""
        self._run = run
        self._fd = fd
        self._disk = disk
        self._paths = (os.fspath(run.path), os.fspath(run.log))
        self._found = (_place(os.lstat(run.path)), _place(os.fstat(fd)))
        self._count = 0
        self._head = NO_RECORD
        self._mono = 0
        self._size = 0
        self._synced = -1  # what an earlier process wrote may not be on disk either
        self._over = False
        self._failed: Diagnostic | None = None

    @classmethod
    def create(cls, run: RunDir, holder: Holder, disk: Disk = REAL) -> Self:
        """Begin the log of a run whose directory is there and has none.

        :raises Refused: if there is a log, or something else of its name.
        :raises LogFailed: if it cannot be made.
        """
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            mode = file_mode(run.path)
            fd = disk.open(run.log, flags, mode)
        except FileExistsError:
            raise refusal(RUN_EXISTS, "the run has a log already", run.log, "choose another id, or none") from None
        except OSError as error:
            raise LogFailed(_not_written(run, error)) from None
        try:
            os.fchmod(fd, mode)
            acquire(fd, run)
            record_holder(run, holder)
            sync_directory(disk, run.path)
            sync_directory(disk, run.path.parent)
            return cls(run, fd, disk)
        except OSError as error:
            os.close(fd)
            raise LogFailed(_not_written(run, error)) from None
        except BaseException:
            os.close(fd)
            raise

    @classmethod
    def reopen(
        cls,
        run: RunDir,
        holder: Holder | Callable[[], Holder],
        each: Callable[[Record], object] | None = None,
        disk: Disk = REAL,
    ) -> Reopened:
        """Go on with the log of a run: lock it, judge it, keep a torn tail aside.

        :param holder: who holds it from now on; or what says so, asked when the records have been read.
        :param each: is called with every record that is there, in order, once the lock is held.
        :raises Refused: if it is held, damaged, over, empty, or not a file of ours.
        :raises LogFailed: if its tail cannot be kept aside and cut.
        """
        try:
            fd = disk.open(run.log, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise refusal(
                NOT_RESUMED, f"the log cannot be opened: {why}", run.log, "look at what stands there"
            ) from None
        try:
            _check_is_ours(fd, run)
            acquire(fd, run)
            writer = cls(run, fd, disk)
            torn = writer._take_over(each)
            record_holder(run, holder if isinstance(holder, Holder) else holder())
            return Reopened(writer=writer, torn=torn)
        except OSError as error:
            os.close(fd)
            raise LogFailed(_not_written(run, error)) from None
        except BaseException:
            os.close(fd)
            raise

    def _take_over(self, each: Callable[[Record], object] | None) -> tuple[Torn, ...]:
        """Read what is there, refuse what is wrong, cut what is torn; returns what nobody has noted yet."""
        noted: set[str] = set()
        with open(self._fd, "rb", closefd=False) as file:
            log = Reading(file, str(self._run.log))
            for record in log:
                self._mono = record.mono
                noted.update(_torn_names(record) if record.type == "run.resumed" else ())
                if each is not None:
                    each(record)
            verdict = log.verdict()
        if verdict.status in (Status.TAMPERED, Status.UNREADABLE) and os.fstat(self._fd).st_size > 0:
            worst = verdict.findings[0]
            place = f"line {worst.line}: " if worst.line else ""
            message = f"the log is damaged, {place}{worst.diagnostic.message}"
            raise refusal(NOT_RESUMED, message, self._run.log, f"`runbook verify {self._run.id}`, and begin a new run")
        if verdict.count == 0 or verdict.head is None:
            message = "the run was interrupted before anything was done"
            raise refusal(NEVER_BEGAN, message, self._run.log, "begin a new run")
        if verdict.finished:
            raise refusal(IS_OVER, "the run is over", self._run.log, f"read it with `runbook report {self._run.id}`")
        if verdict.torn:
            keep_aside_and_cut(self._disk, self._fd, self._run, verdict.size)
        self._count, self._head, self._size = verdict.count, verdict.head, verdict.size
        return torn_files(self._run, noted)

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
        """Write one record; it is on disk only after :meth:`sync`.

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
            self._look()
            write_whole(self._disk, self._fd, raw + b"\n")
            self._size += len(raw) + 1
            self._count, self._head, self._mono, self._over = self._count + 1, h, mono, type_ == END
        except OSError as error:
            raise self._fail(_not_written(self._run, error)) from None
        except BaseException:  # a signal in between: how much was written is not known
            self._failed = self._failed or _diagnostic(NOT_WRITTEN, "the log was interrupted in a record", self._run)
            raise

    def sync(self) -> None:
        """Return once every record is on disk.

        :raises LogFailed: if that failed, or something failed before.
        """
        if self._failed is not None:
            raise LogFailed(self._failed)
        if self._synced == self._size:
            return
        try:
            self._disk.fsync(self._fd)
        except OSError as error:
            raise self._fail(_not_written(self._run, error)) from None
        self._synced = self._size

    def close(self) -> None:
        """Let the log and its lock go; what was not synced may be lost with the power."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self._failed = self._failed or _diagnostic(NOT_WRITTEN, "the log is closed", self._run)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _look(self) -> None:
        """Refuse to write into a file that nobody will find, or that somebody else wrote to."""
        try:
            directory, file = os.lstat(self._paths[0]), os.lstat(self._paths[1])
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise self._fail(_diagnostic(MOVED, f"the log is not where it was: {why}", self._run)) from None
        found = (_place(directory), _place(file))
        if found == self._found and file.st_size == self._size:
            return
        if any(now[1:] != then[1:] for now, then in zip(found, self._found, strict=True)):
            raise self._fail(_diagnostic(MOVED, "another file or directory stands where the log was", self._run))
        if file.st_size != self._size:
            message = f"the log has {file.st_size:,} bytes, and was left with {self._size:,}"
            raise self._fail(_diagnostic(MOVED, message, self._run))
        if directory.st_mode & stat.S_IRWXU != stat.S_IRWXU or not file.st_mode & stat.S_IWUSR:
            raise self._fail(_diagnostic(MOVED, "the log or its directory may no longer be written to", self._run))

    def _fail(self, diagnostic: Diagnostic) -> LogFailed:
        self._failed = diagnostic
        return LogFailed(diagnostic)


def _place(found: os.stat_result) -> tuple[int, ...]:
    """The mode of a file, and the two numbers that tell it from every other file."""
    return found[:3]


def _check_is_ours(fd: int, run: RunDir) -> None:
    """Refuse to write to what is no plain file, belongs to somebody else, or has another name too."""
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_uid != os.geteuid():
        message = "the log is not a file of this user's that has only this name"
        raise refusal(NOT_RESUMED, message, run.log, "look at what stands there")


def _torn_names(resumed: Record) -> set[str]:
    """The names of the files that a ``run.resumed`` has noted in its list ``torn``."""
    listed = resumed.fields.get("torn")
    return {str(each.get("file")) for each in listed if isinstance(each, dict)} if isinstance(listed, list) else set()


def _not_written(run: RunDir, error: OSError) -> Diagnostic:
    return _diagnostic(NOT_WRITTEN, f"the log cannot be written: {(error.strerror or str(error)).lower()}", run)


def _diagnostic(code: Code, message: str, run: RunDir) -> Diagnostic:
    help_ = f"mend the disk or the directory, then `runbook resume {run.id}`"
    return Diagnostic(code=code, message=message, file=str(run.log), help=help_)

"""The one writer of a run's log in a file.

A record is one ``write``, fsynced by :meth:`LogWriter.sync` before the effect that it announces; several records may
share one. **The first failure is final**: no write and no fsync is tried again. Before each record the log has to be
where it was, the same file, as long as we left it; else somebody removed it, replaced it or wrote to it, and that is
such a failure too.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from runbook.audit.chained import NOT_RESUMED, NOT_WRITTEN, Chained, LogFailed, failure, not_written
from runbook.audit.disk import REAL, Disk
from runbook.audit.footing import refusal
from runbook.audit.lock import Holder, acquire, record_holder
from runbook.audit.plain_file import file_mode
from runbook.audit.record import Record
from runbook.audit.recovery import Torn, keep_aside_and_cut, sync_directory, torn_files, write_whole
from runbook.audit.store import RUN_EXISTS, RunDir
from runbook.model.diagnostics import Code

MOVED = Code(
    number="RB523",
    title="log removed or replaced",
    why="The log that this process writes is no longer the file of that name, or not as long as it was left. Somebody"
    " removed, moved, replaced or wrote to it. Records written now would be seen by nobody, or mixed with others.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """A writer that goes on with a log, and what was kept aside since the last ``run.resumed``, which is to note it."""

    writer: Chained
    torn: tuple[Torn, ...]


class LogWriter(Chained):
    """Appends to the log of one run, which is a file. Make one with :meth:`create` or :meth:`reopen`."""

    def __init__(self, run: RunDir, fd: int, disk: Disk) -> None:
        """Write to a log that is open and locked."""
        super().__init__(run)
        self._fd = fd
        self._disk = disk
        self._paths = (os.fspath(run.path), os.fspath(run.log))
        self._found = (_place(os.lstat(run.path)), _place(os.fstat(fd)))
        self._size = 0
        self._synced = -1  # what an earlier process wrote may not be on disk either

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
            raise LogFailed(not_written(run, error)) from None
        try:
            os.fchmod(fd, mode)
            acquire(fd, run)
            record_holder(run, holder)
            sync_directory(disk, run.path)
            sync_directory(disk, run.path.parent)
            return cls(run, fd, disk)
        except OSError as error:
            os.close(fd)
            raise LogFailed(not_written(run, error)) from None
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
            raise LogFailed(not_written(run, error)) from None
        except BaseException:
            os.close(fd)
            raise

    def _take_over(self, each: Callable[[Record], object] | None) -> tuple[Torn, ...]:
        """Read what is there, refuse what is wrong, cut what is torn; returns what nobody has noted yet."""
        noted: set[str] = set()

        def look(record: Record) -> None:
            noted.update(_torn_names(record) if record.type == "run.resumed" else ())
            if each is not None:
                each(record)

        with open(self._fd, "rb", closefd=False) as file:
            verdict = self._go_on(file, os.fstat(self._fd).st_size, look)
        if verdict.torn:
            keep_aside_and_cut(self._disk, self._fd, self._run, verdict.size)
        self._size = verdict.size
        return torn_files(self._run, noted)

    def _put(self, raw: bytes) -> None:
        self._look()
        write_whole(self._disk, self._fd, raw + b"\n")
        self._size += len(raw) + 1

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
            raise self._fail(not_written(self._run, error)) from None
        self._synced = self._size

    def close(self) -> None:
        """Let the log and its lock go; what was not synced may be lost with the power."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self._failed = self._failed or failure(NOT_WRITTEN, "the log is closed", self._run)

    def _look(self) -> None:
        """Refuse to write into a file that nobody will find, or that somebody else wrote to."""
        try:
            directory, file = os.lstat(self._paths[0]), os.lstat(self._paths[1])
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise self._fail(failure(MOVED, f"the log is not where it was: {why}", self._run)) from None
        found = (_place(directory), _place(file))
        if found == self._found and file.st_size == self._size:
            return
        if any(now[1:] != then[1:] for now, then in zip(found, self._found, strict=True)):
            raise self._fail(failure(MOVED, "another file or directory stands where the log was", self._run))
        if file.st_size != self._size:
            message = f"the log has {file.st_size:,} bytes, and was left with {self._size:,}"
            raise self._fail(failure(MOVED, message, self._run))
        if directory.st_mode & stat.S_IRWXU != stat.S_IRWXU or not file.st_mode & stat.S_IWUSR:
            raise self._fail(failure(MOVED, "the log or its directory may no longer be written to", self._run))


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


def begin(run: RunDir, holder: Holder) -> Chained:
    """Begin the log of a run, wherever that is kept.

    :raises Refused: if there is a log; LogFailed if it cannot be made.
    """
    if run.away is None:
        return LogWriter.create(run, holder)
    try:
        return run.away.begin(run, holder)
    except OSError as error:
        raise LogFailed(not_written(run, error)) from None


def go_on(run: RunDir, holder: Holder | Callable[[], Holder], each: Callable[[Record], object]) -> Reopened:
    """Go on with the log of a run, wherever that is kept; see :meth:`LogWriter.reopen`.

    :raises Refused: if it is held, damaged, over or empty; LogFailed if it cannot be written.
    """
    if run.away is None:
        return LogWriter.reopen(run, holder, each)
    try:
        return Reopened(writer=run.away.reopen(run, holder, each), torn=())
    except OSError as error:
        raise LogFailed(not_written(run, error)) from None

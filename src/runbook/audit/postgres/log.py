"""The one writer of a run's log in PostgreSQL.

Records are gathered and put there by :meth:`PostgresLog.sync`, in one statement and one commit, before the effect that
they announce. Another writer cannot be in between: its records would have the same numbers, and the database keeps the
first. **The first failure is final**: whether a commit whose answer was lost has happened nobody knows here; whoever
goes on with the run reads it from the store.
"""

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from runbook.audit.chained import NOT_WRITTEN, Chained, LogFailed, failure, not_written
from runbook.audit.record import Record
from runbook.audit.store import RunDir

if TYPE_CHECKING:
    from runbook.audit.postgres.run import StoredRun

_MANY = 200
"""Records that are gathered at most."""


class PostgresLog(Chained):
    """Appends to the log of one run, whose lock this session holds; its copy grows with it."""

    def __init__(self, run: RunDir, away: "StoredRun") -> None:
        super().__init__(run)
        self._away = away
        self._unsent: list[bytes] = []
        self._copy = run.log.open("ab", buffering=0)

    def follow(self, each: Callable[[Record], object]) -> None:
        """Stand behind what is in the copy.

        :raises Refused: if it is damaged, over or empty.
        """
        with self._run.log.open("rb") as file:
            self._go_on(file, self._run.log.stat().st_size, each)

    def sync(self) -> None:
        """Return once every record is committed."""
        if self._failed is not None:
            raise LogFailed(self._failed)
        if not self._unsent:
            return
        try:
            self._send()
        except OSError as error:
            raise self._fail(not_written(self._run, error)) from None
        except BaseException:  # a signal in between: nobody knows what is kept
            self._failed = self._failed or failure(NOT_WRITTEN, "the log was interrupted in a record", self._run)
            raise

    def check(self) -> None:
        """Look whether the session is there; whoever looks into the inbox has noticed."""
        super().check()
        if (lost := self._away.lost()) is not None:
            raise self._fail(not_written(self._run, lost))

    def close(self) -> None:
        """Let the log and its lock go."""
        if self._copy.closed:
            return
        with contextlib.suppress(LogFailed):
            self.sync()
        self._copy.close()
        self._away.let_go()
        self._failed = self._failed or failure(NOT_WRITTEN, "the log is closed", self._run)

    def _put(self, raw: bytes) -> None:
        self._unsent.append(raw)
        self._copy.write(raw + b"\n")
        if len(self._unsent) >= _MANY:
            self._send(self._count + 1)

    def _send(self, count: int | None = None) -> None:
        """Put what was gathered into the store; ``count`` is how many records there are with it."""
        lines, self._unsent = self._unsent, []
        self._away.append(self._run, (self._count if count is None else count) - len(lines), lines)

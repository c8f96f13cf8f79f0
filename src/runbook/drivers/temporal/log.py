"""The log of a run as its workflow writes it: exact bytes first, stored with whatever leaves the workflow next.

A record's bytes are made here, its chain included, and so they stand in the engine's history before they are stored
anywhere. Whoever stores them, and however often, stores the same; a replay of the history makes the same again.
Records that are not known to be stored go along with every attempt, question and wait until they are.
"""

from collections.abc import Callable, Mapping

from runbook.audit.chain import line_of
from runbook.audit.record import NO_RECORD
from runbook.drivers.temporal.payloads import Records
from runbook.model.canonical import Json

LARGEST = 512 * 1024
"""Bytes of records that go along with something else; more are stored before."""


class EngineLog:
    """The log of one run.

    :param store: stores records and returns when they are.
    """

    def __init__(self, run: str, store: Callable[[Records], None]) -> None:
        self.run = run
        self._store = store
        self._head = NO_RECORD
        self._stored = 0
        self._unstored: list[str] = []

    def go_on(self, count: int, head: str) -> None:
        """So many records are stored already; ``head`` is the hash of the last."""
        self._stored, self._head = count, head

    @property
    def head(self) -> str:
        """The hash of the last record."""
        return self._head

    @property
    def count(self) -> int:
        """How many records there are."""
        return self._stored + len(self._unstored)

    def append(self, record_type: str, fields: Mapping[str, Json], *, ts: str, mono: int) -> None:
        """Make one record."""
        raw, self._head = line_of(seq=self.count, prev=self._head, ts=ts, mono=mono, type_=record_type, fields=fields)
        self._unstored.append(raw.decode("ascii"))

    def sync(self) -> None:
        """Nothing leaves the workflow without the records before it, so there is nothing to be done yet."""

    def unstored(self) -> Records:
        """The records that are not known to be stored."""
        return Records(run=self.run, seq=self._stored, lines=[*self._unstored])

    def stored(self, before: int) -> None:
        """The records before that number are stored."""
        if before > self._stored:
            del self._unstored[: before - self._stored]
            self._stored = before

    def flush(self) -> None:
        """Return when every record is stored."""
        while self._unstored:
            records = self.unstored()
            kept: list[str] = []
            size = 0
            for line in records.lines:
                size += len(line)
                if kept and size > LARGEST:
                    break
                kept.append(line)
            part = Records(run=self.run, seq=records.seq, lines=kept)
            self._store(part)
            self.stored(part.next)

    def carried(self) -> Records:
        """The records that go along with an attempt; where they are too many for that, they are stored first."""
        if sum(map(len, self._unstored)) > LARGEST:
            self.flush()
        return self.unstored()

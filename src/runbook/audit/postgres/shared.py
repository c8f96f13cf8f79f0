"""What the runs of a store in PostgreSQL share: the starts that cooldowns look at, and the locks of runbooks.

One session at a time looks and writes there, so of two that ask at once one comes first. How long ago a start was is
told by the clock of the database, which all machines have in common.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from runbook.audit.footing import UNUSABLE, refusal
from runbook.audit.held import Locks
from runbook.audit.postgres.link import Link
from runbook.audit.starts import Found, Rebuilt, Start, Starts
from runbook.audit.store import Store

_LOCK = "runbook store"


class PostgresStarts(Starts):
    """The record of starts of a store in PostgreSQL."""

    def __init__(self, store: Store, link: Link) -> None:
        super().__init__(store)
        self._link = link

    def last(self, key: str) -> Found | None:
        """The last start of a key."""
        found = self._link.rows(
            "select run, runbook, step, operator, ts,"
            " floor(extract(epoch from clock_timestamp() - at) * 1000)::bigint from runbook.start"
            " where hashtextextended(key, 0) = hashtextextended(%s, 0) and key = %s order by number desc limit 1",
            key,
            key,
        )
        for run, runbook, step, operator, ts, ago in found:
            start = Start(key=key, run=run, runbook=runbook, step=step, operator=operator, ts=ts)
            return Found(start=start, ago=ago)
        return None

    def reserve(
        self, start: Start, keys: Collection[str], forbids: Callable[[str, Found], str | None]
    ) -> Mapping[str, str]:
        """Look at the last start of each key and, if none forbids, write down one under each."""
        with self._link.alone(_LOCK):
            there = {key: found for key in keys if (found := self.last(key)) is not None}
            forbidden = {key: why for key, found in there.items() if (why := forbids(key, found)) is not None}
            if not forbidden:
                self._link.rows(
                    "insert into runbook.start (key, run, runbook, step, operator, ts)"
                    " select key, %s, %s, %s, %s, %s from unnest(%s::text[]) as given (key)",
                    *(start.run, start.runbook, start.step, start.operator, start.ts),
                    [*keys],
                )
            return forbidden

    def rebuild(self) -> Rebuilt:
        """Refuse it: no row of a store is ever taken away, so nothing was lost.

        :raises Refused: always.
        """
        message = "the record of starts of a store in PostgreSQL is a table, and is not made anew"
        raise refusal(UNUSABLE, message, self._store.root, "leave out --rebuild-index")


class PostgresLocks(Locks):
    """The locks of a store in PostgreSQL."""

    def __init__(self, store: Store, link: Link) -> None:
        super().__init__(store)
        self._link = link

    def _alone(self) -> AbstractContextManager[None]:
        return self._link.alone(_LOCK)

    @staticmethod
    def _failed(path: Path, error: OSError) -> Exception:  # noqa: ARG004 - there is no file
        """What the database said: whoever asked knows whether to ask again."""
        return error

    def kept(self, key: str, most: int) -> list[bytes]:
        """What was kept of a lock, the last first, at most so often.

        :raises StoreFailed: if it cannot be read.
        """
        found = self._link.rows(
            "select claim from runbook.claim where hashtextextended(key, 0) = hashtextextended(%s, 0) and key = %s"
            " order by number desc limit %s",
            *(key, key, most),
        )
        return [claim for (claim,) in found]

    def _text(self, key: str) -> bytes | None:
        return next(iter(self.kept(key, 1)), None)

    def _keep(self, key: str, text: bytes) -> None:
        self._link.rows("insert into runbook.claim (key, claim) values (%s, %s)", key, text)

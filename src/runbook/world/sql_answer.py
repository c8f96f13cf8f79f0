"""What is asked of a database, and its answer in flat memory: the first rows are kept, the others counted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runbook.model.canonical import Json
from runbook.model.io import NotSent, SqlResult

if TYPE_CHECKING:
    from runbook.model.sql import Statement

ROWS = 20_001
"""Rows that are kept at most: one more than an observation can hold, so that the cut shows there."""
KEPT = 1024 * 1024
"""Characters of rows, about, after which no further one is kept: many times what an observation can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One statement for one database; everything in it is plain, so none of it may be shown."""

    url: str
    statement: "Statement"
    params: Mapping[str, Json]
    changes: bool


class Interrupted(Exception):  # noqa: N818 - named for what happened
    """The database says that it stopped the statement because it was told to."""


class Answer:
    """The rows of an answer as they come in."""

    def __init__(self) -> None:
        """Begin with no rows."""
        self._columns: tuple[str, ...] = ()
        self._rows: list[dict[str, Json]] = []
        self._size = 0
        self.count = 0

    def begin(self, columns: Sequence[str]) -> None:
        """Take the names of the columns.

        :raises NotSent: if two are the same, because a row is a mapping; what was done is to be rolled back.
        """
        self._columns = tuple(columns)
        twice = next((name for name in columns if columns.count(name) > 1), None)
        if twice is not None:
            reason = f"two columns of the answer are called `{twice}`; nothing is left of the statement"
            raise NotSent(reason, "give each a name of its own with `as`")

    def take(self, rows: Iterable[Sequence[Json]]) -> None:
        """Take the next rows."""
        for row in rows:
            self.count += 1
            if self._size <= KEPT and self.count <= ROWS:
                cut = [value[:KEPT] if isinstance(value, str) else value for value in row]
                self._size += len(repr(cut))
                self._rows.append(dict(zip(self._columns, cut, strict=True)))

    def result(self, *, changed: int, elapsed_ms: int) -> SqlResult:
        """The whole answer.

        :param changed: how many rows the database says it changed; negative where it says nothing.
        """
        count = self.count if self._columns or self.count else max(changed, 0)
        return SqlResult(rows=self._rows, columns=self._columns, row_count=count, elapsed_ms=elapsed_ms)

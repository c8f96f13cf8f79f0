"""A hand to ask databases with, a database to ask, and values that would be code if they could."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path

from tests.world.postgres import Postgres

from runbook.model.io import SqlQuery, SqlResult
from runbook.model.secrets import Resolved, Text
from runbook.world.sql import Statement

INJECTIONS = [
    '"; drop table threads; --',
    "'; drop table threads; --",
    "' or '1'='1",
    "x' union select null --",
    "$(id)",
    "`id`",
    "a\nb\r\nc",
    "%s %(x)s %%",
    ":value $1 ?",
    "\\' or 1=1 --",
    "$$ $q$",
    "${{ secrets.token }}",
    "",
    "é 🙂 \u202e",
]
"""Values of row F9, and what means something to one database or client or the other."""


class Hand:
    """Asks one database. ``changes`` says whether the step may write."""

    def __init__(self, url: Text, directory: Path) -> None:
        self.url = url
        self._directory = str(directory)

    def statement(
        self, text: str, *, changes: bool = False, limit: int = 10_000, params: Mapping[str, Resolved] | None = None
    ) -> Statement:
        """A statement that is ready to be run."""
        query = SqlQuery(database=self.url, statement=text, params=params or {})
        return Statement(
            query,
            value_of=lambda name: f"value-of-{name}",
            directory=self._directory,
            limit=limit,
            changes=changes,
        )

    def read(self, text: str, **params: Resolved) -> SqlResult:
        """Carry out a statement that may not write."""
        return self.statement(text, params=params).run()

    def change(self, text: str, **params: Resolved) -> SqlResult:
        """Carry out a statement that may."""
        return self.statement(text, changes=True, params=params).run()

    def value(self, text: str, **params: Resolved) -> object:
        """The one value that a read returns."""
        (row,) = self.read(text, **params).rows
        (value,) = row.values()
        return value


def cancelled_after(statement: Statement, seconds: float) -> None:
    """Have a person stop a statement from another thread, a while after it began."""

    def stop() -> None:
        time.sleep(seconds)  # the database is to be in the middle of it
        statement.cancel(1)

    threading.Thread(target=stop, daemon=True).start()


def threads(postgres: Postgres, directory: Path) -> Hand:
    """A hand for a database with two threads and no posts, made anew."""
    postgres.do(
        "drop schema public cascade; create schema public;"
        "create table threads (id int primary key, title text);"
        "create table posts (thread int references threads deferrable initially deferred);"
        "create sequence numbers;"
        "insert into threads values (1, 'one'), (2, 'two');"
        "create function sneak() returns int language sql as 'delete from threads returning id';"
    )
    return Hand(postgres.url, directory)


def titles(postgres: Postgres) -> list[object]:
    """The titles of the threads."""
    return [title for (title,) in postgres.do("select title from threads order by id")]

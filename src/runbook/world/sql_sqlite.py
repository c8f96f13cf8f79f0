"""Has SQLite carry out one statement on a file, through the sqlite3 of Python's own library.

Rules. The file is there already, or nothing happens: none is made. A read opens it read-only and queries only, so that
SQLite itself refuses a write; a change takes the write lock before anything else and enforces foreign keys, whatever
the file's own defaults. A list or a mapping is bound as JSON text (``json_each(:names)`` reads it), a blob is observed
in hexadecimal, as PostgreSQL writes its ``bytea``.
"""

import contextlib
import json
import sqlite3
import time
from urllib.parse import quote

from runbook.model.canonical import Json
from runbook.model.io import Lost, NotSent, SqlResult
from runbook.world.places import placed
from runbook.world.sql_answer import Answer, Asked, Interrupted

LOCK_WAIT = 10_000
"""Milliseconds that a statement waits for a lock at most."""
_CHUNK = 500
_LONGEST = 300
_SURE = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CONSTRAINT", "SQLITE_FULL", "SQLITE_READONLY"})
"""What a failed commit can say and be rolled back all the same; after others nobody knows what the disk has."""
_ADVICE = (
    ("readonly", "the step says `effect: none`; if it is meant to write, write `effect: change`"),
    ("within a transaction", "it cannot run in a transaction: run it in a `command` step with sqlite3"),
    ("from within a transaction", "it cannot run in a transaction: run it in a `command` step with sqlite3"),
    ("locked", "another process holds the lock: find it with `fuser` on the file, and try again"),
    ("no such table", "look at the name, and whether the migration that makes it has run here"),
    ("no such column", "look at the name, and whether the migration that makes it has run here"),
    ("syntax error", "mend the statement"),
    ("constraint", "look at the rows that are there already"),
    ("number of bindings", "write every parameter as `:name`"),
    ("not a database", "look at the path"),
    ("attached databases", "a step has one database: write a step for the other one"),
    ("full", "free space on the disk"),
)


class SqliteSession:
    """One connection to a file."""

    def __init__(self, asked: Asked, directory: str) -> None:
        """Look at the URL.

        :param directory: where a relative path is seen from.
        :raises NotSent: if it names no path.
        """
        path = asked.url.removeprefix("sqlite:")
        if not path or path.startswith("//"):
            raise NotSent("the URL of the database names no path", "write `sqlite:PATH`, without slashes before it")
        self._asked = asked
        self._path = placed(directory, path)
        self._named = path
        self._connection: sqlite3.Connection | None = None

    def open(self, limit: int) -> None:
        """Open the file, and begin the transaction."""
        if not self._path.is_file():
            raise NotSent(
                f"there is no database `{self._named}`", "look at the path, which is seen from the run's directory"
            )
        mode = "rw" if self._asked.changes else "ro"
        wait = min(LOCK_WAIT, limit * 3 // 4) / 1000
        try:
            connection = self._connection = sqlite3.connect(
                f"file:{quote(str(self._path))}?mode={mode}",
                uri=True,
                timeout=wait,
                isolation_level=None,
                check_same_thread=False,  # another thread interrupts it
            )
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # attaching a file would make it
            connection.text_factory = lambda data: data.decode("utf-8", "replace")
            connection.execute(f"pragma query_only = {'off' if self._asked.changes else 'on'}")
            connection.execute("pragma foreign_keys = on")
            connection.execute("begin immediate" if self._asked.changes else "begin")
        except sqlite3.Error as error:
            raise _refused(error, f"`{self._named}` cannot be opened") from error

    def carry_out(self) -> SqlResult:
        """Have the statement carried out, read the answer, and commit a change."""
        if self._connection is None:  # pragma: no cover - whoever carries out has opened
            raise RuntimeError
        began = time.monotonic()
        answer = Answer()
        statement = self._asked.statement
        values = [_fit(self._asked.params[name]) for name in statement.names]
        try:
            cursor = self._connection.execute(statement.written(lambda _: "?"), values)
            answer.begin([column[0] for column in cursor.description or ()])
            while rows := cursor.fetchmany(_CHUNK):
                answer.take([_seen(value) for value in row] for row in rows)
            changed = cursor.rowcount
        except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
            if getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT":
                raise Interrupted from error
            raise _refused(error, "the database refused the statement") from error
        elapsed = round((time.monotonic() - began) * 1000)
        try:
            self._connection.execute("commit")
        except sqlite3.Error as error:
            if error.sqlite_errorname.startswith(tuple(_SURE)):
                raise _refused(error, "the database refused the commit") from error
            raise Lost(f"the commit failed: {error}", "look at the file and its disk") from error
        return answer.result(changed=changed, elapsed_ms=elapsed)

    def interrupt(self) -> None:
        """Have it stop at the next occasion."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):  # it may be closed by now
                self._connection.interrupt()

    def hang_up(self) -> None:
        """Nothing: there is nobody at the other end."""

    def close(self) -> None:
        """Close the file, and drop what was not committed."""
        if self._connection is not None:
            self._connection.close()


def _fit(value: Json) -> str | int | float | None:
    """A value as SQLite binds it."""
    return json.dumps(value) if isinstance(value, list | dict) else value


def _seen(value: object) -> Json:
    """A value of SQLite's as an observation holds it."""
    match value:
        case bytes():
            return f"\\x{value.hex()}"
        case None | str() | int() | float():
            return value
        case _:  # pragma: no cover - SQLite has no other type
            return str(value)


def _refused(error: Exception, what: str) -> NotSent:
    """Why nothing is left of the statement."""
    said = str(error)
    if "\n" in said or len(said) > _LONGEST:  # a mask knows a secret only whole
        said = type(error).__name__
    help_ = next((help_ for word, help_ in _ADVICE if word in said.lower()), "look at the statement and at the file")
    return NotSent(f"{what}: {said}", help_)

"""Has a database carry out one statement: a thread that does it, and a limit on the whole.

Rules. Connecting, the statement and its commit run in a thread of their own, because a name that does not resolve
cannot be interrupted; who asked waits for it no longer than the limit, or until a person stops it. Once the statement
is sent, the database is told to stop it, and its word is waited for: what it says it has rolled back is known not to
have happened. Without its word it is ``TimedOut``. A thread that was given up sends nothing any more, so ``NotSent``
is certain. What can be seen of the rows is cut before they can fill the memory.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from runbook.model.canonical import Json
from runbook.model.durations import spoken
from runbook.model.io import Cancelled, Lost, NotSent, SqlQuery, SqlResult, TimedOut, WorldError
from runbook.model.secrets import Resolved, SecretText
from runbook.world.sql_answer import Asked, Interrupted

LIMIT = 30_000
"""Milliseconds for a statement unless told otherwise."""
WORD = 2.0
"""Seconds to wait for the word of a database that was told to stop."""


class Session(Protocol):
    """One connection, for one statement. What it raises is a :class:`WorldError`, or :class:`Interrupted`."""

    def open(self, limit: int) -> None:
        """Connect, and begin the transaction; the limit is in milliseconds."""

    def carry_out(self) -> SqlResult:
        """Send the statement, read the answer, and commit a change."""

    def interrupt(self) -> None:
        """Tell the database to stop, from another thread."""

    def hang_up(self) -> None:
        """Wake a thread that still waits for the database, from another thread."""

    def close(self) -> None:
        """Drop the connection, and with it what was not committed."""


class Statement:
    """One statement and its answer."""

    def __init__(
        self,
        query: SqlQuery,
        *,
        value_of: Callable[[str], str],
        directory: str,
        limit: int | None = None,
        changes: bool = False,
    ) -> None:
        """Prepare it; nothing is connected yet.

        :param value_of: looks up a secret.
        :param directory: where the path of an SQLite file is seen from.
        :param limit: milliseconds for all of it; None for 30 s.
        :param changes: whether it may write.
        :raises NotSent: if it cannot be sent as it is.
        """
        self._limit = LIMIT if limit is None else limit
        self._until = time.monotonic() + self._limit / 1000
        self._changes = changes
        self._session = _session(query, value_of, directory, changes=changes)
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._done = threading.Event()
        self._answer: SqlResult | None = None
        self._error: Exception | None = None
        self._sent = self._given_up = self._cancelled = False

    def run(self) -> SqlResult:
        """Have it carried out.

        :raises NotSent: if it surely did not happen: it was not sent, or the database says that it rolled it back.
        :raises TimedOut: if the limit passed after sending, and the database did not say what became of it.
        :raises Lost: if the connection was lost after sending.
        :raises Cancelled: if a person stopped it, and it was a read or the database did not say what became of it.
        """
        threading.Thread(target=self._work, name="sql", daemon=True).start()
        self._woken.wait(self._limit / 1000)
        with self._lock:
            if not self._sent:
                self._given_up = True
        if not self._given_up and not self._done.is_set():
            # In a thread of its own: it may be that the way to the database is what is broken.
            threading.Thread(target=self._session.interrupt, name="sql-stop", daemon=True).start()
            self._done.wait(WORD)
        with self._lock:
            self._given_up = True
            if self._answer is not None:
                return self._answer
            reason = self._reason()
        if not self._done.is_set():
            self._session.hang_up()
        raise reason from self._error

    def cancel(self, level: int) -> None:
        """Stop it, from another thread; every level tells the database to."""
        del level
        self._cancelled = True
        self._woken.set()

    def _work(self) -> None:
        try:
            self._session.open(max(1, round((self._until - time.monotonic()) * 1000)))
            with self._lock:
                if self._given_up or self._cancelled:
                    return
                self._sent = True
            answer = self._session.carry_out()
        except Exception as error:  # noqa: BLE001 - it is the asking thread's to raise
            with self._lock:
                self._error = error
        else:
            with self._lock:
                self._answer = answer
        finally:
            self._session.close()
            self._done.set()
            self._woken.set()

    def _reason(self) -> WorldError:
        """Why there is no answer."""
        match self._error:
            case Interrupted():
                return self._stopped()
            case WorldError() as error:
                return error
            case None if self._cancelled and (self._sent or not self._changes):
                return Cancelled("the statement was stopped by a person")
            case None if self._cancelled:
                return NotSent("the statement was stopped by a person; nothing was sent")
            case None if self._sent:
                why = f"the database did not answer within {spoken(self._limit)}, nor when it was told to stop"
                return TimedOut(why, "look at the database and at the network between")
            case None:
                return NotSent(
                    f"no connection to the database within {spoken(self._limit)}",
                    "look at the network between here and there: a firewall that drops, a VPN that is down",
                )
            case error:
                # What a library says may quote a value, and with it a secret in a form that no mask knows.
                kind, what = (Lost, "was lost in it") if self._sent else (NotSent, "was not sent")
                return kind(f"the statement {what}: {type(error).__name__}", "look at the database's log")

    def _stopped(self) -> WorldError:
        """The database says that it has stopped it, and so that nothing of it is left."""
        left = ", and the database has rolled it back" if self._changes else ""
        if self._cancelled:
            reason = f"the statement was stopped by a person{left}"
            return NotSent(reason) if self._changes else Cancelled(reason)
        if time.monotonic() < self._until:
            help_ = "ask the administrator of the database who stopped it, and why"
            return NotSent(f"somebody else had the database stop the statement{left}", help_)
        reason = f"the statement was not done within {spoken(self._limit)}{left}"
        help_ = "look at what the database is busy with, or raise `timeout`"
        return NotSent(reason, help_) if self._changes else TimedOut(reason, help_)


def _session(query: SqlQuery, value_of: Callable[[str], str], directory: str, *, changes: bool) -> Session:
    """The session for the database that a URL names; its library is imported with the first one."""
    from runbook.model import sql  # as are the patterns

    url = query.database.resolve(value_of) if isinstance(query.database, SecretText) else query.database
    params = _bound(query.params, value_of)
    try:
        statement = sql.statement(query.statement)
    except sql.NotOneStatement as problem:
        raise NotSent(f"the statement cannot be sent: {problem}", problem.help) from problem
    missing = [name for name in statement.names if name not in params]
    if missing:
        raise NotSent(f"`params` has no `{missing[0]}`, which the statement uses", "add it to `params`")
    asked = Asked(url=url, statement=statement, params=params, changes=changes)
    if url.startswith("sqlite:"):
        from runbook.world.sql_sqlite import SqliteSession

        return SqliteSession(asked, directory)
    if url.startswith(("postgresql://", "postgres://")):
        if statement.first == "copy" and not changes:
            # Also in a read-only transaction the server writes files and runs programs for it.
            raise NotSent(
                "`copy` reaches out of the database, and the step says `effect: none`", "select what is wanted"
            )
        from runbook.world.sql_postgres import PostgresSession

        return PostgresSession(asked)
    raise NotSent(
        "the URL of the database begins neither with `postgresql://` nor with `sqlite:`",
        "look at `database`, or at the secret that it comes from",
    )


def _bound(params: Mapping[str, Resolved], value_of: Callable[[str], str]) -> dict[str, Json]:
    """The values to bind, with their secrets looked up.

    :raises NotSent: if no database can be given one of them.
    """

    def plain(value: Resolved, name: str) -> Json:
        match value:
            case SecretText():
                return plain(value.resolve(value_of), name)
            case str():
                if "\0" in value:
                    raise NotSent(f"the parameter `{name}` holds a NUL, which no text may", "take it out of the value")
                try:
                    value.encode()
                except UnicodeEncodeError:
                    raise NotSent(f"the parameter `{name}` holds half a character", "mend the value") from None
                return value
            case list():
                return [plain(item, name) for item in value]
            case dict():
                return {key: plain(item, name) for key, item in value.items()}
            case _:
                return value

    return {name: plain(value, name) for name, value in params.items()}

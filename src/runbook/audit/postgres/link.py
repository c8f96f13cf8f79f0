"""The one connection to a store in PostgreSQL, and in words why it fails.

Rules. Everything that this process has to do with a store goes over one connection, also the locks that it holds: so
whoever has lost the connection has lost its locks, and can write nothing any more. It is never made anew. A password
stands in no message: what the client library says of a URL or a connection is never quoted.
"""

import contextlib
import re
import time
from collections.abc import Generator, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.postgres import URL, why_unreached
from runbook.version import VERSION

if TYPE_CHECKING:
    import psycopg

NO_DRIVER = Code(
    number="RB576",
    title="store without psycopg",
    why="A store in PostgreSQL is spoken to through psycopg 3, which is an extra of this package, because most people"
    " keep their runs in a directory and need none. Nothing was begun.",
)
NO_URL = Code(
    number="RB577",
    title="URL of a store that cannot be used",
    why="A store is named by the URL of its database, `postgresql://user@host/database`. A password on a command line"
    " is seen by everybody on the machine, so it is refused there: libpq takes it from ~/.pgpass ($PGPASSFILE), from a"
    " service ($PGSERVICE), or $RUNBOOK_STORE holds it, which is not handed on to what steps start.",
)
UNREACHED = Code(
    number="RB578",
    title="store out of reach",
    why="The database that holds the runs does not answer, or refused what was asked of it. What cannot be announced is"
    " not done, so nothing begins.",
)
POOLED = Code(
    number="RB579",
    title="store behind a pool of connections",
    why="A run is written by one process at a time, which holds a lock as long as its session with the database lasts,"
    " and cooldowns are asked alone. Behind a pool that deals sessions out a transaction or a statement at a time these"
    " locks exclude nobody; one that keeps a session for each client looks the same from here, so it is refused too.",
)
CONNECT, ANSWER, LOCK = 10, 30, 10
"""Seconds that a connection, an answer, and a lock of others are waited for at most."""
_PASSWORD = re.compile(r"(?<=://)([^@/:]*):[^@/]*@")
_PARAMETER = re.compile(r"(?<=[?&])(?:ssl)?password=[^&]*&?")
_SETTINGS = {
    "connect_timeout": str(CONNECT),
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": str(ANSWER * 1000),
    "fallback_application_name": f"runbook/{VERSION}",
}
"""What a connection has where the URL does not say otherwise, so that one that is dead is noticed."""
_SESSION = f"""select pg_backend_pid(), set_config('statement_timeout', '{ANSWER}s', false),
    set_config('lock_timeout', '{LOCK}s', false), set_config('idle_in_transaction_session_timeout', '{ANSWER}s', false),
    set_config('synchronous_commit', case when current_setting('synchronous_commit') in ('off', 'local', 'remote_write')
        then 'on' else current_setting('synchronous_commit') end, false)"""
_LOST = "the connection to the database was lost"
_WORDS = {
    "42501": "its role may not do that: it has to be a member of runbook_writer",
    "42P01": "it holds no store, or only a part of one",
    "3F000": "it holds no store, or only a part of one",
    "53100": "its disk is full",
    "55P03": "another process does not let go of a lock",
    "57014": "it did not answer in time",
    "25006": "it is a standby or set to be read only, and takes no records",
    "RB003": "rows of a store are never changed or taken away",
}


class StoreFailed(OSError):  # noqa: N818 - named for what happened
    """The database did not do what was asked; ``state`` is its SQLSTATE, empty where there was no answer."""

    def __init__(self, why: str, state: str = "") -> None:
        """Say why, without anything secret."""
        super().__init__(0, why)
        self.state = state


class Link:
    """A connection, made when it is first needed."""

    def __init__(self, url: str) -> None:
        """Look at a URL. ``shown`` is it without a password, ``name`` without its options too.

        :raises Refused: if it is none.
        """
        match = URL.fullmatch(url)
        if match is None:
            message = "the URL of the store cannot be read"
            help_ = "write postgresql://user@host/database; in a name or password @ is %40, / is %2F, : is %3A"
            raise Refused(Diagnostic(code=NO_URL, message=message, help=help_))
        self._url = url
        self._host = unquote(match["hosts"]) or "the database server"
        self.shown = without_password(url)
        self.name = self.shown.partition("?")[0]

    def rows(self, statement: str, *params: object) -> list[tuple[Any, ...]]:
        """Have one statement carried out and committed; its rows, if it has any.

        :raises StoreFailed: if that is not known to be done.
        """
        connection = self._connection
        import psycopg

        try:
            cursor = connection.execute(statement.encode(), params or None, binary=True)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise self._failed(error) from None

    def script(self, statements: str) -> None:
        """Have several statements carried out that say themselves what is committed together.

        :raises StoreFailed: if that is not known to be done.
        """
        connection = self._connection
        import psycopg

        try:
            connection.execute(statements.encode())
        except psycopg.Error as error:
            raise self._failed(error) from None

    @contextlib.contextmanager
    def together(self, *, snapshot: bool = False) -> Iterator[None]:
        """Have several statements committed together, or not at all.

        :param snapshot: they only read, and all see the store as it is at the first of them.
        :raises StoreFailed: if that is not known to be done.
        """
        connection = self._connection
        import psycopg

        try:
            with connection.transaction():
                if snapshot:
                    connection.execute("set transaction isolation level repeatable read, read only")
                yield
        except psycopg.Error as error:
            raise self._failed(error) from None

    def lock(self, name: str) -> bool:
        """Take a lock of this session, if nobody has it.

        :raises StoreFailed: if that cannot be asked.
        """
        return bool(self.rows("select pg_try_advisory_lock(hashtextextended(%s, 0))", name)[0][0])

    def unlock(self, name: str) -> None:
        """Let a lock go.

        :raises StoreFailed: if that cannot be asked; the lock goes with the session then.
        """
        self.rows("select pg_advisory_unlock(hashtextextended(%s, 0))", name)

    @contextlib.contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Wait for a lock, and have it meanwhile.

        :raises StoreFailed: if others do not let go of it in time.
        """
        self.rows("select pg_advisory_lock(hashtextextended(%s, 0))", name)
        try:
            yield
        finally:
            self.unlock(name)

    def lost(self) -> StoreFailed | None:
        """That the connection was there and is not any more; None if nobody has noticed."""
        connection = self.__dict__.get("_connection")
        return StoreFailed(_LOST) if connection is not None and (connection.closed or connection.broken) else None

    def close(self) -> None:
        """Let the connection go, with its locks."""
        connection = self.__dict__.pop("_connection", None)
        if connection is not None:
            with contextlib.suppress(Exception):  # the server notices anyway
                connection.close()

    @cached_property
    def _connection(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """The connection.

        :raises Refused: if there is none to be had.
        """
        try:
            import psycopg
        except ImportError:
            message = "a store in PostgreSQL needs psycopg, which is not installed here"
            raise Refused(
                Diagnostic(code=NO_DRIVER, message=message, help="pip install 'runbook-walk[postgres]'")
            ) from None
        try:
            connection = _patient().connect("", autocommit=True, **self._parameters())
            (session,) = connection.execute(_SESSION.encode()).fetchall()
        except psycopg.Error as error:
            message, help_ = why_unreached(str(error), self._host)
            raise Refused(Diagnostic(code=UNREACHED, message=message, file=self.shown, help=help_)) from None
        if session[0] != connection.info.backend_pid:
            message = "a pool of connections stands before the store"
            help_ = "name the database itself; locks do not hold through a pool"
            raise Refused(Diagnostic(code=POOLED, message=message, file=self.shown, help=help_))
        return connection

    def _parameters(self) -> dict[str, Any]:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        try:
            return {**_SETTINGS, **conninfo_to_dict(self._url), "client_encoding": "UTF8"}
        except psycopg.Error:
            # Not from the error: it may quote a piece of the password.
            help_ = "look for a misspelt option behind the `?`"
            raise Refused(Diagnostic(code=NO_URL, message="the URL of the store cannot be read", help=help_)) from None

    def _failed(self, error: "psycopg.Error") -> StoreFailed:
        """What an error of the database means."""
        state, connection = error.sqlstate or "", self._connection
        fatal = error.diag.severity_nonlocalized in {"FATAL", "PANIC"}
        if connection.closed or connection.broken or fatal or not state:
            return StoreFailed(_LOST)
        said = _WORDS.get(state) or f"{error.diag.message_primary or type(error).__name__} ({state})"
        return StoreFailed(f"the database refused it: {said}", state)


def without_password(url: str) -> str:
    """A URL without the passwords in it."""
    return _PARAMETER.sub("", _PASSWORD.sub(r"\1@", url)).rstrip("?&")


def _patient() -> "type[psycopg.Connection[tuple[Any, ...]]]":
    """A connection that does not wait for a server for ever that has stopped without a word."""
    import psycopg

    class Patient(psycopg.Connection[tuple[Any, ...]]):
        def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as psycopg has it
            try:
                return super().wait(_until(gen, time.monotonic() + ANSWER + LOCK), *args, **kwargs)
            except TimeoutError:
                self.pgconn.finish()
                raise psycopg.OperationalError("no answer in time") from None

    return Patient


def _until(gen: Generator[Any, Any, Any], until: float) -> Generator[Any, Any, Any]:
    """The same exchange with the server, given up when it is too late."""
    try:
        state = next(gen)
        while True:
            ready = yield state
            if time.monotonic() > until:
                raise TimeoutError
            state = gen.send(ready)
    except StopIteration as done:
        return done.value

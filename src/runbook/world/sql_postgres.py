"""Has PostgreSQL carry out one statement, through psycopg 3, which is imported with the first one.

Rules. One connection a statement, and one transaction on it: READ ONLY unless the step may change something, so that
the server itself refuses a write. The server holds the limits too: on the statement, on waiting for a lock (a table
lock that is waited for stops everybody who comes later), and on what a client that has vanished left behind. Values
are bound as ``$1``; none is ever written into the statement. Of the types, whole numbers, floats, booleans, JSON and
lists of them come as such, everything else as the text that PostgreSQL writes, instants in the form of RFC 3339.
"""

import contextlib
import math
import os
import re
import socket
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.io import NotSent, SqlResult
from runbook.model.postgres import URL
from runbook.version import VERSION
from runbook.world.sql_answer import Answer, Asked
from runbook.world.sql_errors import refused, unreached

if TYPE_CHECKING:
    import psycopg

RB410 = Code(
    number="RB410",
    title="psycopg is not installed",
    why="PostgreSQL is spoken to through psycopg 3, which is an extra of this package, because not everybody needs it. "
    "Nothing was sent. Install it and go on with the run; SQLite needs nothing.",
)

LOCK_WAIT = 10_000
"""Milliseconds that a statement waits for a lock at most."""
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)?(:\d\d)?")
_AS_THEY_ARE = frozenset({"bool", "int2", "int4", "int8", "oid", "float4", "float8", "json", "jsonb"})
_CHUNK = 500
_NOTICE_A_DEAD_CLIENT = b"""do $$ begin
    perform set_config('client_connection_check_interval', '1s', true);
exception when others then null; end $$"""
"""From version 14 on, where its system can; else the limit of the statement has to do."""


class PostgresSession:
    """One connection to a PostgreSQL server."""

    def __init__(self, asked: Asked) -> None:
        """Look at the URL.

        :raises NotSent: if it cannot be read.
        :raises Refused: if psycopg is missing (RB410).
        """
        try:
            import psycopg
        except ImportError as error:
            raise Refused(
                Diagnostic(
                    code=RB410,
                    message="PostgreSQL needs psycopg, which is not installed here (RB410)",
                    help="pip install 'runbook-walk[sql]'",
                )
            ) from error
        match = URL.fullmatch(asked.url)
        try:
            if match is None:
                raise ValueError  # noqa: TRY301 - the same words for both
            psycopg.conninfo.conninfo_to_dict(asked.url)
        except (ValueError, psycopg.ProgrammingError):
            help_ = "in a name or password write @ as %40, / as %2F, : as %3A, % as %25; look for a misspelt option"
            # Not from the error: it may quote a piece of the password.
            raise NotSent("the URL of the database cannot be read", help_) from None
        self._asked = asked
        self._where = unquote(match["hosts"]) or "the database server"
        self._connection: psycopg.Connection[Any] | None = None

    def open(self, limit: int) -> None:
        """Connect, and begin the transaction."""
        import psycopg

        try:
            connection = self._connection = psycopg.connect(
                self._asked.url,
                connect_timeout=max(2, math.ceil(limit / 1000)),
                client_encoding="UTF8",
                fallback_application_name=f"runbook/{VERSION}",
                prepare_threshold=None,
            )
        except psycopg.Error as error:
            raise unreached(error, self._where) from None
        connection.read_only = None if self._asked.changes else True
        _load_as_text(connection)
        settings = {
            "statement_timeout": str(limit),
            "lock_timeout": str(max(1, min(LOCK_WAIT, limit * 3 // 4))),
            "idle_in_transaction_session_timeout": str(limit),
            "DateStyle": "ISO",
            "bytea_output": "hex",
            "standard_conforming_strings": "on",
        }
        calls = ", ".join("set_config(%s, %s, true)" for _ in settings)
        try:
            connection.execute(_NOTICE_A_DEAD_CLIENT)
            # The first look at the data: from here on the transaction cannot be made one that writes.
            connection.execute(f"select {calls}".encode(), [word for pair in settings.items() for word in pair])
        except psycopg.Error as error:
            reason = f"{self._where} let nobody begin a transaction ({error.sqlstate or 'the connection was lost'})"
            raise NotSent(reason, "look at the database's log") from None

    def carry_out(self) -> SqlResult:
        """Send the statement, read the answer, and commit a change."""
        import psycopg

        connection = self._open
        names = list(dict.fromkeys(self._asked.statement.names))
        began = time.monotonic()
        try:
            answer, changed = self._exchanged(connection, names)
            elapsed = round((time.monotonic() - began) * 1000)
            if self._asked.changes:
                connection.commit()
            else:
                connection.rollback()  # else a `notify` would go out
        except psycopg.Error as error:
            raise refused(error, names, connected=not connection.closed and not connection.broken) from None
        return answer.result(changed=changed, elapsed_ms=elapsed)

    def interrupt(self) -> None:
        """Tell the server to stop."""
        if self._connection is not None:
            with contextlib.suppress(Exception):  # it may be gone, and then there is nothing to stop
                self._connection.cancel_safe(timeout=2.0)

    def hang_up(self) -> None:
        """Wake a thread that waits for the server."""
        if self._connection is not None:
            with contextlib.suppress(Exception), socket.socket(fileno=os.dup(self._connection.fileno())) as twin:
                twin.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Drop the connection; the server drops what was not committed."""
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()

    @property
    def _open(self) -> "psycopg.Connection[Any]":
        if self._connection is None:  # pragma: no cover - whoever carries out has opened
            raise RuntimeError
        return self._connection

    def _exchanged(self, connection: "psycopg.Connection[Any]", names: Sequence[str]) -> tuple[Answer, int]:
        """The answer, a few rows at a time, and how many rows the server says it changed.

        psycopg's own `Cursor.stream` has no count of the rows that a statement changed.
        """
        from psycopg import capabilities, generators, pq
        from psycopg.adapt import PyFormat, Transformer
        from psycopg.errors import error_from_result

        numbers = {name: f"${place}" for place, name in enumerate(names, 1)}
        text = self._asked.statement.written(numbers.__getitem__)
        transformer = Transformer(connection)
        try:
            values = [_fit(self._asked.params[name]) for name in names]
            bound = transformer.dump_sequence(values, [PyFormat.TEXT] * len(values))
        except Exception as error:
            # What is said of a value may quote it.
            raise NotSent("a parameter cannot be written for PostgreSQL", "look at the types of `params`") from error
        pgconn = connection.pgconn
        pgconn.send_query_params(text.encode(), bound, param_types=transformer.types)
        if capabilities.has_stream_chunked():
            pgconn.set_chunked_rows_mode(_CHUNK)
        else:
            pgconn.set_single_row_mode()
        connection.wait(generators.send(pgconn))
        answer, changed, first = Answer(), -1, True
        status = pq.ExecStatus
        while (result := connection.wait(generators.fetch(pgconn))) is not None:
            if result.status in {status.TUPLES_CHUNK, status.SINGLE_TUPLE, status.TUPLES_OK}:
                transformer.set_pgresult(result)
                if first:
                    answer.begin(
                        [(result.fname(column) or b"").decode("utf-8", "replace") for column in range(result.nfields)]
                    )
                    first = False
                answer.take(transformer.load_rows(0, result.ntuples, tuple))
            elif result.status in {status.COPY_IN, status.COPY_OUT, status.COPY_BOTH}:
                raise NotSent("`copy` to or from the client is no statement of a step", "use psql in a `command` step")
            elif result.status == status.COMMAND_OK:
                changed = result.command_tuples if result.command_tuples is not None else -1
            else:
                raise error_from_result(result, encoding="utf-8")
        return answer, changed


def _fit(value: Json) -> object:
    """A value as psycopg binds it: a list is an array, and what has mappings in it is JSON."""
    from psycopg.types.json import Jsonb

    nested = isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict) for item in value))
    return Jsonb(value) if nested else value


def _load_as_text(connection: "psycopg.Connection[Any]") -> None:
    """Take every type but the plainest as the text that PostgreSQL writes: exact, whatever is in it."""
    from psycopg.adapt import Buffer, Loader

    class Text(Loader):
        def load(self, data: Buffer) -> str:
            return bytes(data).decode("utf-8", "replace")

    class Instant(Text):
        def load(self, data: Buffer) -> str:
            text = super().load(data)
            match = _INSTANT.fullmatch(text)
            if match is None:  # before Christ, after the year 9999, or infinite
                return text
            date, clock, hours, minutes = match.groups()
            offset = (
                "" if hours is None else "Z" if hours in {"+00", "-00"} and not minutes else hours + (minutes or ":00")
            )
            return f"{date}T{clock}{offset}"

    for known in connection.adapters.types:
        if known.name not in _AS_THEY_ARE:
            connection.adapters.register_loader(known.oid, Instant if known.name.startswith("timestamp") else Text)
    connection.adapters.register_loader(0, Text)

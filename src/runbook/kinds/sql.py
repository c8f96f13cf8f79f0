"""The kind ``sql``: one statement with bound parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from runbook.kinds.showing import shown, shown_json
from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Automated, Observed, Preview, Traits, Verdict
from runbook.model.runbook import Outcome
from runbook.model.secrets import Resolved, Text

if TYPE_CHECKING:
    from runbook.model.io import Io

_PASSWORD = re.compile(r"(?<=://)([^@/:]*):(?!‹secret )[^@/]*@")

_LINE = 72
"""Characters of a statement that fit on a line with the name of the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql(Automated):
    """One SQL statement on a database, PostgreSQL or SQLite.

    Use it to count rows, to compare the tables that exist with those that must, or to mend data. ``database`` is
    ``postgresql://USER:PASSWORD@HOST/NAME``, nearly always a secret, or ``sqlite:PATH``, a file that is there already,
    seen from the directory of the run. The statement holds no ``${{ }}``: values come in by ``params`` and are bound
    as ``:name``, so that none becomes code. A list is bound as an array (``= any(:names)``) and a mapping as JSON; in
    SQLite both are JSON text. PostgreSQL needs the extra: ``pip install 'runbook-walk[sql]'``.

    The file says the ``effect``. With ``none`` the statement runs in a read-only transaction, so the database itself
    refuses a write, and it is rolled back in the end. What reaches out of the database is beyond that: ``copy`` is
    refused in a read, functions such as ``lo_export`` or ``dblink_exec`` are not. A change runs in one transaction,
    which is rolled back if anything in it fails: then it is *failed*, and nothing is changed. So what cannot run in a
    transaction (``vacuum``, ``create index concurrently``, ``create database``) is refused by the database; it belongs
    into a ``command`` or ``manual`` step. A connection that is lost before the commit was acknowledged leaves a change
    *unknown*: give it a ``probe`` that looks.

    The limit is 30 s unless ``timeout`` says otherwise; the server keeps it too, and waits for a lock 10 s at most.
    Ctrl-C has the server stop the statement. A change that the server says it stopped is rolled back, and so *failed*;
    one of which it says nothing more is *unknown*. What a killed walk left running ends within a second or so
    (PostgreSQL 14 and later), and is rolled back.

    In ``rows``, whole numbers, floats, booleans, NULL, JSON and lists of them are values. Everything else is text, as
    exact as the database writes it: ``numeric`` (so ``sum`` and ``avg`` of many types: cast them), dates, intervals,
    ``uuid``, bytes in hexadecimal; ``timestamptz`` in the form that ``timestamp()`` reads. Two columns of one name are
    refused. Of many rows the first are kept, and ``row_count`` counts all of them.

    For example::

        kind: sql
        database: ${{ secrets.database_url }}
        effect: none
        statement: select count(*) as n from threads where created_at > :since
        params: {since: "${{ inputs.since }}"}
        expect: rows[0].n > 0
    """

    database: Text
    statement: str
    params: Mapping[str, Resolved] = field(default_factory=dict)

    NAME: ClassVar[str] = "sql"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        ["database", "statement"],
        database=fragments.text("The URL of the database: postgresql://… or sqlite:PATH."),
        statement=fragments.text("One statement; it holds no ${{ }}."),
        params=fragments.mapping_of(
            fragments.anything("A value."), "The values of its parameters, by name.", names="^[A-Za-z_][A-Za-z0-9_]*$"
        ),
    )
    TRAITS: ClassVar[Traits] = Traits(
        effect=None,
        verbatim=frozenset({"statement"}),
        secrets=frozenset({"database", "params"}),
        statements={"statement": "params"},
        timeout=30_000,
    )
    OBSERVES: ClassVar[Mapping[str, Observed]] = {
        "rows": Observed(type="list<map<string,dyn>>", text="The rows, each a mapping of columns to values."),
        "columns": Observed(type="list<string>", text="The names of the columns, in order."),
        "row_count": Observed(type="int", text="How many rows it returned or changed."),
        "elapsed_ms": Observed(type="int", text="Milliseconds until the answer was there."),
    }
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "threads_exist",
            "title": "Does the table exist?",
            "kind": "sql",
            "database": "${{ secrets.database_url }}",
            "effect": "none",
            "statement": "select count(*) as n from pg_tables where tablename = :name",
            "params": {"name": "threads"},
            "expect": "rows[0].n == 1",
        },
        {
            "id": "close_stale_sessions",
            "title": "Close the sessions that nobody has used for long",
            "kind": "sql",
            "database": "${{ secrets.database_url }}",
            "effect": "change",
            "undo": "none",
            "because": "whoever is still there signs in again",
            "statement": "update sessions set closed = true where used_at < now() - make_interval(days => :days)",
            "params": {"days": 30},
            "timeout": "1m",
        },
    )

    def preview(self) -> Preview:
        """The database, without its password, and the statement; below them what does not fit on the line."""
        where = _PASSWORD.sub(r"\1:‹password›@", shown(self.database))
        statement = self.statement.strip()
        short = "\n" not in statement and len(statement) <= _LINE
        line = f"on {where}: {statement}" if short else f"on {where}, the statement:"
        params = [f"with :{name} = {shown_json(value, indent=None)}" for name, value in self.params.items()]
        return Preview(line=line, detail="\n".join([*([] if short else [statement]), *params]))

    def perform(self, io: "Io") -> JsonObject:
        """Have the database carry it out."""
        from runbook.model.io import SqlQuery  # not for a checker

        result = io.sql(SqlQuery(database=self.database, statement=self.statement, params=self.params))
        return {
            "rows": [dict(row) for row in result.rows],
            "columns": list(result.columns),
            "row_count": result.row_count,
            "elapsed_ms": result.elapsed_ms,
        }

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """A statement that the database has carried out passes."""
        del observation
        return Verdict(outcome=Outcome.PASSED, changed="yes")

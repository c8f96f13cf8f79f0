"""The kind ``sql``: one statement with bound parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from runbook.kinds.not_yet import NotYet
from runbook.kinds.showing import shown, shown_json
from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Observed, Preview, Traits, Verdict
from runbook.model.runbook import Outcome
from runbook.model.secrets import Resolved, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql(NotYet):
    """One SQL statement on a database, PostgreSQL or SQLite.

    Use it to count rows, to compare the tables that exist with those that must, or to mend data. The statement holds
    no ``${{ }}``: values come in by ``params`` and are bound as ``:name``, so that none becomes code. The file says
    the ``effect``; with ``none`` the database itself refuses a write.

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
        timeout=30_000,
        ready=False,
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
    )

    def preview(self) -> Preview:
        """The statement, its parameters, and the database."""
        params = f"\nwith {shown_json(dict(self.params))}" if self.params else ""
        return Preview(line=f"on {shown(self.database)}", detail=f"{self.statement}{params}")

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """A statement that the database has carried out passes."""
        del observation
        return Verdict(outcome=Outcome.PASSED, changed="yes")

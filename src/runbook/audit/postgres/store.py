"""A store in PostgreSQL, as everybody who works with runs sees it: like one in a directory of this process's own."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from runbook.audit.footing import refusal
from runbook.audit.postgres.link import UNREACHED, Link, StoreFailed
from runbook.audit.postgres.records import begun
from runbook.audit.postgres.run import ENDS, StoredRun, glimpsed
from runbook.audit.postgres.shared import PostgresLocks, PostgresStarts
from runbook.audit.record import ASIDE
from runbook.audit.store import RUN_EXISTS, Glimpse, RunDir, Store
from runbook.model.address import RUN_ID
from runbook.model.diagnostics import Code, Diagnostic, Refused, Severity

FORMAT = 1
"""The format of a store that this version works with; it stands in the table ``meta``."""
NO_STORE = Code(
    number="RB580",
    title="no store in the database",
    why="The database answers, and it holds no store of runs: nobody has made one there yet, or the URL names another"
    " database.",
)
NEWER = Code(
    number="RB581",
    title="store of another format",
    why="A newer version has made or changed the store, and arranged it in a way that this version does not know.",
)
NO_RIGHT = Code(
    number="RB582",
    title="store that may not be written to",
    why="Whoever walks a run adds records to the store. The role of this connection may not, or the database is a"
    " standby or set to be read only, and takes none.",
)
TOO_MANY_RIGHTS = Code(
    number="RB583",
    title="store that its user can rewrite",
    why="The store is worth most where those who walk can add records and nothing else. The role of this connection"
    " owns the tables, or may change or remove rows: with it a log can be written anew, by mistake or on purpose.",
    severity=Severity.WARNING,
)
_PAGE = 100


@dataclass(frozen=True, slots=True)
class PostgresStore(Store):
    """A store in PostgreSQL; ``root`` is a directory for copies of its runs."""

    link: Link
    _known: dict[str, StoredRun] = field(default_factory=dict, compare=False, repr=False)

    @property
    def shown(self) -> str:
        """Its URL, without a password and without options."""
        return self.link.name

    @property
    def option(self) -> tuple[str, str]:
        """The option that names it: its URL without a password."""
        return "--store", self.link.shown

    def look(self) -> None:
        """Look that there is a store, of a format that this version knows.

        :raises Refused: if not.
        """
        try:
            found = self.link.rows("select max(format) from runbook.meta")[0][0]
        except StoreFailed as failed:
            if failed.state in {"42P01", "3F000"}:
                help_ = f"have the owner of the database make one: `runbook state init --store {self.link.shown}`"
                raise self._refusal(NO_STORE, "there is no store in this database", help_) from None
            if failed.state == "42501":
                message = "this role may not read the store in this database"
                raise self._refusal(NO_RIGHT, message, _GRANT) from None
            raise
        if found is None or found > FORMAT:
            message = f"the store is of format {found}, and this program knows format {FORMAT}"
            raise self._refusal(NEWER, message, "use a newer runbook-walk")

    def prepare(self) -> "PostgresStore":
        """Look that it can be written to.

        :raises Refused: if not.
        """
        ((standby, closed, insert),) = self.link.rows(
            "select pg_is_in_recovery(), current_setting('transaction_read_only')::bool,"
            " has_table_privilege('runbook.record', 'insert')"
        )
        if standby:
            help_ = "name the primary, or add target_session_attrs=read-write to the URL"
            raise self._refusal(NO_RIGHT, "the database is a standby, which takes no records", help_)
        if closed:
            help_ = "somebody has set default_transaction_read_only: ask them, or take another store"
            raise self._refusal(NO_RIGHT, "the database takes no writes now", help_)
        if not insert:
            raise self._refusal(NO_RIGHT, "this role may read the store and not write to it", _GRANT)
        return self

    def warnings(self) -> Iterator[Diagnostic]:
        """What is to be said to somebody who walks a run in it."""
        ((rewrites,),) = self.link.rows("select has_table_privilege('runbook.record', 'update, delete, truncate')")
        if rewrites:
            message = "this role can change and remove what is in the store"
            yield Diagnostic(code=TOO_MANY_RIGHTS, message=message, file=self.shown, help=_GRANT)

    def shared_by(self) -> str | None:
        """Who shares it."""
        return f"everybody who uses this database, {self.shown}"

    def locks(self) -> PostgresLocks:
        """The locks of its runbooks."""
        return PostgresLocks(self, self.link)

    def starts(self) -> PostgresStarts:
        """Its record of starts."""
        return PostgresStarts(self, self.link)

    def create(self, run_id: str) -> RunDir:
        """The directory of a new run, which is nowhere else before its first record is."""
        if self._is_there(self._run(run_id)):
            message = f"there is a run `{run_id}` already"
            raise refusal(RUN_EXISTS, message, self.root, "choose another id, or none")
        self.runs.mkdir(mode=0o700, exist_ok=True)
        return Store.create(self, run_id)

    def find(self, text: str) -> RunDir:
        """The run that a user means, with a copy of it in its directory, but for what its steps printed.

        That may be much, and few look at it; they call :meth:`RunDir.fetch`.
        """
        run = Store.find(self, text)
        self._known[run.id].fetch(run, outputs=False)
        return run

    def newest(self, limit: int | None = None) -> list[RunDir]:
        """The runs, the one that began last first; no copies are made."""
        found = self.link.rows(
            "select run from runbook.record where seq = 0 order by at desc, run desc limit %s", limit
        )
        return [self.run(run) for (run,) in found if RUN_ID.fullmatch(run)]

    def glimpses(self, limit: int | None = None) -> Iterator[Glimpse]:
        """The same runs, each with its first and its last record, asked for a page at a time."""
        behind: tuple[Any, ...] = ()
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(left, _PAGE)
            page = self.link.rows(
                f"{ENDS}{' and (begun.at, begun.run) < (%s, %s)' if behind else ''}"
                " order by begun.at desc, begun.run desc limit %s",
                *([*ASIDE], *behind, size),
            )
            for run, _, *ends in page:
                if RUN_ID.fullmatch(run):
                    yield glimpsed(self.run(run), ends)
            if len(page) < size:
                return
            behind = (page[-1][1], page[-1][0])
            left = None if left is None else left - size

    def asking(self, request: str) -> RunDir | None:
        """The run that has made a request for approvals, with a copy of it in its directory."""
        found = self.link.rows(
            "select run from runbook.file where name = %s and name like 'requests/%%'", f"requests/{request}.txt"
        )
        return self.find(found[0][0]) if found else None

    def run(self, run_id: str) -> RunDir:
        """A run by its id, whether or not there is one."""
        away = self._known.setdefault(run_id, StoredRun(self, self.link, run_id))
        return RunDir(self.runs / run_id, away)

    def _named(self, beginning: str) -> list[str]:
        found = self.link.rows(
            "select run from runbook.record where seq = 0 and starts_with(run, %s) order by run", beginning
        )
        return [run for (run,) in found if RUN_ID.fullmatch(run)]

    def _is_there(self, run: RunDir) -> bool:
        return begun(self.link, run.id)

    def _refusal(self, code: Code, message: str, help_: str) -> Refused:
        return Refused(Diagnostic(code=code, message=message, file=self.shown, help=help_))


_GRANT = "connect as a role that is a member of runbook_writer and of nothing that owns the store"


def unreached(error: StoreFailed, shown: str) -> Refused:
    """What a user is told when a store that was there does not do what it should."""
    message = f"the store cannot be asked: {error.strerror}"
    help_ = "look whether the database runs and can be reached, then ask again"
    return Refused(Diagnostic(code=UNREACHED, message=message, file=shown, help=help_))


def schema() -> str:
    """The SQL that makes a store, or what is missing of one."""
    return files("runbook.audit.postgres").joinpath("schema.sql").read_text(encoding="utf-8")


def make(link: Link) -> None:
    """Make a store in a database, or what is missing of one.

    :raises Refused: if this role may not, or the database cannot be reached.
    :raises StoreFailed: if it is not known to be made.
    """
    try:
        link.script(schema())
    except StoreFailed as failed:
        if failed.state != "42501":
            raise
        message = "this role may not make a store in this database"
        help_ = "connect as one that may create a schema and a role, or have its owner carry out `runbook state sql`"
        raise Refused(Diagnostic(code=NO_RIGHT, message=message, file=link.name, help=help_)) from None

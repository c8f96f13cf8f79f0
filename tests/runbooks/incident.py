"""An incident of a database: a real PostgreSQL, the demonstration service over it, and a desk to walk a runbook at."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.drivers.desk import Desk, Done, answers
from tests.examples import serving
from tests.runbooks.copied import copied
from tests.world.postgres import PASSWORD, Postgres

SCHEMA = (serving.DEMO / "schema.sql").read_text()
BOOKS: Mapping[str, Mapping[str, str]] = {
    "migration_never_ran": {
        "timeout: 5m\n    next: journeys": "timeout: 1s\n    next: journeys",
        "timeout: 1m\n    probe": "timeout: 1s\n    probe",
    },
    "restored_backup_lacks_tables": {
        "timeout: 2m\n    next: healthy": "timeout: 1s\n    next: healthy",
        "lock_timeout = '10s'": "lock_timeout = '300ms'",
        "lock-wait-timeout=10s": "lock-wait-timeout=300ms",
    },
}
"""The runbooks, and what each says here in place of what it says in the tree, so that nothing waits for long."""
GUEST = "guest-word/with@signs:%"
"""The password of a login that may read everything and create nothing."""


class Incident:
    """The parts of one incident."""

    def __init__(self, root: Path, postgres: Postgres, port: int) -> None:
        """Set a desk with the runbooks, and point it to the database; the service listens already."""
        self.postgres = postgres
        self.port = port
        self.desk = Desk(root)
        self.desk.env |= postgres.variables | {"PATH": f"{postgres.binaries}:{os.environ['PATH']}"}
        for name, changes in BOOKS.items():
            copied(self.desk, f"{name}.yaml", changes)
        self.schema = root / "examples" / "demo" / "schema.sql"
        self.schema.parent.mkdir(parents=True)
        self.schema.write_text(SCHEMA)

    def walk(self, runbook: str, *told: str, run: str = "r1", more: tuple[str, ...] = ()) -> tuple[Done, list[str]]:
        """Walk a runbook with these answers; how the command ended, and the steps of the runbook that it entered.

        The log is a legal walk of the runbook, and no password is anywhere in it or on the terminal.
        """
        desk = self.desk
        desk.write("answers.yaml", answers(*told))
        given = ("-e", "demo", "-i", f"port=:{self.port}", "--answers", "answers.yaml", "--run-id", run)
        done = desk.do("run", f"{runbook}.yaml", *given, *more)
        assert desk.verify(run) == (3 if done.status == 3 else 0), done.text
        seen = desk.every_byte() + done.text.encode()
        for password in (PASSWORD, GUEST):
            assert password.encode() not in seen
        return done, [step for fields in desk.told("step.entered", run) if "/" not in (step := str(fields["step"]))]

    def report(self, run: str = "r1") -> str:
        """The report of a run, as Markdown."""
        return self.desk.do("report", run).out

    def outcome(self, run: str = "r1") -> str:
        """How a run ended."""
        (fields,) = self.desk.told("run.finished", run)
        return str(fields["finish"])

    def observed(self, step: str, run: str = "r1") -> Mapping[str, Any]:
        """What a step saw last."""
        seen = [fields["obs"] for fields in self.desk.told("step.finished", run) if fields["step"] == step]
        found: Mapping[str, Any] = json.loads(seen[-1])
        return found

    def tables(self) -> list[str]:
        """The tables that are there."""
        return [
            name for (name,) in self.postgres.do("select tablename from pg_tables where schemaname='public' order by 1")
        ]

    def columns(self, table: str) -> list[str]:
        """The columns of a table, with their types."""
        found = self.postgres.do(
            "select format('%%s %%s', attname, format_type(atttypid, atttypmod)) from pg_attribute"
            " where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum",
            table,
        )
        return [column for (column,) in found]

    def as_guest(self) -> None:
        """From here on the operator has a login that may read everything and create nothing that stays."""
        self.postgres.do("drop role if exists guest")
        self.postgres.do(f"create role guest login password '{GUEST}'")
        self.postgres.do("grant pg_read_all_data to guest")
        self.desk.env |= {"PGUSER": "guest", "PGPASSWORD": GUEST}


@contextmanager
def incident(root: Path, postgres: Postgres, variables: str = "lying") -> Iterator[Incident]:
    """An incident in an empty database; the service lies about its health."""
    postgres.do("drop schema public cascade; create schema public")
    with serving.service(root, postgres.variables) as port:
        serving.fault(root, port, variables)
        yield Incident(root, postgres, port)


def without(env: Mapping[str, str], program: str, folder: Path) -> dict[str, str]:
    """The environment with a path on which everything is but one program."""
    folder.mkdir()
    for place in reversed(env["PATH"].split(":")):
        for file in Path(place).glob("*"):
            link = folder / file.name
            if file.name != program:
                link.unlink(missing_ok=True)
                link.symlink_to(file)
    return {**env, "PATH": str(folder)}

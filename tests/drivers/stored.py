"""A desk whose runs are kept in PostgreSQL: a database of its own on the server of the tests, a role that inserts."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from tests.drivers.desk import Desk, hatchery
from tests.drivers.hatchery import Hatchery
from tests.world.postgres import Postgres

from runbook.audit.postgres.link import Link
from runbook.audit.postgres.store import PostgresStore, schema
from runbook.audit.store import RunDir

WALKER, PASSWORD = "walker", "only-inserts"
_NUMBERS = itertools.count(1)


def database(server: Postgres) -> str:
    """A new database with a store in it; its name."""
    name = f"store_{next(_NUMBERS)}"
    server.do(f"create database {name}")
    with psycopg.connect(server.url_of(name), autocommit=True) as owner:
        owner.execute(schema().encode())
        if not owner.execute("select from pg_roles where rolname = %s", [WALKER]).fetchall():
            owner.execute(f"create role {WALKER} login password '{PASSWORD}' in role runbook_writer".encode())
    return name


class StoredDesk(Desk):
    """A desk at a store; what is called there finds it in its environment, and the password in a file."""

    def __init__(
        self, root: Path, server: Postgres, database: str, hatchery: Callable[[], Hatchery] = hatchery
    ) -> None:
        super().__init__(root, hatchery)
        self.server = server
        self.database = database
        self.url = f"postgresql://{WALKER}@127.0.0.1:{server.port}/{database}"
        passwords = self.write(".pgpass", f"127.0.0.1:{server.port}:*:{WALKER}:{PASSWORD}\n")
        passwords.chmod(0o600)
        self.env |= {"RUNBOOK_STORE": self.url, "PGPASSFILE": str(passwords), "TMPDIR": str(root)}
        self.store = self._opened("copies")

    def another(self, name: str) -> "StoredDesk":
        """Another machine at the same store: another directory, home and state."""
        root = self.root / name
        root.mkdir()
        return StoredDesk(root, self.server, self.database)

    def run(self, run: str = "r1") -> RunDir:
        """A run, in a copy as new as what is kept."""
        found = self.store.run(run)
        found.fetch()
        return found

    def owner(self, statement: str, *params: object) -> list[tuple[object, ...]]:
        """Carry out a statement as the owner of the store."""
        with psycopg.connect(self.server.url_of(self.database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), params or None)
            return cursor.fetchall() if cursor.description else []

    def rewrite(self, statement: str, *params: object) -> None:
        """Change what is kept as its owner can: without the triggers that are in the way."""
        with psycopg.connect(self.server.url_of(self.database), autocommit=True) as connection:
            connection.execute("set session_replication_role = replica")
            connection.execute(statement.encode(), params or None)

    def again(self) -> None:
        """Ask the store over a new connection, after the server was gone."""
        self.store.link.close()
        self.store = self._opened("copies")

    def close(self) -> None:
        """Let the store go."""
        self.store.link.close()

    def _opened(self, name: str) -> PostgresStore:
        root = self.root / name
        root.mkdir(mode=0o700, exist_ok=True)
        return PostgresStore(root, Link(self.url.replace("@", f":{PASSWORD}@", 1)))


@contextmanager
def stored_desk(root: Path, server: Postgres) -> Iterator[StoredDesk]:
    """A desk at a new store; what was called there has ended when it is left."""
    desk = StoredDesk(root, server, database(server))
    try:
        yield desk
    finally:
        desk.close()
    desk.settled()

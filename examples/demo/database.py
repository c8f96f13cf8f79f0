"""The database of the demonstration service: a PostgreSQL, asked through psycopg, which is an optional extra.

A connection a request, and nothing is kept: what somebody does to the database meanwhile is seen at once. What is said
of a failure never holds the password.
"""

from typing import Any

NEEDS_PSYCOPG = "a DATABASE_URL is set, and psycopg is not installed: pip install 'runbook-walk[sql]'"


class DatabaseError(Exception):
    """What the database, or the way to it, refuses."""


def needs() -> str | None:
    """What has to be installed first, or None."""
    try:
        import psycopg  # noqa: F401 - only whether it is there
    except ImportError:
        return NEEDS_PSYCOPG
    return None


def rows(url: str, statement: bytes, *values: object) -> list[tuple[Any, ...]]:
    """The rows of one statement, which is committed.

    :raises DatabaseError: if psycopg is missing, the server does not answer, or it refuses the statement.
    """
    if missing := needs():
        raise DatabaseError(missing)
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=2, options="-c statement_timeout=3000") as connection:
            return connection.execute(statement, values).fetchall()
    except psycopg.OperationalError as error:
        # Of a connection nothing is quoted: the text may hold pieces of the URL.
        raise DatabaseError(error.diag.message_primary or "the database does not answer") from None
    except psycopg.Error as error:
        raise DatabaseError(error.diag.message_primary or type(error).__name__) from None


def threads(url: str) -> list[dict[str, str]]:
    """The newest threads."""
    found = rows(url, b"select id, owner, title, created_at, updated_at from threads order by updated_at desc limit 50")
    return [{"id": str(id_), "owner": str(owner), "title": title} for id_, owner, title, *_ in found]


def create_thread(url: str, title: str) -> str:
    """Create one, of nobody in particular; its id."""
    ((id_,),) = rows(url, b"insert into threads (owner, title) values (gen_random_uuid(), %s) returning id", title)
    return str(id_)

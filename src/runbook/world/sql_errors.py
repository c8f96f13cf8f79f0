"""Says in words why PostgreSQL could not be reached or refused a statement, each cause in its own.

Rules. What the client library says of a connection is never quoted: of a URL that is misread it may quote pieces, and
one of them may be a piece of the password. What the server says of a statement is quoted whole, because a mask knows a
secret only whole, or not at all.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runbook.model.io import Lost, NotSent, WorldError
from runbook.model.postgres import why_unreached
from runbook.world.sql_answer import Interrupted

if TYPE_CHECKING:
    import psycopg

_LONGEST = 300
_PARAMETER = re.compile(r"parameter \$(\d+)")
_ADVICE = {
    "25006": "the step says `effect: none`, or the database is a standby: see which of the two, and whether it writes",
    "25001": "it cannot run in a transaction: run it in a `manual` step with psql, or in a `command` step",
    "42P01": "look at the name and the search_path, and whether the migration that makes it has run here",
    "42703": "look at the name, and whether the migration that makes it has run here",
    "42P08": "say its type: `cast(:name as text)`",
    "42P18": "say its type: `cast(:name as text)`",
    "42501": "grant it, or use another user",
    "42601": "mend the statement",
    "42883": "look at the types of its arguments, and cast a parameter: `cast(:name as integer)`",
    "55P03": "another session holds the lock: look at pg_blocking_pids and pg_stat_activity",
    "40P01": "another session wanted the same locks: try again",
    "40001": "another session changed the same rows: try again",
    "53100": "free space on the disk of the database",
}
"""What to do by SQLSTATE (PostgreSQL's manual, appendix A), or by its class."""
_ADVICE_BY_CLASS = {
    "22": "look at the values of the parameters, and at their types",
    "23": "look at the rows that are there already",
    "0A": "look at what this version of the database can do",
    "53": "look at the resources of the database",
}


def unreached(error: Exception, where: str) -> NotSent:
    """Why there is no connection.

    :param where: host and port, without what may hold a secret.
    """
    return NotSent(*why_unreached(str(error), where))


def refused(error: "psycopg.Error", names: Sequence[str], *, connected: bool) -> WorldError | Interrupted:
    """What it means that the database raised this once the statement was sent.

    :param names: the parameters in the order in which they were numbered.
    :param connected: whether the connection is still there; if not, nobody knows.
    """
    state = error.sqlstate or ""
    fatal = error.diag.severity_nonlocalized in {"FATAL", "PANIC"}
    if not connected or fatal or not state:
        return Lost("the connection to the database was lost before its answer was there", "look at the database's log")
    if state == "57014":
        return Interrupted()
    advice = _ADVICE.get(state) or _ADVICE_BY_CLASS.get(state[:2]) or "look at the statement and at the database's log"
    return NotSent(f"the database refused the statement: {_said(error, names)} ({state})", advice)


def _said(error: "psycopg.Error", names: Sequence[str]) -> str:
    """What the server said, with the parameters by name."""
    said = error.diag.message_primary or ""
    if not said or "\n" in said or len(said) > _LONGEST:
        return type(error).__name__
    return _PARAMETER.sub(lambda match: f"parameter `{names[int(match[1]) - 1]}`", said)

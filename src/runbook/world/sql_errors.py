"""Says in words why PostgreSQL could not be reached or refused a statement, each cause in its own.

Rules. What the client library says of a connection is never quoted: of a URL that is misread it may quote pieces, and
one of them may be a piece of the password. What the server says of a statement is quoted whole, because a mask knows a
secret only whole, or not at all.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runbook.model.io import Lost, NotSent, WorldError
from runbook.world.sql_answer import Interrupted

if TYPE_CHECKING:
    import psycopg

_LONGEST = 300
_PARAMETER = re.compile(r"parameter \$(\d+)")
_FATAL = re.compile(r"FATAL: +([^\n]+)")
_UNREACHED = (
    (
        r"could not translate host name|failed to resolve",
        "the name of {where} does not resolve",
        "look for a misspelt name, then at this machine's name server",
    ),
    (
        r"connection refused",
        "{where} refused the connection",
        "see that the database runs and listens on this port",
    ),
    (
        r"on socket .*no such file",
        "no database listens on the socket of this machine",
        "start it, or name its host in the URL",
    ),
    (
        r"timeout expired",
        "no connection to {where} in time",
        "look at the network between here and there: a firewall that drops, a VPN that is down",
    ),
    (
        r"unreachable|no route to host",
        "{where} cannot be reached from here",
        "look at the network, the VPN and the route",
    ),
    (
        r"no password supplied",
        "{where} wants a password, and the URL has none",
        "add it to the secret that the URL comes from, or to ~/.pgpass",
    ),
    (
        r"password authentication failed|authentication failed|role .* does not exist",
        "{where} refused the user or the password",
        "look at the secret: was the password changed, has it a character that must be percent-encoded?",
    ),
    (
        r"database .* does not exist",
        "{where} has no database of that name",
        "look at the end of the URL, and at `\\l` in psql",
    ),
    (
        r"no pg_hba.conf entry|pg_hba.conf rejects",
        "{where} lets nobody in from here with this user and database",
        "look at its pg_hba.conf or its list of allowed addresses, and whether it wants TLS",
    ),
    (
        r"permission denied for database",
        "this user may not connect to that database",
        "grant connect on it, or use another user",
    ),
    (
        r"too many (clients|connections)|connection slots are reserved",
        "{where} has no connection left",
        "look at pg_stat_activity for who holds them",
    ),
    (
        r"is starting up|is shutting down|in recovery mode|not yet accepting",
        "{where} is starting up or shutting down",
        "wait a minute, then retry; look at its log",
    ),
    (
        r"certificate|ssl|tls",
        "TLS with {where} failed",
        "look at `sslmode` in the URL, and at the certificate of the database",
    ),
)
"""What stands in the text of a failed connection, the reason, and what to do; the first that is found counts."""
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
    text = str(error)
    for pattern, reason, help_ in _UNREACHED:
        if re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            return NotSent(reason.format(where=where), help_)
    said = _FATAL.search(text)
    why = f": {said[1]}" if said and len(said[1]) <= _LONGEST else ""
    return NotSent(f"{where} cannot be reached{why}", "try to connect with psql from here")


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

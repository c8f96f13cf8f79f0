"""What several rooms know of PostgreSQL: the form of its URLs, and why a connection to it fails, in words.

Rules. What the client library says of a connection is never quoted: of a URL that is misread it may quote pieces, and
one of them may be a piece of the password.
"""

import re

_LONGEST = 300
_FATAL = re.compile(r"FATAL: +([^\n]+)")
URL = re.compile(
    r"postgres(?:ql)?://(?:[^@/]*@)?(?P<hosts>[\w.:,\[\]%-]*)(?:/[^@?]*)?(?:\?[^@]*)?",
    re.ASCII,
)
"""A URL in which each sign is where libpq reads it; else a piece of a password could be taken for the host."""
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


def why_unreached(text: str, where: str) -> tuple[str, str]:
    """Why there is no connection, and what to do.

    :param text: what the client library says of it.
    :param where: host and port, without what may hold a secret.
    """
    for pattern, reason, help_ in _UNREACHED:
        if re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            return reason.format(where=where), help_
    said = _FATAL.search(text)
    why = f": {said[1]}" if said and len(said[1]) <= _LONGEST else ""
    return f"{where} cannot be reached{why}", "try to connect with psql from here"

"""``runbook state``: make a store that several people share: a directory for a group, or one in a database."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from runbook.audit import footing
from runbook.cli.failing import USAGE
from runbook.cli.options import Parser
from runbook.model.diagnostics import Diagnostic, Refused


def main(arguments: Sequence[str]) -> int:
    """Make a shared store; 2 if it cannot be."""
    text = "Make a store whose runs, cooldowns and locks several people share: in a directory, or in PostgreSQL."
    parser = Parser("state", text)
    parser.add_argument("act", metavar="init|sql", choices=("init", "sql"), help="make one, or print the SQL of one")
    parser.add_argument("directory", metavar="DIR", nargs="?", help="where; it must not be there yet, or be empty")
    parser.add_argument("--group", metavar="G", help="the group that shares DIR: its name or its number")
    parser.add_argument("--store", metavar="URL", help="make it in this database, as the owner of the store to be")
    options = parser.parse_args(arguments)
    if options.act == "sql":
        from runbook.audit.postgres.store import schema

        sys.stdout.write(schema())
        return 0
    if options.store is not None and options.directory is None and options.group is None:
        return _in_database(options.store)
    if options.store is not None or options.directory is None or options.group is None:
        help_ = "runbook state init DIR --group G, or runbook state init --store postgresql://…"
        raise Refused(Diagnostic(code=USAGE, message="it is not said where, or for whom", help=help_))
    return _in_directory(options)


def _in_directory(options: argparse.Namespace) -> int:
    root = Path(os.path.realpath(options.directory))
    try:
        footing.make_shared(root, options.group)
        footing.check_local(root, footing.mount_table())
    except OSError as error:
        raise footing.unusable(root, error) from None
    sys.stdout.write(f"{root}\n")
    sys.stderr.write(
        f"shared by group {footing.group_of(root)}; each of its members sets\n  export RUNBOOK_STATE_DIR={root}\n"
    )
    return 0


def _in_database(url: str) -> int:
    from runbook.audit.postgres.store import make
    from runbook.cli.stores import connected

    with connected(url, typed=True) as link:
        make(link)
    sys.stdout.write(f"{link.shown}\n")
    sys.stderr.write("made; for each person, as the owner:\n  create role NAME login in role runbook_writer\n")
    sys.stderr.write(
        "and each of them sets, with a name and no password in it\n  export RUNBOOK_STORE=postgresql://…\n"
    )
    return 0

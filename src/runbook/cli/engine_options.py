"""The options of the commands that have to do with an engine, and what is said where it is not installed."""

import argparse
import os

from runbook.cli.options import Parser
from runbook.model.diagnostics import Code, Diagnostic, Refused

NOT_INSTALLED = Code(
    number="RB597",
    title="Temporal is not installed",
    why="Runs on more than one machine are walked by a Temporal server, which is spoken to through an extra of this "
    "package, because most people walk their runbooks on one machine and need none. Nothing was begun.",
)
NO_STORE = Code(
    number="RB598",
    title="no store for several machines",
    why="A run that workers perform has its log in a database which all of them reach. Nothing was begun.",
)
NO_ENGINE = Code(
    number="RB599",
    title="no engine is named",
    why="Runs on more than one machine are walked by a Temporal server. Nobody has said where it is.",
)
VARIABLE, NAMESPACE = "RUNBOOK_ENGINE", "RUNBOOK_NAMESPACE"


def engine_options(parser: Parser) -> None:
    """Add ``--store``, ``--engine`` and ``--namespace``."""
    parser.add_argument(
        "--store", metavar="URL", help="the database that holds the runs: postgresql://…; default: $RUNBOOK_STORE"
    )
    parser.add_argument("--engine", metavar="HOST:PORT", help="the Temporal server; default: $RUNBOOK_ENGINE")
    parser.add_argument(
        "--namespace", metavar="NAME", help="the namespace there; default: $RUNBOOK_NAMESPACE, or `default`"
    )
    parser.set_defaults(state_dir=None)


def engine_of(options: argparse.Namespace) -> tuple[str, str]:
    """The engine's address and namespace.

    :raises Refused: if it is not named, or what speaks to it is not installed; or no database is named.
    """
    address = options.engine or os.environ.get(VARIABLE, "")
    if not address:
        raise Refused(
            Diagnostic(code=NO_ENGINE, message="no engine is named", help=f"--engine HOST:PORT, or ${VARIABLE}")
        )
    if not (options.store or os.environ.get("RUNBOOK_STORE")):
        message = "no database for the runs is named"
        raise Refused(Diagnostic(code=NO_STORE, message=message, help="--store postgresql://…, or $RUNBOOK_STORE"))
    try:
        import greenlet  # noqa: F401 - whether they are there
        import temporalio  # noqa: F401
    except ImportError:
        message = "what speaks to a Temporal server is not installed here"
        raise Refused(
            Diagnostic(code=NOT_INSTALLED, message=message, help="pip install 'runbook-walk[temporal]'")
        ) from None
    return address, options.namespace or os.environ.get(NAMESPACE) or "default"

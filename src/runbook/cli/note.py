"""``runbook note``: write something down in a run's log."""

import sys
from collections.abc import Sequence

from runbook.cli.options import Parser, note, operator_of, operator_option, run_argument, state_option
from runbook.cli.stores import store_of
from runbook.cli.telling import Told, tell
from runbook.drivers.messages import NOTES


def main(arguments: Sequence[str]) -> int:
    """Write something down: through the inbox where somebody walks the run, else into the log."""
    parser = Parser("note", "Write something down in a run's log, from any terminal.")
    run_argument(parser)
    parser.add_argument("text", metavar="TEXT", type=note, help="what to write down")
    parser.add_argument("--kind", choices=NOTES, default="note", help=f"one of {', '.join(NOTES)}; default: note")
    operator_option(parser, "writes")
    state_option(parser)
    options = parser.parse_args(arguments)
    by = operator_of(options)
    fields = {"kind": options.kind, "text": options.text, "by": by}
    with store_of(options) as store:
        told = tell(store, options.run, kind="note", fields=fields)
    match told:
        case Told.DELIVERED:
            sys.stderr.write("delivered to whoever walks the run; it is on record within a second\n")
        case Told.SENT:
            sys.stderr.write("in the store, for the engine that walks the run: a worker puts it on record\n")
        case Told.RECORDED:
            sys.stderr.write("on record\n")
        case Told.LEFT:
            sys.stderr.write("nobody walks the run, and its log is another user's: on record when they go on with it\n")
    return 0

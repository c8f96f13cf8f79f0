"""``runbook abort``: end a run."""

import sys
from collections.abc import Sequence

from runbook.cli.options import Parser, operator_of, operator_option, reason, run_argument, state_option
from runbook.cli.rows import rows
from runbook.cli.stores import store_of
from runbook.cli.telling import Told, tell
from runbook.drivers.replay import judged
from runbook.drivers.stopping import left_changed
from runbook.kinds.registry import KINDS


def main(arguments: Sequence[str]) -> int:
    """End a run: through the inbox where somebody walks it, else in the log."""
    parser = Parser("abort", "End a run. What it changed stays changed; the log lists it.")
    run_argument(parser)
    parser.add_argument("--reason", metavar="TEXT", type=reason, required=True, help="why")
    operator_option(parser, "ends it")
    state_option(parser)
    options = parser.parse_args(arguments)
    by = operator_of(options)
    fields = {"reason": options.reason, "by": by}
    with store_of(options) as store:
        told = tell(store, options.run, kind="abort", fields=fields)
        walk = judged(store.find(options.run).log, KINDS)[1] if told is Told.RECORDED else None
    match told:
        case Told.DELIVERED:
            sys.stderr.write("delivered to whoever walks the run; a change that runs is awaited first\n")
        case Told.SENT:
            sys.stderr.write("in the store, for the engine that walks the run: a change that runs is awaited first\n")
        case Told.RECORDED:
            said = rows(left_changed(walk), sys.stderr) if walk is not None else []
            sys.stderr.write("\n".join(["the run is over: aborted", *said]) + "\n")
        case Told.LEFT:
            sys.stderr.write("nobody walks the run, and its log is another user's: it ends when they go on with it\n")
    return 0

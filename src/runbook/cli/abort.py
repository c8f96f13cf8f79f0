"""``runbook abort``: end a run."""

import sys
from collections.abc import Sequence

from runbook.cli.options import Parser, default_operator, name, reason, run_argument, state_option
from runbook.cli.telling import Told, tell


def main(arguments: Sequence[str]) -> int:
    """End a run: through the inbox where somebody walks it, else in the log."""
    parser = Parser("abort", "End a run. What it changed stays changed; the log lists it.")
    run_argument(parser)
    parser.add_argument("--reason", metavar="TEXT", type=reason, required=True, help="why")
    parser.add_argument("--operator", metavar="ID", type=name, help="who ends it; default: login@host")
    state_option(parser)
    options = parser.parse_args(arguments)
    by = options.operator or default_operator()
    fields = {"reason": options.reason, "by": by}
    match tell(options.run, options.state_dir, kind="abort", fields=fields):
        case Told.DELIVERED:
            sys.stderr.write("delivered to whoever walks the run; a change that runs is awaited first\n")
        case Told.RECORDED:
            sys.stderr.write("the run is over: aborted\n")
    return 0

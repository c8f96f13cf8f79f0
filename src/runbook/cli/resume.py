"""``runbook resume``: go on with a run that was paused or interrupted."""

from collections.abc import Sequence

from runbook.cli.options import Parser, credentials_of, key_options, name, run_argument, run_to_write, state_option
from runbook.cli.run import load_answers_for
from runbook.cli.walking import walk
from runbook.drivers.live import snapshot_of
from runbook.kinds.registry import KINDS


def main(arguments: Sequence[str]) -> int:
    """Go on with a run; the exit statuses are those of ``run``."""
    parser = Parser("resume", "Go on with a run that was paused or interrupted, with the runbook as it was then.")
    run_argument(parser)
    parser.add_argument("--answers", metavar="FILE", help="an answers file: walk without a terminal")
    parser.add_argument("--operator", metavar="ID", type=name, help="who goes on; default: who walked last")
    key_options(parser)
    state_option(parser)
    options = parser.parse_args(arguments)
    run = run_to_write(options.run, options.state_dir)
    answers = load_answers_for(options.answers, snapshot_of(run, KINDS)) if options.answers else None
    return walk(answers, credentials_of(options), lambda _, live: live.resume(run, options.operator))

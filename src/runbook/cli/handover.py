"""``runbook handover``: make somebody else the operator of a run."""

import argparse
import shlex
import sys
from collections.abc import Sequence

from runbook.audit.lock import holder_of
from runbook.audit.store import Store
from runbook.cli.options import Parser, name, operator_of, operator_option, reason, run_argument, state_option
from runbook.cli.rows import rows
from runbook.cli.stores import elsewhere, run_to_write, store_of
from runbook.cli.telling import Told, tell
from runbook.cli.told_so_far import told_so_far
from runbook.model.diagnostics import Code, Diagnostic, Refused

SAME_OPERATOR = Code(
    number="RB334",
    title="handed over to its operator",
    why="A hand-over makes somebody else the operator of a run. The one who is named is the operator already, so there "
    "is nothing to hand over, and a record of it would say what did not happen.",
)
NOT_THEIRS = Code(
    number="RB335",
    title="run of another user",
    why="In a store that a group shares, the log of a run is written by the user of the machine who began it, and by "
    "nobody else. Nobody walks the run now, so only that user can hand it over.",
)


def main(arguments: Sequence[str]) -> int:
    """Hand a run over: through the inbox where somebody walks it, else in the log; print a brief."""
    text = (
        "Hand a run over to another operator. A walk that goes on pauses where that is safe. Prints a brief for them."
    )
    parser = Parser("handover", text)
    run_argument(parser)
    parser.add_argument("--to", metavar="ID", type=name, required=True, help="who is the operator from now on")
    parser.add_argument("--reason", metavar="TEXT", type=reason, help="why")
    operator_option(parser, "hands it over")
    state_option(parser)
    options = parser.parse_args(arguments)
    with store_of(options) as store:
        return _hand_over(store, options)


def _hand_over(store: Store, options: argparse.Namespace) -> int:
    run = run_to_write(store, options.run)
    told = told_so_far(run)
    over = told.walk is not None and told.walk.finish is not None
    if told.walk is not None and not over and told.walk.operator == options.to:
        message = f"`{options.to}` is the operator of the run already"
        raise Refused(Diagnostic(code=SAME_OPERATOR, message=message, help="name somebody else with --to"))
    if not over and holder_of(run) is None and run.log.exists() and not run.writable:
        message = "nobody walks the run, and its log belongs to another user of this machine"
        help_ = "have that user hand it over, or abort it and begin a run of your own"
        raise Refused(Diagnostic(code=NOT_THEIRS, message=message, file=run.shown, help=help_))
    fields = {"to": options.to, "by": operator_of(options)}
    if options.reason is not None:
        fields["reason"] = options.reason
    match tell(store, run.id, kind="handover", fields=fields):
        case Told.DELIVERED:
            sys.stderr.write("delivered to whoever walks the run: it pauses where that is safe, and then is theirs\n")
        case Told.SENT:
            sys.stderr.write("in the store, for the engine that walks the run, which pauses where that is safe\n")
        case Told.RECORDED | Told.LEFT:
            sys.stderr.write(f"the run is handed over to {options.to}\n")
    sys.stderr.flush()  # before what follows, where both go to one place
    command = "resume" if told.seen.engine is None else "answer"
    go_on = f"runbook {command} {run.id}{elsewhere(run)} --operator {shlex.quote(options.to)}"
    said = f"{run.id}: for {options.to}"
    sys.stdout.write("\n".join([said, *rows([*told.brief(), ("go on", go_on)], sys.stdout)]) + "\n")
    return 0

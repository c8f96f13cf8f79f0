"""``runbook resume``: go on with a run that was paused or interrupted."""

import argparse
import shlex
import sys
from collections.abc import Sequence

from runbook.audit.escapes import inert
from runbook.audit.store import RunDir, glimpse
from runbook.cli.options import (
    Parser,
    credentials_of,
    key_options,
    login_at_host,
    operator_option,
    run_argument,
    said_operator,
    state_option,
)
from runbook.cli.rows import rows
from runbook.cli.run import load_answers_for
from runbook.cli.stores import elsewhere, run_to_write, store_of
from runbook.cli.told_so_far import told_so_far
from runbook.cli.walking import walk
from runbook.drivers.aside import snapshot_of
from runbook.kinds.registry import KINDS
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.runbook import Mode

HANDED_OVER = Code(
    number="RB336",
    title="run handed over",
    why="The run was handed over to somebody, and nobody has gone on with it since. Whoever goes on says who they are, "
    "so that the log does not say that somebody acted who was asleep.",
)


def main(arguments: Sequence[str]) -> int:
    """Go on with a run; the exit statuses are those of ``run``."""
    parser = Parser("resume", "Go on with a run that was paused or interrupted, with the runbook as it was then.")
    run_argument(parser)
    parser.add_argument("--answers", metavar="FILE", help="an answers file: walk without a terminal")
    operator_option(parser, "goes on", instead="who walked last")
    key_options(parser)
    state_option(parser)
    options = parser.parse_args(arguments)
    with store_of(options, walks=True) as store:
        return _resume(run_to_write(store, options.run), options)


def _resume(run: RunDir, options: argparse.Namespace) -> int:
    operator = said_operator(options)
    look_who_goes_on(run, operator)
    answers = load_answers_for(options.answers, snapshot_of(run, KINDS)) if options.answers else None
    seen = glimpse(run)
    if seen.first is not None and seen.first.fields.get("mode") == Mode.DRILL.value:
        from runbook.cli.drilled import walk_drill
        from runbook.drivers.drilling import resume, scenario_of

        since = seen.last.ts if seen.last is not None else None
        return walk_drill(
            scenario_of(run, seen.first), answers, lambda training: resume(training, run, operator), since=since
        )
    return walk(answers, credentials_of(options), lambda _, live: live.resume(run, operator))


def look_who_goes_on(run: RunDir, operator: str | None, command: str = "resume") -> None:
    """Tell whoever takes the run over what happened so far.

    :param command: goes on with it.
    :raises Refused: if it was handed over, and who goes on does not say who they are.
    """
    handed = glimpse(run).handed
    if handed is None and operator is None:
        return
    to, by = (_line(handed.fields.get(key)) if handed else "" for key in ("to", "by"))
    if handed is not None and operator is None and login_at_host() != to:
        message = f"the run was handed over to {to} by {by}"
        again = f"runbook {command} {run.id}{elsewhere(run)} --operator"
        help_ = f"`{again} {shlex.quote(to)}` if that is you; with your own name you take it over, and that is recorded"
        raise Refused(Diagnostic(code=HANDED_OVER, message=message, help=help_))
    told = told_so_far(run)
    before = told.walk.operator if told.walk is not None else ""
    if told.walk is None or told.walk.finish is not None or (handed is None and before == operator):
        return
    said = f"{run.id} was handed over to {to} by {by}" if handed is not None else f"{run.id} was walked by {before}"
    takes = f"; you take it over as {operator}, which is recorded" if operator not in {None, before} else ""
    sys.stderr.write("\n".join([said + takes, *rows(told.brief(), sys.stderr), ""]) + "\n")
    sys.stderr.flush()  # the terminal is written to from elsewhere now


def _line(value: object) -> str:
    return " ".join(inert(str(value)).split())

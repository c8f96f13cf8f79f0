"""``runbook drill``: walk a scenario in the terminal, in a scripted world, and be scored."""

import os
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from runbook.audit.store import Store
from runbook.audit.whereabouts import new_run_id
from runbook.cli.drafted import capture_run, propose_for
from runbook.cli.drilled import walk_drill
from runbook.cli.failing import USAGE, complain
from runbook.cli.options import Parser, name, state_option
from runbook.cli.run import load_answers_for
from runbook.cli.stores import store_of
from runbook.drivers.attendance import attended
from runbook.drivers.drilling import Training, begin
from runbook.drivers.live import Sitting
from runbook.drivers.rehearsal import fitting
from runbook.kinds.registry import KINDS
from runbook.language.loading import load, load_scenario
from runbook.model.answers import Answers
from runbook.model.diagnostics import Diagnostic, Refused, Severity


def main(arguments: Sequence[str]) -> int:
    """Drill: 0 if it went as its scenario expects, 1 if otherwise, 2 if it could not begin, 3 if it is paused."""
    options = _parser().parse_args(arguments)
    if options.proposes is not None:
        return propose_for(options.proposes, options.output)
    if options.captured is not None:
        with store_of(options) as store:
            run = store.find(options.captured)
            run.fetch()
            return capture_run(run, options.output)
    if options.scenario is None:
        raise Refused(Diagnostic(code=USAGE, message="no scenario is named", help="runbook drill SCENARIO"))
    with store_of(options, walks=True) as store:
        return _drill(
            options.scenario,
            answers=options.answers,
            itself=options.itself,
            operator=options.operator,
            run_id=options.run_id,
            store=store,
        )


def _parser() -> Parser:
    parser = Parser("drill", "Walk a scenario: the runbook is real, the world is scripted, and nothing is touched.")
    parser.add_argument("scenario", metavar="SCENARIO", nargs="?", help="the scenario")
    walks = parser.add_mutually_exclusive_group()
    walks.add_argument("--answers", metavar="FILE", help="an answers file: walk without a terminal")
    walks.add_argument("--self", dest="itself", action="store_true", help="give the scenario's own answers")
    walks.add_argument("--from", dest="captured", metavar="RUN", help="write the scenario that a run was")
    walks.add_argument("--new", dest="proposes", metavar="RUNBOOK", help="propose scenarios for ways that none walks")
    output = "where to write it, or with --new a directory; default: standard output"
    parser.add_argument("-o", "--output", metavar="FILE", help=output)
    parser.add_argument("--operator", metavar="ID", type=name, help="who walks; default: the scenario's operator")
    parser.add_argument("--run-id", metavar="ID", help="the id of the run; default: made from time and runbook")
    state_option(parser)
    return parser


def _drill(
    file: str, *, answers: str | None, itself: bool, operator: str | None, run_id: str | None, store: Store
) -> int:
    told = load_scenario(file)
    if told.scenario is None:
        raise Refused(*told.diagnostics)
    scenario = told.scenario
    loaded = load(os.path.normpath(Path(scenario.file).parent / scenario.runbook), KINDS)
    if loaded.runbook is None:
        complain(d for d in loaded.diagnostics if d.severity is Severity.ERROR)
        return 2
    runbook = loaded.runbook
    inputs = fitting(scenario, runbook, KINDS)
    given = Answers(file=file, entries=scenario.answers) if itself else None
    given = load_answers_for(answers, runbook) if answers is not None else given

    def sit(training: Training) -> Sitting:
        run = store.prepare().create(new_run_id(runbook.id, datetime.now(UTC)) if run_id is None else run_id)
        try:
            return begin(training, run, runbook, loaded.files, inputs=inputs, by=operator or scenario.operator)
        except Refused:
            if not run.log.exists() or run.log.stat().st_size == 0:
                shutil.rmtree(run.path)  # it never began
            raise

    if not attended(given):
        sys.stderr.write("".join(f"{line}\n" for line in (scenario.title, scenario.briefing.strip()) if line))
    return walk_drill(scenario, given, sit, itself=itself)

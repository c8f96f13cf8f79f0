"""What ``drill`` and ``resume`` share of a drill: who sits here, the walk itself, and its score."""

import sys
from collections.abc import Callable, Iterator, Sequence

from runbook.audit.reader import reading
from runbook.audit.store import RunDir
from runbook.cli.failing import complain
from runbook.cli.main import INTERRUPTED
from runbook.cli.rows import rows
from runbook.cli.stores import elsewhere
from runbook.cli.walking import PAUSED, say, say_unused
from runbook.drivers.aside import pause_aside
from runbook.drivers.attendance import Drilled, attended, attending
from runbook.drivers.drilling import Training, clock_for
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.live import Sitting
from runbook.drivers.rehearsal import untold
from runbook.drivers.scoring import scored
from runbook.drivers.session import Stop
from runbook.drivers.simulated_approvals import Approvers
from runbook.kinds.registry import KINDS
from runbook.model.answers import Answers
from runbook.model.diagnostics import Diagnostic
from runbook.model.durations import spoken
from runbook.model.runbook import Runbook
from runbook.model.scenario import Scenario
from runbook.model.score import Expectation, PathStep, Score
from runbook.world.scripted import FieldNotTold, Untold


def walk_drill(
    scenario: Scenario,
    answers: Answers | None,
    sit: Callable[[Training], Sitting],
    *,
    itself: bool = False,
    since: str | None = None,
) -> int:
    """Walk a drill until it is over or paused, and print its score; the exit status: 0 where it went as expected.

    :param answers: what is answered; None: by the person at the terminal. ``itself``: they are the scenario's own.
    :param sit: begins or resumes it.
    :param since: the time of the last record of a drill that goes on.
    """
    interrupts = Interrupts()
    clock = clock_for(scenario, since, attended=attended(answers))
    drilled = Drilled(scenario=scenario, clock=clock, itself=itself)
    lacking: Diagnostic | None = None
    with interrupts.caught(), attending(interrupts, answers=answers, drilled=drilled) as seat:
        training = Training(
            scenario=scenario,
            operator=seat.operator,
            clock=clock,
            interrupts=interrupts,
            registry=KINDS,
            approvers=None if itself else Approvers(scenario.answers),
        )
        sitting = sit(training)
        walk = sitting.session.walk
        try:
            ending = sitting.session.go()
        except (Untold, FieldNotTold) as error:
            lacking = untold(scenario, walk, error)
        finally:
            sitting.close()
    if lacking is not None:
        return _not_told(sitting.run, lacking, walk.operator)
    score = _score(sitting.run, scenario, walk.runbook)
    if ending.stop is Stop.FINISHED:
        sys.stdout.write("\n".join([*score_lines(score), ""]))
        sys.stdout.flush()
    say(sitting, ending)
    if ending.stop is Stop.FINISHED and answers is not None and seat.answers is not None:
        say_unused(answers, seat.answers, walk.runbook)
    match ending.stop:
        case Stop.FINISHED:
            return 0 if score.met else 1
        case Stop.PAUSED:
            return PAUSED
        case Stop.SIGNAL:
            return INTERRUPTED


def _not_told(run: RunDir, lacking: Diagnostic, by: str) -> int:
    """Pause a drill whose scenario does not tell what is wanted."""
    pause_aside(run, KINDS, reason=lacking.message, by=by)
    complain([lacking])
    found = [("go on", f"runbook resume {run.id}{elsewhere(run)}")]
    sys.stderr.write("\n".join([f"run {run.id} is paused", *rows(found, sys.stderr)]) + "\n")
    return PAUSED


def _score(run: RunDir, scenario: Scenario, runbook: Runbook) -> Score:
    with reading(run.log) as log:
        return scored(scenario, runbook, [*log])


def score_lines(score: Score) -> Sequence[str]:
    """A score as lines of plain text."""
    percent = f", {100 * score.points // score.of} %" if score.of else ""
    points = f": {score.points} of {score.of} points{percent}" if score.of else ": the scenario expects nothing"
    word = "as expected" if score.met else "not as expected"
    lines = ["", f"DRILL {word}{points}", *([f"  {score.title}"] if score.title else []), ""]
    lines += [_expectation(each) for each in score.expectations]
    if any(each.where != "both" for each in score.path):
        lines += ["", "The path (- expected and not walked, + walked and not expected):"]
        lines += [_path_step(each) for each in score.path]
    lines += ["", f"Time: {spoken(score.took_ms)}"]
    widest = max((len(each.step) for each in score.times), default=0)
    for each in score.times:
        visits = f", {each.visits} visits" if each.visits > 1 else ""
        lines.append(f"  {each.step:<{widest}}  {spoken(each.took_ms)}{visits}")
    if score.read_again:
        lines += ["", "Read again:"]
        lines += rows(_lessons(score), sys.stdout)
    return [*lines, ""]


def _lessons(score: Score) -> Iterator[tuple[str, str]]:
    for lesson in score.read_again:
        title = f" ({lesson.title})" if lesson.title != lesson.step else ""
        yield f"line {lesson.line}", f"{lesson.step}{title}: {lesson.why}"


def _expectation(each: Expectation) -> str:
    sign = "✓" if each.held else "✗"
    match each.what:
        case "finish":
            said = f"finish: {each.came}" + ("" if each.held else f", expected {each.expected}")
        case "path":
            said = f"path: {each.points} of {each.of} steps as expected"
        case "within":
            said = f"time: {each.came}, at most {each.expected}"
        case "must":
            said = f"must: {each.expected} was {each.came}"
        case _:
            said = f"never: {each.expected} was {each.came}"
    return f"  {sign} {said}"


def _path_step(each: PathStep) -> str:
    sign = {"both": " ", "expected": "-", "walked": "+"}[each.where]
    return f"  {sign} {each.step}" + (f"  ({each.because})" if each.because else "")

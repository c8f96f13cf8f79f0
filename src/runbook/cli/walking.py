"""What ``run`` and ``resume`` share: who sits here, the walk itself, and what is said at its end."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runbook.cli.failing import complain
from runbook.cli.main import INTERRUPTED
from runbook.drivers.answers import RB302, AnswersOperator
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.live import Live, Sitting
from runbook.drivers.operator import Operator
from runbook.drivers.session import Ending, Stop
from runbook.kinds.registry import KINDS
from runbook.model.answers import Answers
from runbook.model.canonical import Json
from runbook.model.diagnostics import Diagnostic
from runbook.model.runbook import Runbook
from runbook.world.clock import RealClock
from runbook.world.secrets import Prompt

PAUSED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Who walks: a person at a terminal, or an answers file; and what is needed around that."""

    operator: Operator
    interrupts: Interrupts
    prompt: Prompt | None = None
    answers: AnswersOperator | None = None
    file: str | None = None

    def ask_inputs(self, runbook: Runbook, given: Mapping[str, Json]) -> Mapping[str, Json]:
        """The inputs that were given, and what a person at a terminal adds."""
        del runbook
        return given


def take_seat(answers: Answers | None) -> Seat:
    """Find out who sits here. Without a terminal and without an answers file nobody does: every question pauses."""
    interrupts = Interrupts()
    nobody = AnswersOperator(answers.entries if answers else (), RealClock())
    return Seat(operator=nobody, interrupts=interrupts, answers=nobody, file=answers.file if answers else None)


def walk(seat: Seat, sit: Callable[[Live], Sitting]) -> int:
    """Walk until the run is over or paused; say what comes next, and return the exit status."""
    live = Live(operator=seat.operator, registry=KINDS, interrupts=seat.interrupts, prompt=seat.prompt)
    with seat.interrupts.caught():
        sitting = sit(live)
        try:
            ending = sitting.session.go()
        finally:
            sitting.close()
    _say(sitting, ending)
    _say_unused(seat, ending)
    return _status(ending)


def _say(sitting: Sitting, ending: Ending) -> None:
    run = sitting.run
    lines = []
    if ending.stop is Stop.FINISHED:
        finish = ending.finish.value if ending.finish else ""
        lines.append(f"run {run.id} is over: {finish}")
        lines.append(f"  log     {run.log}")
        lines.append(f"  head    {sitting.writer.anchor}  (put it into the ticket)")
        lines.append(f"  report  runbook report {run.id}")
        lines.append(f"  verify  runbook verify {run.id} --anchor {sitting.writer.anchor}")
    else:
        lines.append(f"run {run.id} is paused: {ending.reason}")
        lines.append(f"  head    {sitting.writer.anchor}")
        lines.append(f"  go on   runbook resume {run.id}")
    sys.stderr.write("\n".join(lines) + "\n")


def _say_unused(seat: Seat, ending: Ending) -> None:
    if seat.answers is None or ending.stop is not Stop.FINISHED:
        return
    complain(
        Diagnostic(
            code=RB302,
            message=f"the answer for `{entry.step}` was never used",
            file=seat.file,
            span=entry.span,
            help="take it out, or look at the path that was walked",
        )
        for entry in seat.answers.unused()
    )


def _status(ending: Ending) -> int:
    match ending.stop:
        case Stop.FINISHED:
            return 0 if ending.finish is not None and ending.finish.good else 1
        case Stop.PAUSED:
            return PAUSED
        case Stop.SIGNAL:
            return INTERRUPTED

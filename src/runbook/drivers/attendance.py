"""Who walks: the answers file that was given, the person at the terminal, or nobody; and what is said meanwhile."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from runbook.drivers.answers import AnswersOperator
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.operator import Operator
from runbook.drivers.reporter import Reporter
from runbook.drivers.terminal.presence import presence
from runbook.model.answers import Answers
from runbook.model.canonical import Json
from runbook.model.clock import Clock
from runbook.model.runbook import Runbook
from runbook.model.scenario import Scenario
from runbook.world.clock import RealClock
from runbook.world.secrets import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Who walks, and what that one can be asked before and beside the walk.

    ``prompt`` asks for a secret without echo, None where nobody is there. ``answers`` is the operator of an answers
    file, None for a person.
    """

    operator: Operator
    prompt: Prompt | None = None
    answers: AnswersOperator | None = None

    def ask_inputs(self, runbook: Runbook, given: Mapping[str, Json]) -> Mapping[str, Json]:
        """The inputs that were given, and those that a person at the terminal types because they are missing.

        :raises Refused: if the person leaves instead.
        """
        from runbook.drivers.terminal.operator import TerminalOperator

        return self.operator.ask_inputs(runbook, given) if isinstance(self.operator, TerminalOperator) else given


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """What whoever sits at a drill has to know. ``itself`` says that the scenario's own answers are given."""

    scenario: Scenario
    clock: Clock
    itself: bool


def attended(answers: Answers | None) -> bool:
    """Whether somebody sits here who is asked."""
    return answers is None and presence(os.environ) is not None


@contextmanager
def attending(interrupts: Interrupts, *, answers: Answers | None, drilled: Drilled | None = None) -> Iterator[Seat]:
    """Find out who sits here, and have their terminal for so long.

    Without a terminal and without an answers file every question pauses the run. An answers file goes before the
    terminal: then nobody is asked anything.
    """
    terminal = presence(os.environ) if answers is None else None
    if terminal is None:
        clock = drilled.clock if drilled else RealClock()
        source = "scenario" if drilled and drilled.itself else "answers"
        nobody = Reporter(answers.entries if answers else (), clock, sys.stderr, source)
        yield Seat(operator=nobody, answers=nobody)
        return
    from runbook.drivers.terminal.operator import seated
    from runbook.drivers.terminal.trainee import trainee

    with seated(terminal, interrupts, trainee(drilled.scenario, drilled.clock) if drilled else None) as operator:
        yield Seat(operator=operator, prompt=operator.ask_secret)

"""Walks in this process, with parts of the test's own: a clock, an operator, a scripted world."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from runbook.audit.masking import Masker
from runbook.audit.record import Record
from runbook.drivers.answers import AnswersOperator
from runbook.drivers.assembly import assemble, performed_here, started
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.journal import Journal
from runbook.drivers.operator import Act, Operator
from runbook.drivers.past import MemoryPast
from runbook.drivers.rehearsal import MemoryLog, Nowhere, Rehearsal, Rehearsed, rehearse
from runbook.drivers.rejudging import Rejudging
from runbook.drivers.session import Ending
from runbook.drivers.simulated_approvals import SimulatedApprovals
from runbook.kinds.registry import KINDS
from runbook.language.loading import load, load_answers, load_scenario
from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.clock import Clock
from runbook.model.runbook import Runbook
from runbook.walk import run_events as r
from runbook.walk.records import from_record
from runbook.walk.walk import Walk
from runbook.world.clock import SimulatedClock
from runbook.world.scripted import ScriptedWorld
from runbook.world.secrets import SecretStore

Entries = Mapping[str, Sequence[JsonObject]]


def loaded(root: Path, text: str) -> Runbook:
    """The runbook in a text."""
    path = root / "book.yaml"
    path.write_text(text)
    found = load(str(path), KINDS)
    assert found.runbook is not None, [str(diagnostic) for diagnostic in found.diagnostics]
    return found.runbook


def rehearsed(root: Path, text: str, scenario: str = "") -> Rehearsed:
    """How the walk of a scenario goes; its text goes without the first two keys."""
    book = loaded(root, text)
    path = root / "scenario.yaml"
    path.write_text("scenario: v1\nrunbook: book.yaml\n" + textwrap.dedent(scenario))
    told = load_scenario(str(path))
    assert told.scenario is not None, [str(diagnostic) for diagnostic in told.diagnostics]
    return rehearse(told.scenario, book, KINDS, files={"book.yaml": "0" * 64})


def answering(root: Path, text: str, clock: Clock) -> AnswersOperator:
    """The operator of an answers file."""
    path = root / "answers.yaml"
    path.write_text(text)
    found = load_answers(str(path))
    assert found.answers is not None, [str(diagnostic) for diagnostic in found.diagnostics]
    return AnswersOperator(found.answers.entries, clock)


class Sitting:
    """One walk. ``log`` holds its records, ``ending`` how it ended once it was walked."""

    def __init__(
        self,
        book: Runbook,
        operator: Operator,
        *,
        clock: Clock | None = None,
        world: Entries | None = None,
        environment: str | None = None,
        inputs: JsonObject | None = None,
        messages: Callable[[Journal], Act | None] = lambda _: None,
        interrupts: Interrupts | None = None,
        past: MemoryPast | None = None,
        log: MemoryLog | None = None,
    ) -> None:
        self.walk = Walk(book, KINDS)
        self.log = log or MemoryLog()
        clock = clock or SimulatedClock()
        masker = Masker()

        def begin(journal: Journal) -> None:
            fields = started(
                self.walk,
                run="r1",
                mode="live",
                environment=environment,
                files={"book.yaml": "0" * 64},
                inputs=canonical(inputs or {}),
                operator="ana@example.com",
                incident=None,
                host="here",
                store="memory",
            )
            journal.tell(r.RunStarted, **fields)

        self.session = assemble(
            walk=self.walk,
            log=self.log,
            operator=operator,
            attempts=performed_here(
                operator=operator,
                world=lambda _: Rehearsal(ScriptedWorld(world or {}, clock=clock)),
                keepers=lambda *_: Nowhere(),
                clock=clock,
            ),
            secrets=SecretStore(book.secrets, register=masker.register),
            masker=masker,
            clock=clock,
            interrupts=interrupts or Interrupts(),
            begin=begin,
            messages=messages,
            past=past or MemoryPast(),
            approvals=lambda journal: SimulatedApprovals(journal, operator),
        )

    def go(self) -> Ending:
        """Walk until the run is over or paused."""
        return self.session.go()

    @property
    def types(self) -> list[str]:
        """The types of the records."""
        return [record.type for record in self.log.records]

    def told(self, type_: str, step: str | None = None) -> list[Mapping[str, Json]]:
        """The fields of the records of a type, about a step."""
        return told(self.log.records, type_, step)

    def path(self) -> list[str]:
        """The steps that were entered."""
        return [step for step, _ in self.walk.path]


def replayed(sitting: Sitting) -> Walk:
    """A fresh walk that was told a sitting's records, each judged again before."""
    book = sitting.walk.runbook
    walk, again = Walk(book, KINDS), Rejudging(book, KINDS)
    for record in sitting.log.records:
        event = from_record(record.type, record.ts, record.mono, record.fields)
        again.look(walk, event)
        walk.tell(event)
    return walk


def told(records: Sequence[Record], type_: str, step: str | None = None) -> list[Mapping[str, Json]]:
    """The fields of the records of a type, about a step."""
    return [record.fields for record in records if record.type == type_ and step in (None, record.fields.get("step"))]


def outcomes(records: Sequence[Record]) -> list[tuple[Json, Json]]:
    """How each attempt ended: the step's address, and the outcome."""
    return [(fields["step"], fields["outcome"]) for fields in told(records, "step.finished")]

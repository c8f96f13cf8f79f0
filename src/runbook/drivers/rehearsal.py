"""Walks a scenario without anybody: its scripted world, its answers, a simulated clock, a log in memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from runbook.audit.chain import encode
from runbook.audit.masking import Masker
from runbook.audit.outputs import Output
from runbook.audit.record import NO_RECORD, Record
from runbook.drivers.addressed import all_steps, step_at
from runbook.drivers.answers import AnswersOperator
from runbook.drivers.assembly import assemble, performed_here, started
from runbook.drivers.foresight import look_over
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.journal import Journal
from runbook.drivers.leaping import LeapingOperator
from runbook.drivers.scoring import scored
from runbook.drivers.session import Ending, Stop
from runbook.drivers.simulated_approvals import SimulatedApprovals
from runbook.drivers.told_past import GUARDS_SEE, past_of, unknown_in
from runbook.drivers.worker import AtOnce
from runbook.language.inputs import bind_inputs
from runbook.language.near import nearest
from runbook.model.address import of_each
from runbook.model.answers import Answers
from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.clock import Clock
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.graph import Edge, refusal_of, undo_of
from runbook.model.inputs import typed
from runbook.model.io import Performs
from runbook.model.kind import Registry
from runbook.model.runbook import Input, Runbook
from runbook.model.scenario import Scenario, Scripted, ScriptedEvent
from runbook.walk import events as e
from runbook.walk import including
from runbook.walk import run_events as r
from runbook.walk.walk import Walk
from runbook.world.clock import START, RealClock, SimulatedClock
from runbook.world.scripted import FieldNotTold, ScriptedWorld, Untold
from runbook.world.secrets import Resolution

SCENARIO = "scenario"
"""Who says what a scenario tells, and answers what it answers."""
RB352 = Code(
    number="RB352",
    title="scenario names an unknown step",
    why="A scenario speaks of an address that its runbook does not have: in `world`, `past`, `answers` or `expect`. It "
    "would never be walked, and the scenario would test less than it seems to.",
)
RB353 = Code(
    number="RB353",
    title="scenario does not fit its runbook",
    why="The scenario names no environment, or one that the runbook does not have, or gives inputs that it does not "
    "take. It could not begin.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """How the walk of a scenario went.

    ``failures`` are sentences, none if all that was expected came true. ``edges`` are those it walked. ``records`` is
    its log.
    """

    scenario: Scenario
    ending: Ending | None
    path: Sequence[str]
    failures: Sequence[str]
    edges: frozenset[Edge]
    records: Sequence[Record]


class MemoryLog:
    """A log that nobody keeps: the same records with the same chain, in memory."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def append(self, record_type: str, fields: Mapping[str, Json], *, ts: str, mono: int) -> object:
        """Add one record."""
        head = self.records[-1].h if self.records else NO_RECORD
        record = encode(seq=len(self.records), prev=head, ts=ts, mono=mono, type_=record_type, fields=fields)
        self.records.append(record)
        return record

    def sync(self) -> None:
        """There is no disk."""


class NoSecrets:
    """The secrets of a rehearsal: every one is there, and none has a value; one that is typed is covered all the same.

    :param register: covers a value from now on.
    """

    def __init__(self, register: Callable[[str, str], None]) -> None:
        self._register = register

    def resolve(self, names: object) -> Resolution:
        """Nothing is read."""
        del names
        return Resolution(commitments={})

    def keep(self, name: str, value: str) -> None:
        """Nothing is kept, and nothing of it is shown."""
        self._register(name, value)

    def take(self, field: Input, given: Json) -> None:
        """Nothing is kept, and nothing of it is shown."""
        if (value := typed(field, given)) is not None:
            self.keep(field.name, value)


class ScriptedEvents:
    """What a scenario has said when its time has come.

    :param said: how many of them were said in earlier sittings.
    """

    def __init__(self, events: Iterable[ScriptedEvent], said: int = 0) -> None:
        self._events = deque(sorted(events, key=lambda event: event.after)[said:])

    def next(self) -> int | None:
        """When something is to be said next, in milliseconds since the start; None: never again."""
        return self._events[0].after if self._events else None

    def say(self, journal: Journal) -> None:
        """Write down what is due now."""
        while self._events and self._events[0].after <= journal.mono():
            journal.tell(r.NoteAdded, kind="communication", text=self._events.popleft().say, by=SCENARIO)


class Rehearsal:
    """The scripted world as a session sees it: nothing in it can be stopped, nothing in it has output."""

    def __init__(self, world: ScriptedWorld) -> None:
        self._world = world

    def perform(self, address: str, kind: Performs, timeout: int | None, *, changes: bool = False) -> JsonObject:
        """Answer as the scenario tells."""
        return self._world.perform(address, kind, timeout, changes=changes)

    def cancel(self, level: int) -> None:
        """Nothing runs."""


class Nowhere:
    """Keeps no output: a scripted world has none."""

    def feed(self, data: bytes) -> bytes:
        """Pass it on."""
        return data

    def close(self) -> tuple[bytes, Output]:
        """Nothing was kept."""
        empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        nothing = Output(stream="", file=None, size=0, sha256=empty, dropped=0, stream_sha256=empty, masked=())
        return b"", nothing


def rehearse(scenario: Scenario, runbook: Runbook, registry: Registry, *, files: Mapping[str, str]) -> Rehearsed:
    """Walk a scenario, and compare what came of it with what it expects.

    :param files: the runbook's file and its SHA-256.
    :raises Refused: if it does not fit its runbook.
    """
    inputs = fitting(scenario, runbook, registry)
    walk = Walk(runbook, registry)
    log = MemoryLog()
    clock: Clock = SimulatedClock(scenario.starts or START) if scenario.simulated else RealClock()
    events = ScriptedEvents(scenario.events)
    operator = (
        LeapingOperator(scenario.answers, clock, source=SCENARIO, next_event=events.next)
        if scenario.simulated
        else AnswersOperator(scenario.answers, clock, source=SCENARIO)
    )
    masker = Masker()

    def begin(journal: Journal) -> None:
        fields = started(
            walk,
            run="rehearsal",
            mode="drill",
            environment=scenario.environment,
            files=files,
            inputs=canonical(inputs),
            operator=scenario.operator,
            incident=None,
            host="scripted",
            store="memory",
            guards_see=GUARDS_SEE,
            scenario=scenario,
        )
        journal.tell(r.RunStarted, **fields)

    session = assemble(
        walk=walk,
        log=log,
        operator=operator,
        attempts=performed_here(
            operator=operator,
            world=lambda _: Rehearsal(ScriptedWorld(entries_of(scenario), clock=clock)),
            keepers=lambda *_: Nowhere(),
            clock=clock,
            workers=AtOnce() if scenario.simulated else None,
        ),
        secrets=NoSecrets(masker.register),
        masker=masker,
        clock=clock,
        interrupts=Interrupts(),
        begin=begin,
        messages=events.say,
        past=past_of(scenario, runbook, clock.now()),
        approvals=lambda journal: SimulatedApprovals(journal, operator),
    )
    ending: Ending | None = None
    failures: list[str] = []
    try:
        ending = session.go()
    except (Untold, FieldNotTold) as error:
        failures.append(untold(scenario, walk, error).message)
    except Refused as refused:
        failures.append(f"{_place_in(walk)}{refused}")
    if ending is not None and ending.stop is not Stop.FINISHED:
        failures.append(f"the walk stopped: {ending.reason}")
    score = scored(scenario, runbook, log.records)
    failures += [failure for expectation in score.expectations for failure in expectation.failures]
    if walk.finish is not None:  # where it stopped before its end, that is what there is to say
        failures += [f"the answer for `{it.step}` (line {it.span.line}) was never used" for it in operator.unused()]
    return Rehearsed(
        scenario=scenario,
        ending=ending,
        path=[step for step, _ in walk.path],
        failures=failures,
        edges=frozenset(walked_edges(walk, log)),
        records=log.records,
    )


def _place_in(walk: Walk) -> str:
    """Which visit the walk is in, of the innermost step."""
    inner = including.chain(walk)[-1]
    return "" if inner.visit is None else f"in visit {inner.visit.number} of `{inner.prefix}{inner.visit.step.id}`: "


def untold(scenario: Scenario, walk: Walk, error: Untold | FieldNotTold) -> Diagnostic:
    """What a scenario does not tell, with the visit in which it is wanted, and its place in the file."""
    known = scenario.world.get(error.address) or scenario.world.get(of_each(error.address))
    said = error.diagnostics[0] if isinstance(error, Untold) else error.diagnostic
    place = known.span if known is not None else None
    return replace(said, message=_place_in(walk) + said.message, file=scenario.file, span=place)


def entries_of(scenario: Scenario) -> Mapping[str, Sequence[JsonObject]]:
    """What a scenario tells of the world, as :class:`~runbook.world.scripted.ScriptedWorld` takes it."""
    return {address: [_entry(told) for told in step.attempts] for address, step in scenario.world.items()}


def _entry(told: Scripted) -> JsonObject:
    entry: JsonObject = dict(told.observation)
    if told.trouble is not None:
        entry[told.trouble.value] = told.reason or True
    if told.delay:
        entry["delay"] = f"{told.delay}ms"
    return entry


def fitting(scenario: Scenario, runbook: Runbook, registry: Registry) -> JsonObject:
    """The inputs of a scenario that fits its runbook.

    :raises Refused: if it does not.
    """
    found: list[Diagnostic] = []
    known = dict(all_steps(runbook))
    own = {step.id for step in runbook.steps}
    for address, told in scenario.world.items():
        if not _performed_at(address, runbook):
            near = nearest(address, known)
            found.append(
                Diagnostic(
                    code=RB352,
                    message=f"`{runbook.id}` has no `{address}`",
                    file=scenario.file,
                    span=told.span,
                    help=f"did you mean `{near}`?" if near else "name a step of the runbook",
                )
            )
    expect = scenario.expect
    inside = [name for name in (*expect.must, *expect.never) if step_at(name, runbook, every=True) is None]
    for name in dict.fromkeys([*(name for name in expect.path if name not in own), *inside]):
        message = f"`expect` names `{name}`, which `{runbook.id}` does not have"
        found.append(Diagnostic(code=RB352, message=message, file=scenario.file, help="name a step of the runbook"))
    for run, name in unknown_in(scenario, runbook):
        message = f"the past of run `{run.run}` names `{name}`, which `{runbook.id}` does not have"
        help_ = "name a step and an environment of the runbook"
        found.append(Diagnostic(code=RB352, message=message, file=scenario.file, span=run.span, help=help_))
    if (scenario.environment or runbook.environments) and scenario.environment not in runbook.environments:
        names = ", ".join(runbook.environments) or "none"
        message = f"`{runbook.id}` has no environment `{scenario.environment}`"
        found.append(
            Diagnostic(code=RB353, message=message, file=scenario.file, help=f"write `environment:`, one of {names}")
        )
    found += look_over(Answers(file=scenario.file, entries=scenario.answers), runbook, registry)
    if found:
        raise Refused(*found)
    return bind_inputs(runbook, scenario.inputs, file=scenario.file)


def _performed_at(address: str, runbook: Runbook) -> bool:
    """Whether a machine may do something at an address: a step, an element of a loop, or a part of one of those."""
    found, part = step_at(address, runbook, every=True), address.partition(".")[2]
    if found is None:
        return False
    _, step = found
    nested = {"probe": step.probe, "undo": step.undo, **step.nested}
    return not part or nested.get(part) is not None


def walked_edges(walk: Walk, log: MemoryLog) -> Iterator[Edge]:
    """The edges of the graph that were walked, the undos, and the refusals of guards."""
    known = {(edge.source, edge.via, edge.target): edge for edge in walk.edges}
    for record in log.records:
        owner, _, part = str(record.fields.get("step", "")).partition(".")
        if "/" in owner:
            continue  # the edges of a runbook that is walked inside are walked by scenarios of its own
        if record.type == e.StepEntered.TYPE:
            key = (str(record.fields.get("from")), str(record.fields["via"]), owner)
            if key in known:
                yield known[key]
        elif record.type == e.StepStarted.TYPE and part == "undo":
            yield undo_of(of_each(owner))
        elif record.type == e.StepRefused.TYPE and record.fields.get("by") == "guard":
            yield refusal_of(owner)

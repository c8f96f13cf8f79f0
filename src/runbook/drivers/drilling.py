"""A drill in a store: a run like any other for its log and its reader, in the world that a scenario tells.

It takes no lock and no guard counts it. Its scenario is kept beside its log, so that it can be gone on with: the world
goes on at the attempt that the log has come to at each address, and what was said is not said again.
"""

import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from runbook.audit.chained import Chained
from runbook.audit.inbox import inbox_of
from runbook.audit.masking import Masker
from runbook.audit.reader import reading
from runbook.audit.record import Record
from runbook.audit.starts import Start
from runbook.audit.store import RunDir
from runbook.audit.writer import begin as begin_log
from runbook.drivers.aside import holder, reopen, tell_resumed
from runbook.drivers.assembly import assemble, performed_here, started
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.journal import Journal, Last
from runbook.drivers.live import Sitting
from runbook.drivers.messages import Messages
from runbook.drivers.operator import Act, Operator
from runbook.drivers.rehearsal import SCENARIO, NoSecrets, Nowhere, Rehearsal, ScriptedEvents, entries_of
from runbook.drivers.session import Session
from runbook.drivers.simulated_approvals import Approvers, SimulatedApprovals
from runbook.drivers.snapshot import here
from runbook.drivers.told_past import GUARDS_SEE, past_of
from runbook.language.loading import load_scenario
from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.clock import Clock
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.kind import Registry
from runbook.model.runbook import Mode, Runbook
from runbook.model.scenario import Scenario
from runbook.walk import events as e
from runbook.walk import run_events as r
from runbook.walk.walk import Walk
from runbook.world.clock import RealClock, SimulatedClock, SkippingClock
from runbook.world.scripted import ScriptedWorld

RB358 = Code(
    number="RB358",
    title="drill without its scenario",
    why="A drill goes on, and is scored, by the scenario that is kept beside its log under the SHA-256 that the log "
    "names. That file is missing or another one, so nobody knows what would happen in it, or what was expected.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What a drill needs of whoever begins or goes on with it.

    :param approvers: those whom the scenario names; None where the operator answers for them too.
    """

    scenario: Scenario
    operator: Operator
    clock: Clock
    interrupts: Interrupts
    registry: Registry
    approvers: Approvers | None = None


def scenario_of(run: RunDir, first: Record | None) -> Scenario:
    """The scenario that a drill walks, from the file kept beside its log.

    :param first: its first record.
    :raises Refused: if it is not there, or another one.
    """
    digest = str(first.fields.get("scenario") or "none") if first is not None else "none"
    path = run.snapshot(digest if digest.isalnum() else "none")
    told = load_scenario(str(path))
    if told.scenario is None or path.stem != sha256(told.scenario.source).hexdigest():
        message = "the scenario of the drill is not there" if told.document is None else "it is another scenario"
        raise Refused(Diagnostic(code=RB358, message=message, file=str(path), help="put the file of that drill there"))
    return told.scenario


def clock_for(scenario: Scenario, since: str | None, *, attended: bool) -> Clock:
    """The clock of a sitting at a drill.

    :param since: the time of the last record of one that goes on: a simulated clock has stood still since.
    :param attended: whether somebody sits there, whose own time passes.
    """
    if not scenario.simulated:
        return RealClock()
    start = since or scenario.starts
    return SkippingClock(start) if attended else SimulatedClock(start or RealClock().now())


def begin(
    training: Training, run: RunDir, runbook: Runbook, sources: Mapping[str, bytes], *, inputs: JsonObject, by: str
) -> Sitting:
    """A new drill in its directory, which is there and empty.

    :param sources: the bytes of the runbook's file and of all that it walks, by name.
    :param by: who walks.
    :raises Refused: if it cannot begin; ``LogFailed`` if its log cannot be made.
    """
    scenario, walk = training.scenario, Walk(runbook, training.registry)
    kept = {name: run.keep(source) for name, source in sources.items()}
    run.keep(scenario.source)
    fields = started(
        walk,
        run=run.id,
        mode=Mode.DRILL.value,
        environment=scenario.environment,
        files=kept,
        inputs=canonical(inputs),
        operator=by,
        incident=None,
        host=platform.node(),
        store=run.store.shown,
        directory=here(),
        guards_see=GUARDS_SEE,
        scenario=scenario,
    )
    writer = begin_log(run, holder(by))

    def tell(journal: Journal) -> None:
        journal.tell(r.RunStarted, **fields)
        journal.sync()

    return _sit(training, run, walk, writer, tell, told=_Told())


def resume(training: Training, run: RunDir, operator: str | None) -> Sitting:
    """Go on with a drill.

    :param operator: who resumes; None for whoever walked last.
    :raises Refused: if it is held, over or damaged.
    """
    told = _Told()
    reopened, walk, told.last = reopen(run, operator, training.registry)
    with reading(run.log) as log:
        for record in log:
            told.follow(record)
    sitting = _sit(training, run, walk, reopened.writer, lambda _: None, told=told)
    journal = sitting.session.journal
    if operator is not None and operator != walk.operator:
        journal.tell(r.RunHandedOver, to=operator, by=operator, reason="resumed by another operator")
    tell_resumed(journal, reopened)
    journal.sync()
    return sitting


class _Told:
    """What a log tells of a scenario: how far it has come at each address, what it has said, what guards count."""

    def __init__(self) -> None:
        self.last: Last | None = None
        self.began: str | None = None
        self.said = self.requests = 0
        self.attempts: Counter[str] = Counter()
        self.starts: list[tuple[str, str, str]] = []
        self._keys: dict[str, list[str]] = {}

    def follow(self, record: Record) -> None:
        """Take note of one record."""
        fields, step = record.fields, str(record.fields.get("step"))
        match record.type:
            case r.RunStarted.TYPE:
                self.began = record.ts
            case r.NoteAdded.TYPE if fields.get("by") == SCENARIO and "inbox" not in fields:
                self.said += 1
            case e.ApprovalRequested.TYPE:
                self.requests += 1
            case e.StepEntered.TYPE:
                self._keys.pop(step, None)
            case e.GuardChecked.TYPE if "key" in fields:
                self._keys.setdefault(step, []).append(str(fields["key"]))
            case e.StepStarted.TYPE:
                self.starts += [(key, step, record.ts) for key in dict.fromkeys(self._keys.get(step, ()))]
            case e.StepFinished.TYPE | e.StepUnknown.TYPE:
                self.attempts[step] += 1
            case _:
                pass


def _sit(
    training: Training,
    run: RunDir,
    walk: Walk,
    writer: Chained,
    tell: Callable[[Journal], None],
    *,
    told: _Told,
) -> Sitting:
    scenario, clock, masker = training.scenario, training.clock, Masker()
    events = ScriptedEvents(scenario.events, told.said)
    sessions: list[Session] = []
    inbox = Messages(inbox_of(run, walk.delivered), partial(_no_approval, sessions))
    past = past_of(scenario, walk.runbook, told.began or clock.now())
    for key, step, ts in told.starts:
        start = Start(key=key, run=run.id, runbook=walk.runbook.id, step=step, operator=walk.operator, ts=ts)
        past.reserve({key: None}, start)
    world = ScriptedWorld(entries_of(scenario), clock=clock, attempts=told.attempts)

    def look(journal: Journal) -> Act | None:
        events.say(journal)
        return inbox.look(journal)

    session = assemble(
        walk=walk,
        log=writer,
        operator=training.operator,
        attempts=performed_here(
            operator=training.operator, world=lambda _: Rehearsal(world), keepers=lambda *_: Nowhere(), clock=clock
        ),
        secrets=NoSecrets(masker.register),
        masker=masker,
        clock=clock,
        interrupts=training.interrupts,
        begin=tell,
        messages=look,
        past=past,
        approvals=lambda journal: SimulatedApprovals(journal, training.operator, training.approvers, told.requests),
        last=told.last,
    )
    sessions.append(session)
    return Sitting(session=session, cover=masker.cover, run=run, writer=writer, let_go=lambda: None, signing=())


def _no_approval(sessions: Sequence[Session], fields: Mapping[str, Json], inbox: str) -> bool:
    """Nobody outside of a drill approves anything in it."""
    del fields
    text = "an approval was sent to this drill; only those whom its scenario names approve in it"
    sessions[0].journal.tell(r.Warned, text=text, inbox=inbox)
    return True

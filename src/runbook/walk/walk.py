"""The walk: told events, it says what is pending.

An event is first looked at against every rule and only then changes anything, so a refused one changes nothing.
``pending`` is pure: asked twice, it says the same.
"""

import re
from collections import Counter
from collections.abc import Iterator

from runbook.model.canonical import Json, JsonObject
from runbook.model.graph import PASSED, SKIPPED, below, edges_of, graph_digest
from runbook.model.kind import Registry
from runbook.model.runbook import Finish, Mode, Outcome, Runbook, Step
from runbook.walk import approving, guarding, including, looping, rehearsing, running, undoing, visiting
from runbook.walk.actions import (
    Action,
    Announce,
    AskOperator,
    AwaitApproval,
    Begin,
    Choice,
    Confirm,
    Decide,
    Deviate,
    End,
    Enter,
    Exhausted,
    Interrupted,
    LeaveUnknown,
    Override,
    Pause,
    Perform,
    Probe,
    RequestApproval,
    Resume,
    Skip,
    Start,
    Wait,
)
from runbook.walk.events import StepEntered, StepEvent
from runbook.walk.results import Change, Result, Visit
from runbook.walk.rules import IllegalEvent, gates_before, is_gate, unmet_needs, unpassed_gates
from runbook.walk.run_events import Event, NoteAdded, OperatorActed, RunStarted
from runbook.walk.tables import Phase, RunPhase
from runbook.walk.undoing import Undoing

__all__ = ["IllegalEvent", "Walk"]

DEVIATIONS = {"skip": "skip", "go_to": "jump", "stop_waiting": "skip", "retry": "retry", "override": "override"}
"""What an operator's act is called as a deviation."""


class Walk:
    """One walk of one runbook.

    :param runbook: a runbook that the checker found no error in.
    :param registry: its kinds; the walk looks at their traits only.

    What it remembers may be read: ``phase``, ``visit``, ``results`` (the last visit of each step), ``saved``,
    ``changes``, ``taken_back`` (steps of which an undo has taken something back), ``path``,
    ``outcomes`` (of each visit that has one), ``operator``, ``mode``, ``inputs``,
    ``environment``, ``finish``, ``mono``, ``lock_of`` (the run whose lock it broke), ``lost_to`` (the runs that broke
    its), ``shown`` (whether a dry run has shown a change by now), ``fidelities`` (how many of its outcomes have which
    label).
    """

    def __init__(self, runbook: Runbook, registry: Registry) -> None:
        self.runbook = runbook
        self.registry = registry
        self.steps: dict[str, Step] = {step.id: step for step in runbook.steps}
        self.edges = edges_of(runbook)
        self.graph = graph_digest(runbook)
        self.phase = RunPhase.NEW
        self.started: RunStarted | None = None
        self.mode = Mode.LIVE
        self.environment: str | None = None
        self.inputs: JsonObject = {}
        self.operator = ""
        self.visit: Visit | None = None
        self.visits: dict[str, int] = {}
        self.visits_inside: dict[str, dict[str, int]] = {}
        self.prefix = ""
        self.results: dict[str, Result] = {}
        self.saved: dict[str, Json] = {}
        self.changes: list[Change] = []
        self.taken_back: set[str] = set()
        self.path: list[tuple[str, int]] = []
        self.outcomes: dict[tuple[str, int], Outcome] = {}
        self.undoing: Undoing | None = None
        self.intent: OperatorActed | None = None
        self.deviated = False
        self.start_at: str | None = None
        self.jumped = False
        self.reminded: dict[int, int] = {}
        self.delivered: set[str] = set()
        self.lock_of = ""
        self.lost_to: set[str] = set()
        self.shown = False
        self.fidelities: Counter[str] = Counter()
        self.finish: Finish | None = None
        self.mono = 0
        self._targets = {(edge.source, edge.via): edge.target for edge in self.edges}
        self._below = below(runbook)

    def tell(self, event: Event) -> None:
        """Take note of what happened.

        :raises IllegalEvent: if it may not happen now; the walk is then as it was before.
        """
        if event.mono < self.mono:
            raise IllegalEvent("clock", f"the walk's clock goes back from {self.mono} ms to {event.mono} ms")
        within = including.inside(self, event)
        if within is not None:
            self._tell_inside(within, event)
        elif isinstance(event, StepEvent) and not isinstance(event, StepEntered):
            visiting.tell(self, event)
        else:
            running.tell(self, event)
        self.mono = event.mono

    def _tell_inside(self, visit: Visit, event: Event) -> None:
        if self.phase is not RunPhase.GOING and not isinstance(event, NoteAdded):
            raise IllegalEvent("order", f"`{event.TYPE}` while the run is {self.phase.value}")
        if self.undoing is not None or self.intent is not None:
            raise IllegalEvent("order", f"`{event.TYPE}` inside `{visit.step.id}`, and something else is due")
        including.tell(self, visit, event)
        if isinstance(event, NoteAdded | OperatorActed) and event.inbox is not None:
            self.delivered.add(event.inbox)

    def walk_of(self, step: Step) -> "Walk":
        """A walk of the runbook that a step walks."""
        return Walk(self.runbook.included[self.owner(step.id).id], self.registry)

    def changing(self) -> bool:
        """Whether the step that the walk is in, inside others perhaps, changes something."""
        inner = self.inner()
        if inner is not None:
            return inner.changing()
        return self.visit is not None and self.visit.step.effect.changes

    def inner(self) -> "Walk | None":
        """The walk inside the present visit, or inside the element of its loop that is under way."""
        if self.visit is None:
            return None
        visits = [self.visit, *self.visit.elements.values()]
        return next((v.inner for v in visits if v.inner is not None and v.phase is Phase.RUNNING), None)

    def target(self, step_id: str, via: str) -> str | None:
        """Where an edge leads; for a step skipped by hand, where it would have gone on. None if nowhere."""
        found = self._targets.get((step_id, via))
        if found is None and via == SKIPPED:
            return self._targets.get((step_id, PASSED)) or self.steps[step_id].next or self._below[step_id]
        return found

    def owner(self, address: str) -> Step:
        """The step of the file that an address is part of."""
        book, rest = self.runbook.within(address)
        return book.step(re.split(r"[.\[]", rest, maxsplit=1)[0])

    def visit_of(self, address: str) -> Visit | None:
        """The visit that an address is in now: the walk's, or the one of an element of its loop; None if neither."""
        if self.visit is None:
            return None
        visit = self.visit.elements.get(address.partition("]")[0] + "]", self.visit)
        return visit if address == visit.step.id or address.startswith(f"{visit.step.id}.") else None

    def may_skip(self, step: Step) -> bool:
        """Whether an operator may skip a step: it is no gate, and something comes after it."""
        if step.id not in self.steps:
            return True  # an undo, or an element of a loop: it is left as it is
        return not is_gate(step, self.registry) and self.target(step.id, SKIPPED) is not None

    def unmet(self, step: Step, mono: int) -> list[tuple[str, str]]:
        """Why a step may not start at this time: pairs of ``needs`` or ``gate`` and a sentence; empty if it may."""
        found = [("needs", reason) for reason in unmet_needs(step, self.results, mono)]
        if self.jumped:
            found += [("gate", reason) for reason in self._gates(step)]
        return found

    def objections(self, step_id: str) -> list[str]:
        """Why a jump may not lead to a step: a sentence each; empty if it may."""
        step = self.steps.get(step_id)
        return [f"there is no step `{step_id}`"] if step is None else list(self._gates(step))

    def _gates(self, step: Step) -> list[str]:
        if not step.effect.changes or step.id not in self.steps:
            return []
        return list(unpassed_gates(gates_before(step, self.runbook, self.edges, self.registry), self.results))

    def exhausted(self, visit: Visit) -> bool:
        """Whether this visit is one more than the file allows."""
        return visit.step.max_visits is not None and visit.number > visit.step.max_visits

    def in_flight(self) -> bool:
        """Whether something was started whose result is still to come, and not from a person."""
        visit = self.visit
        if visit is None:
            return False
        if visit.elements:
            return any(self.flies(element) for element in visit.elements.values())
        return self.flies(visit)

    def flies(self, visit: Visit) -> bool:
        """Whether a visit waits for what a machine does; a loop does not, nor an undo: their parts do."""
        if visit.inner is not None:
            return visit.phase is Phase.RUNNING and visit.inner.in_flight()
        return bool(visit.nested_running) or (
            visit.phase is Phase.RUNNING
            and not visit.waited
            and visit.step.for_each is None
            and visit.step.kind != "undo"
            and not visiting.asks_a_person(self, visit.step)
            and not rehearsing.is_shown(self, visit.step)
        )

    def next_entry(self) -> Enter | None:
        """The step that may be entered now, if any."""
        visit = self.visit
        if self.undoing is not None:
            return undoing.next_entry(self, self.undoing)
        if visit is None:
            step = self.start_at or self.runbook.steps[0].id
            return Enter(step, self.visits.get(step, 0) + 1, "start_at" if self.start_at else "start", None)
        if self.intent is not None and self.intent.do in {"go_to", "retry"}:
            step = self.intent.to or visit.step.id
            return Enter(step, self.visits.get(step, 0) + 1, self.intent.do, visit.step.id)
        if visit.phase is Phase.DONE and visit.onward is not None:
            target = self.target(visit.step.id, visit.onward)
            if target is not None:
                return Enter(target, self.visits.get(target, 0) + 1, visit.onward, visit.step.id)
        return None

    def deviation_due(self) -> Deviate | None:
        """The deviation that the operator's last act is and that nobody has told yet."""
        act, visit = self.intent, self.acted_on()
        if act is None or self.deviated or visit is None or act.do not in DEVIATIONS:
            return None
        if act.do == "retry" and visit.phase is not Phase.STUCK:
            return None
        return Deviate(visit.step.id, visit.number, DEVIATIONS[act.do], act.to, act.reason or "")

    def acted_on(self) -> Visit | None:
        """The visit that the operator's last act is about: the walk's, or the one of an element of its loop."""
        if self.intent is None or self.intent.step is None:
            return self.visit
        return self.visit_of(self.intent.step)

    def pending(self) -> tuple[Action, ...]:
        """What is to be done now; empty when the run is over."""
        match self.phase:
            case RunPhase.NEW:
                return (Begin(),)
            case RunPhase.OVER:
                return ()
            case RunPhase.PAUSED | RunPhase.GOING:
                if self.intent is not None and self.intent.do == "abort" and not self.in_flight():
                    return (End(Finish.ABORTED),)
                if self.phase is RunPhase.PAUSED:
                    return (Resume(),)
                return self.next_up()

    def next_up(self) -> tuple[Action, ...]:
        """What is to be done in a run that has begun and is not over, when it goes on if it is paused."""
        due = self._due()
        if due is not None:
            return (due,)
        visit = self.visit
        if visit is None:  # pragma: no cover - without a visit there is an entry
            raise AssertionError("a walk with nothing to enter")
        if visit.elements and visit.phase is Phase.RUNNING:
            return looping.pending(self, visit)
        return self.actions_of(visit)

    def actions_of(self, visit: Visit) -> tuple[Action, ...]:
        """Everything that is to be done in a visit now."""
        if visit.inner is not None and visit.phase is Phase.RUNNING:
            return including.pending(visit, visit.inner)
        return (self.action_of(visit),)

    def _due(self) -> Action | None:
        """What comes before the visit itself: what the operator wants, and the next step."""
        deviation = self.deviation_due()
        if deviation is not None:
            return deviation
        visit = self.acted_on()
        if visit is not None and self.intent is not None and self.intent.do == "skip":
            return Skip(visit.step.id, visit.number, self.intent.reason or "")
        return self.next_entry()

    def action_of(self, visit: Visit) -> Action:
        """What is to be done in a visit now."""
        step, number = visit.step.id, visit.number
        if visit.interrupted:
            if visit.nested_running:
                address = min(visit.nested_running)
                return Interrupted(address, number, visit.nested[address], changing=False)
            return Interrupted(step, number, visit.attempt, changing=visit.step.effect.changes)
        match visit.phase:
            case Phase.ENTERED:
                return Exhausted(step, number) if self.exhausted(visit) else Decide(step, number)
            case Phase.CONFIRMING:
                return Confirm(step, number, visit.requested or "")
            case Phase.APPROVING:
                return AwaitApproval(step, number, visit.approval.request if visit.approval else "")
            case Phase.CONFIRMED if approving.approvals_of(visit.step) is not None and visit.approved is None:
                return RequestApproval(step, number, override=False)
            case Phase.CONFIRMED | Phase.INTERRUPTED:
                return Start(step, number, visit.attempt + 1)
            case Phase.RUNNING:
                return Perform(step, number, visit.attempt)
            case Phase.WAITING:
                return Wait(step, number, visit.attempt, visit.due, visit.deadline)
            case Phase.REPEATING:
                retry = visit.step.retry
                delay = retry.pause_after(visit.failures) if retry else 0
                return Announce(step, number, visit.attempt + 1, delay)
            case Phase.RETRYING:
                return Pause(step, number, visit.attempt + 1, visit.due)
            case Phase.UNKNOWN:
                if visit.step.probe is not None and (visit.probe_anew or not visit.probed):
                    return Probe(step, number)
                if visit.step.on_unknown is not None:
                    return LeaveUnknown(step, number)
                return AskOperator(step, number, visit.because, (Choice.SETTLE, Choice.ABORT))
            case Phase.REFUSED if self.intent is not None and self.intent.do == "override":
                return self._override(visit, self.intent)
            case Phase.REFUSED | Phase.STUCK:
                return AskOperator(step, number, visit.because, tuple(self._choices(visit)))
            case Phase.DONE:
                return End(Finish(str(visit.step.fields["outcome"])))

    def _choices(self, visit: Visit) -> Iterator[Choice]:
        """What an operator may do where a visit does not go on by itself."""
        yield Choice.RETRY
        if self.may_skip(visit.step):
            yield Choice.SKIP
        if visit.step.id in self.steps:
            yield Choice.GO_TO
        if guarding.may_override(visit):
            yield Choice.OVERRIDE
        if visit.step.id in self.steps and any(undoing.reversible(self, change) for change in self.changes):
            yield Choice.UNDO
        yield Choice.ABORT

    @staticmethod
    def _override(visit: Visit, act: OperatorActed) -> Action:
        """The next thing to do to override the guards that refuse."""
        step, number, approval = visit.step.id, visit.number, visit.approval
        if guarding.awaits_approval(visit):
            if approval is None or not approval.override:
                return RequestApproval(step, number, override=True)
            return AwaitApproval(step, number, approval.request)
        approver = next(iter(approval.given)) if approval is not None and approval.override else act.by
        by = {"reason": act.by, "approval": approver}
        place = min(visit.refusing)
        return Override(step, number, place, by[visit.step.guards[place].override or ""], act.reason or "")

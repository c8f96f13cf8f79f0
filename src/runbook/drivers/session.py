"""The one loop that every driver shares: it does what the walk says is pending, and tells it what came of that.

It decides nothing that the walk decides. Its order is the order of the promises: judged by the walk, written down,
durable, then done. What came of it is durable before anything else is done, asked or waited for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from runbook.drivers.acting import Acting
from runbook.drivers.attempts import Attempts
from runbook.drivers.checkpointing import Sealer
from runbook.drivers.interrupted import tell_interrupted
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.journal import Journal
from runbook.drivers.listening import Listener
from runbook.drivers.operator import Act, Hand, Note, Operator, Place, Settle
from runbook.drivers.performing import Performer
from runbook.drivers.preparing import AnAction, Prepared, Renderer, Sketch
from runbook.drivers.starting import Starter
from runbook.model.evaluator import ExpressionError
from runbook.model.runbook import Finish, Outcome
from runbook.walk import actions as a
from runbook.walk import events as e
from runbook.walk import looping, rehearsing
from runbook.walk import run_events as r
from runbook.walk.guarding import waits_for_others
from runbook.walk.results import Visit
from runbook.walk.tables import Phase
from runbook.walk.walk import Walk

IDLE = 500
"""Milliseconds after which whoever waits looks for messages from other processes."""


class Stop(Enum):
    """Why a session is over."""

    FINISHED = "finished"
    PAUSED = "paused"
    SIGNAL = "signal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a session is over: ``finish`` where the run is, ``reason`` where it is paused."""

    stop: Stop
    finish: Finish | None = None
    reason: str = ""


class Session:
    """One sitting of an operator at a run.

    :param begin: tells ``run.started``; asked for once, at a new run.
    :param outer: the session of the walk that this one is inside of; ``inside`` makes one, for a walk and its prefix.
    :param messages: looks for messages from other processes and tells what they say; an act of theirs is returned.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        operator: Operator,
        renderer: Renderer,
        performer: Performer,
        attempts: Attempts,
        starter: Starter,
        sealer: Sealer,
        interrupts: Interrupts,
        begin: Callable[[], None],
        messages: Callable[[], Act | None],
        outer: "Session | None",
        inside: "Callable[[Session, Walk, str], Session]",
    ) -> None:
        self.walk: Walk = journal.walk
        self.journal = journal
        self._operator = operator
        self._renderer = renderer
        self._performer = performer
        self._starter = starter
        self._sealer = sealer
        self._interrupts = interrupts
        self._acting = Acting(journal, operator, renderer)
        self._begin = begin
        self._place: Place | None = None
        self.ending: Ending | None = None
        self._outer = outer
        self._make_inside = inside
        self._inside: Session | None = None
        self.listener: Listener = (
            outer.listener
            if outer
            else Listener(
                journal=journal,
                interrupts=interrupts,
                acting=self._acting,
                attended=operator.source == "terminal",
                messages=messages,
            )
        )
        if outer is None:
            operator.attach(self.walk, self.listener.waiting)
            attempts.attend(self.listener.watch)

    def go(self) -> Ending:
        """Walk until the run is over, or a person is needed who is not there."""
        while self.ending is None:
            pending = self.walk.pending()
            if not pending:
                finish = self.walk.finish
                return Ending(stop=Stop.FINISHED, finish=finish)
            act = self.listener.idle()
            if act is None:
                self.advance(pending)
            elif self.walk.in_flight() or self._bound() or isinstance(pending[0], a.Begin | a.End):
                # First what was begun: until then the walk would refuse it.
                self.listener.wanted.appendleft(act)
                self.advance([action for action in pending if isinstance(action, a.Perform | a.Interrupted)] or pending)
            else:
                self.act(act)
        return self.ending

    def advance(self, pending: Sequence[a.Action]) -> None:
        """Do something that is pending: what takes no time first, and what does side by side where it may be."""
        inner = self._session_inside(pending[0])
        if inner is not None:
            inner.advance(inner.walk.pending())
            self.ending = inner.ending
            return
        if self.listener.halted and (left := self._going_on(pending)) is not None:
            pending = left
            if not pending:
                return
        performs = [action for action in pending if isinstance(action, a.Perform)]
        pauses = [action for action in pending if isinstance(action, a.Pause)]
        quick = [action for action in pending if action not in performs and action not in pauses]
        due = [action for action in pauses if action.due <= self.journal.mono()]
        # An element may be under way already; whatever else is to be performed begins and ends here.
        visits = [self._visit(action.step) for action in performs]
        element = any(visit is not self.walk.visit and visit.inner is None for visit in visits)
        if quick or due or not element or any(rehearsing.is_shown(self.walk, visit.step) for visit in visits):
            self.do([*quick, *due, *pending][0])
            return
        parts: list[tuple[Visit, Prepared]] = []
        for action in performs:
            visit = self._visit(action.step)
            prepared = self._action(visit)
            if isinstance(prepared, Sketch):
                self._perform(visit)
                return
            if not isinstance(prepared, Prepared):
                return  # it has failed, and that is told
            parts.append((visit, prepared))
        self._performer.side_by_side(parts, min((action.due for action in pauses), default=None))
        if not self.walk.in_flight():
            self.listener.calm()

    def _going_on(self, pending: Sequence[a.Action]) -> Sequence[a.Action] | None:
        """What of a loop that was stopped is done without asking; None where it is no loop, or may go on."""
        visit = self.walk.visit
        if visit is None or not visit.elements or visit.phase is not Phase.RUNNING:
            return None
        onward = (a.Decide, a.Start, a.Announce, a.Pause)
        first = [action for action in pending if not isinstance(action, onward)]
        if first or self.walk.intent is not None:
            return first or None
        self.listener.halted = False
        hand = self._operator.go_on(self._here(), looping.left(visit))
        if hand is None:
            return None
        self.listener.halted = True
        self.act(hand)
        return []

    def _bound(self) -> bool:
        """Whether what the operator wanted last has to be carried out before anything else."""
        return self.walk.intent is not None and not waits_for_others(self.walk)

    def _session_inside(self, action: a.Action) -> "Session | None":
        """The session of the inner walk that an action is about; None if it is about this one's."""
        inner = self.walk.inner()
        if inner is None or isinstance(action, a.Begin | a.End | a.Resume):
            return None
        head, slash, _ = action.step.partition("/")
        visit = self.walk.visit_of(head)
        if not slash or visit is None or visit.inner is not inner:
            return None
        if self._inside is None or self._inside.walk is not inner:
            self._inside = self._make_inside(self, inner, f"{head}/")
        return self._inside

    def do(self, action: a.Action) -> None:
        """Do one thing that is pending, and tell the walk what came of it."""
        match action:
            case a.Begin():
                self._begin()
            case a.Enter():
                self._enter(action)
            case a.Decide():
                self._carry_out(self._starter.decide(self._visit(action.step), self._here(action.step)))
            case a.Exhausted():
                self._exhausted(self._visit())
            case a.Confirm():
                self._carry_out(self._starter.confirm(self._visit(action.step), self._here(action.step)))
            case a.RequestApproval():
                override = action.override
                self._carry_out(
                    self._starter.request_approval(self._visit(action.step), self._here(action.step), override=override)
                )
            case a.AwaitApproval():
                self._carry_out(self._starter.await_approval(self._visit(action.step), self._here(action.step)))
            case a.Override():
                self.journal.tell(
                    e.GuardOverridden,
                    step=action.step,
                    visit=action.visit,
                    guard=action.guard,
                    by=action.by,
                    reason=action.reason,
                )
            case a.Start():
                self._carry_out(self._starter.start(self._visit(action.step), self._here(action.step)))
            case a.Perform():
                self._perform(self._visit(action.step))
                self.listener.calm()
            case a.Interrupted():
                tell_interrupted(self.journal, action)
            case a.Announce():
                self.journal.tell(
                    e.StepRetrying,
                    step=action.step,
                    visit=action.visit,
                    attempt=action.attempt,
                    delay_ms=action.delay_ms,
                )
            case a.Pause():
                if not self._waits(action.due):
                    self._carry_out(self._starter.start(self._visit(action.step), self._here(action.step)))
            case a.Wait():
                self._wait(action)
                self.listener.calm()
            case a.Probe():
                self._probe(self._visit(action.step))
                self.listener.calm()
            case a.LeaveUnknown():
                self.journal.tell(
                    e.StepSettled, step=action.step, visit=action.visit, outcome=Outcome.UNKNOWN.value, by="file"
                )
            case a.AskOperator():
                self._ask_operator(action)
            case a.Deviate():
                self.journal.tell(
                    r.DeviationRecorded,
                    step=action.step,
                    visit=action.visit,
                    deviation=action.deviation,
                    to=action.to,
                    reason=action.reason,
                    by=self.walk.operator,
                )
            case a.Skip():
                self.journal.tell(
                    e.StepSkipped, step=action.step, visit=action.visit, by="operator", reason=action.reason
                )
            case a.End():
                self._sealer.finish(action.finish.value)
            case a.Resume():  # a session begins with the run resumed
                raise AssertionError(action)

    def _visit(self, address: str = "") -> Visit:
        """The visit that the walk is in, or the one of an element of its loop."""
        visit = self.walk.visit
        if visit is None:  # pragma: no cover - every action but Begin and Enter has one
            raise AssertionError("no visit")
        return visit.elements.get(address, visit)

    def _here(self, address: str = "") -> Place:
        visit = self._visit(address)
        if self._place is None or (self._place.step.id, self._place.visit) != (visit.step.id, visit.number):
            self._place = self._renderer.place(self.walk, visit)
        return self._place

    def _enter(self, action: a.Enter) -> None:
        self.journal.tell(e.StepEntered, step=action.step, visit=action.visit, via=action.via, from_=action.source)
        self._starter.forget()
        self._operator.arrive(self._here())

    def _exhausted(self, visit: Visit) -> None:
        allowed = visit.step.max_visits
        times = "once" if allowed == 1 else f"{allowed} times"
        self._performer.failed(visit, f"visited {times}, which is all that the file allows", changed="no")

    def _perform(self, visit: Visit) -> None:
        if visit.step.for_each is not None:
            self._performer.end_loop(visit)
            return
        prepared = self._action(visit)
        if isinstance(prepared, Prepared | Sketch):
            self._carry_out(self._performer.perform(visit, prepared, self._here(visit.step.id)))

    def _action(self, visit: Visit) -> AnAction | None:
        """The action that was started; where it cannot be made again in a later sitting, it has failed."""
        try:
            return self._starter.action(visit)
        except ExpressionError as error:
            self._performer.failed(visit, error.message, changed="maybe" if visit.step.effect.changes else "no")
            return None

    def _waits(self, due: int) -> bool:
        """Let some time pass; whether there is more to wait, or something else to do first."""
        left = due - self.journal.mono()
        if left <= 0:
            return False
        self.journal.sync()
        self._carry_out(self._operator.wait(self._here(), min(left, IDLE), due))
        return True

    def _wait(self, action: a.Wait) -> None:
        due = action.due if action.deadline is None else min(action.due, action.deadline)
        visit = self._visit()
        prepared = self._action(visit)
        if not isinstance(prepared, Prepared):
            return
        nobody_waits = rehearsing.is_dry(self.walk) and visit.every is None
        if nobody_waits or not self._waits(due):
            timed_out = action.deadline is not None and self.journal.mono() >= action.deadline
            self._performer.check(visit, prepared, timed_out=timed_out)

    def _probe(self, visit: Visit) -> None:
        try:
            prepared = self._renderer.probe(visit.step, self._renderer.scope(self.walk, visit))
        except ExpressionError as error:
            address = f"{visit.step.id}.probe"
            self.journal.tell(e.StepRefused, step=address, visit=visit.number, by="expression", reason=error.message)
            return
        self._performer.probe(visit, prepared)

    def _ask_operator(self, asked: a.AskOperator) -> None:
        self.journal.sync()
        reply = self._operator.decide(self._here(asked.step), asked)
        match reply:
            case Settle(outcome=outcome, evidence=evidence):
                self.journal.tell(
                    e.StepSettled,
                    step=asked.step,
                    visit=asked.visit,
                    outcome=outcome.value,
                    by=self.walk.operator,
                    evidence=evidence,
                )
            case Act() | Note():
                self.act(reply)

    def _carry_out(self, hand: Hand | None) -> None:
        if hand is not None:
            self.act(hand)

    def act(self, hand: Hand) -> None:
        """Carry out what an operator does to the walk."""
        if self._outer is not None and self._for_outer(hand):
            self._outer.act(hand)
            self.ending = self._outer.ending
        elif isinstance(hand, Act) and hand.do in {"pause", "hand_over"} and self.walk.in_flight():
            self.listener.wanted.append(hand)  # when what runs is over
        elif isinstance(hand, Act) and hand.do == "hand_over":
            self._hand_over(hand)
        elif self._acting.carry_out(hand, self._place) and isinstance(hand, Act):
            self._interrupts.clear()
            if hand.do == "pause":
                self._pause(hand.reason or "the operator paused it")

    def _for_outer(self, hand: Hand) -> bool:
        """Whether what an operator does is about the whole run, or leads out of the inner walk."""
        if isinstance(hand, Note) or hand.do in {"pause", "abort", "hand_over"}:
            return True
        return hand.do == "go_to" and (hand.to or "").removeprefix(self.walk.prefix) not in self.walk.steps

    def _hand_over(self, hand: Act) -> None:
        """Pause the run for somebody else; whoever walks here walks no further."""
        to, by = hand.to or "", hand.by or self.walk.operator
        if to == self.walk.operator:
            text = f"a hand-over to {to} asked for by {by} is not possible: {to} is the operator already"
            self.journal.tell(r.Warned, text=text, inbox=hand.inbox)
            return
        self._pause(f"handed over to {to} by {by}" + (f": {hand.reason}" if hand.reason else ""))
        self.journal.tell(r.RunHandedOver, to=to, by=by, reason=hand.reason, inbox=hand.inbox)
        self.journal.sync()

    def _pause(self, reason: str) -> None:
        signal = self._interrupts.ended is not None
        by = "signal" if signal else self.walk.operator
        self.journal.tell(r.RunPaused, reason=reason, by=by)
        self.journal.sync()
        self._sealer.pause()
        self.ending = Ending(stop=Stop.SIGNAL if signal else Stop.PAUSED, reason=reason)

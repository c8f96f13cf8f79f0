"""The one loop that every driver shares: it does what the walk says is pending, and tells it what came of that.

It decides nothing that the walk decides. Its order is the order of the promises: judged by the walk, written down,
durable, then done. What came of it is durable before anything else is done, asked or waited for.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from runbook.drivers.acting import Acting
from runbook.drivers.attempts import Attempts
from runbook.drivers.interrupted import tell_interrupted
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.journal import Journal
from runbook.drivers.operator import Act, Hand, Note, Operator, Place, Settle
from runbook.drivers.performing import Performer
from runbook.drivers.preparing import Prepared, PreparedLoop, Renderer
from runbook.drivers.starting import Starter
from runbook.model.evaluator import ExpressionError
from runbook.model.runbook import Finish, Outcome
from runbook.walk import actions as a
from runbook.walk import events as e
from runbook.walk import looping
from runbook.walk import run_events as r
from runbook.walk.guarding import waits_for_others
from runbook.walk.results import Visit
from runbook.walk.tables import Phase
from runbook.walk.walk import Walk

IDLE = 500
"""Milliseconds after which whoever waits looks for messages from other processes."""

INTERRUPTED = Act(do="pause", reason="interrupted")


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
        interrupts: Interrupts,
        begin: Callable[[], None],
        messages: Callable[[], Act | None],
    ) -> None:
        self.walk: Walk = journal.walk
        self.journal = journal
        self._operator = operator
        self._renderer = renderer
        self._performer = performer
        self._starter = starter
        self._interrupts = interrupts
        self._acting = Acting(journal, operator, renderer)
        self._begin = begin
        self._messages = messages
        self._place: Place | None = None
        self._wanted: deque[Act] = deque()
        self._stopping = 0
        self._halted = self.walk.started is not None
        """Whether a loop that is under way goes on only when the operator says so: it was stopped in the middle."""
        self._ending: Ending | None = None
        operator.attach(self.walk, self._waiting)
        attempts.attend(self._watch)

    def go(self) -> Ending:
        """Walk until the run is over, or a person is needed who is not there."""
        while self._ending is None:
            pending = self.walk.pending()
            if not pending:
                finish = self.walk.finish
                return Ending(stop=Stop.FINISHED, finish=finish)
            act = self.idle()
            if act is None:
                self._advance(pending)
            elif self.walk.in_flight() or self._bound() or isinstance(pending[0], a.Begin | a.End):
                # First what was begun: until then the walk would refuse it.
                self._wanted.appendleft(act)
                self._advance(
                    [action for action in pending if isinstance(action, a.Perform | a.Interrupted)] or pending
                )
            else:
                self._act(act)
        return self._ending

    def _bound(self) -> bool:
        """Whether what the operator wanted last has to be carried out before anything else."""
        return self.walk.intent is not None and not waits_for_others(self.walk)

    def _advance(self, pending: Sequence[a.Action]) -> None:
        """Do something that is pending: what takes no time first, and what does side by side where it may be."""
        if self._halted and (left := self._going_on(pending)) is not None:
            pending = left
            if not pending:
                return
        performs = [action for action in pending if isinstance(action, a.Perform)]
        pauses = [action for action in pending if isinstance(action, a.Pause)]
        quick = [action for action in pending if action not in performs and action not in pauses]
        due = [action for action in pauses if action.due <= self.journal.mono()]
        if quick or len(pending) == 1 or due or not performs:
            self.do([*quick, *due, *pending][0])
            return
        parts: list[tuple[Visit, Prepared]] = []
        for action in performs:
            visit = self._visit(action.step)
            prepared = self._action(visit)
            if not isinstance(prepared, Prepared):
                return  # it has failed, and that is told
            parts.append((visit, prepared))
        self._performer.side_by_side(parts, min((action.due for action in pauses), default=None))
        if not self.walk.in_flight():
            self._calm()

    def _going_on(self, pending: Sequence[a.Action]) -> Sequence[a.Action] | None:
        """What of a loop that was stopped is done without asking; None where it is no loop, or may go on."""
        visit = self.walk.visit
        if visit is None or not visit.elements or visit.phase is not Phase.RUNNING:
            return None
        onward = (a.Decide, a.Start, a.Announce, a.Pause)
        first = [action for action in pending if not isinstance(action, onward)]
        if first or self.walk.intent is not None:
            return first or None
        self._halted = False
        hand = self._operator.go_on(self._here(), looping.left(visit))
        if hand is None:
            return None
        self._halted = True
        self._act(hand)
        return []

    def idle(self) -> Act | None:
        """Look whether a signal or another process wants something; called at least every half second."""
        if (why := self._interrupts.why) is not None:
            return Act(do="pause", reason=why)
        if self._interrupts.presses and self._operator.source != "terminal":
            return INTERRUPTED
        if self.walk.started is not None:
            self._remind()
            self._look()
        return self._wanted.popleft() if self._wanted else None

    def _waiting(self) -> Act | None:
        """What whoever waits asks at least every half second; what has happened is on disk while nobody acts."""
        self.journal.sync()
        return self.idle()

    def _look(self) -> Act | None:
        """Look for messages from other processes; what one wants done waits until it can be, and is returned."""
        act = self._messages()
        if act is not None:
            self._wanted.append(act)
        return act

    def _remind(self) -> None:
        """Tell each reminder whose time has come."""
        now = self.journal.mono()
        for index, reminder in enumerate(self.walk.runbook.reminders):
            last = self.walk.reminded.get(index)
            due = (last or 0) + reminder.every if reminder.every is not None else reminder.after or 0
            if now >= due and (reminder.every is not None or last is None):
                self.journal.tell(r.ReminderDue, reminder=index, say=reminder.say)

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
                self._calm()
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
                self._calm()
            case a.Probe():
                self._probe(self._visit(action.step))
                self._calm()
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
                self.journal.tell(r.RunFinished, finish=action.finish.value)
                self.journal.sync()
            case a.Resume():  # a session begins with the run resumed
                raise AssertionError(action)

    def _calm(self) -> None:
        """What was to be interrupted is over; the next Ctrl-C is about something else."""
        if self._stopping:
            self._stopping = 0
            self._interrupts.clear()

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
        if isinstance(prepared, Prepared):
            self._carry_out(self._performer.perform(visit, prepared, self._here(visit.step.id)))

    def _action(self, visit: Visit) -> Prepared | PreparedLoop | None:
        """The action that was started; where it cannot be made again in a later sitting, it has failed."""
        try:
            return self._starter.action(visit)
        except ExpressionError as error:
            self._performer.failed(visit, error.message, changed="maybe" if visit.step.effect.changes else "no")
            return None

    def _watch(self) -> int:
        """What is to be done about what runs: 0 nothing, 1 to 3 how hard to stop it."""
        if self._interrupts.ended is not None:
            return 2
        wanted = self._look()
        self._remind()
        if wanted is not None and wanted.do == "abort" and not self._visit().step.effect.changes:
            return 2
        presses = min(self._interrupts.presses, 3)
        if presses > self._stopping:
            self._stopping = presses
            self._halted = True
            self._acting.tell(Act(do="interrupt", reason=f"pressed {presses} times" if presses > 1 else None), None)
            if self._operator.source != "terminal":
                self._wanted.append(INTERRUPTED)
        loop = self._visit().elements and self._visit().step.effect.changes
        # What changes something side by side is awaited first; nothing more of it begins.
        return 0 if loop and presses == 1 else presses

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
        if not self._waits(due):
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
                self._act(reply)

    def _carry_out(self, hand: Hand | None) -> None:
        if hand is not None:
            self._act(hand)

    def _act(self, hand: Hand) -> None:
        """Carry out what an operator does to the walk."""
        if isinstance(hand, Act) and hand.do == "pause" and self.walk.in_flight():
            self._wanted.append(hand)  # when what runs is over
        elif self._acting.carry_out(hand, self._place) and isinstance(hand, Act):
            self._interrupts.clear()
            if hand.do == "pause":
                self._pause(hand.reason or "the operator paused it")

    def _pause(self, reason: str) -> None:
        signal = self._interrupts.ended is not None
        by = "signal" if signal else self.walk.operator
        self.journal.tell(r.RunPaused, reason=reason, by=by)
        self.journal.sync()
        self._ending = Ending(stop=Stop.SIGNAL if signal else Stop.PAUSED, reason=reason)

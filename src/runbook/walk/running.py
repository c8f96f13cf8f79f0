"""What an event about the run as a whole does to a walk: it begins, goes on, is taken in hand, ends."""

from typing import TYPE_CHECKING

from runbook.model.runbook import Mode, Outcome
from runbook.walk import approving, guarding, rehearsing, undoing
from runbook.walk.actions import End
from runbook.walk.events import StepEntered
from runbook.walk.results import Result, Visit
from runbook.walk.rules import IllegalEvent, parsed
from runbook.walk.run_events import (
    DeviationRecorded,
    Event,
    NoteAdded,
    OperatorActed,
    ReminderDue,
    RunFinished,
    RunHandedOver,
    RunPaused,
    RunResumed,
    RunStarted,
    Warned,
)
from runbook.walk.tables import HANDS, RUN, Phase, RunPhase

if TYPE_CHECKING:
    from runbook.walk.walk import Walk

FORMAT = "1.0"
"""The version of the log's format that this walk is told."""
SIMULATED = "simulated"
"""The clock of a drill whose waits pass at once."""

_REASONED = {"skip", "go_to", "abort", "stop_waiting", "override"}


def tell(walk: "Walk", event: Event) -> None:
    """Look at an event about the run, and let the walk know it.

    :raises IllegalEvent: if it may not happen now.
    """
    if isinstance(event, StepEntered):
        _enter(walk, event)
        return
    following = RUN[walk.phase].get(type(event))
    if following is None:
        raise IllegalEvent("order", f"`{event.TYPE}` while the run is {walk.phase.value}")
    match event:
        case RunStarted():
            _begin(walk, event)
        case OperatorActed():
            _act(walk, event)
        case DeviationRecorded():
            _deviate(walk, event)
        case ReminderDue():
            _remind(walk, event)
        case RunPaused():
            if walk.in_flight():
                raise IllegalEvent("order", "the run pauses while a step is in flight")
            if event.by not in {walk.operator, "signal"}:
                raise IllegalEvent("operator", f"`{event.by}` pauses the run, and `{walk.operator}` walks")
        case RunResumed():
            _resume(walk, event)
        case RunHandedOver():
            if not event.to.strip() or event.to == walk.operator:
                raise IllegalEvent("operator", f"the run is handed over to `{event.to}`, and `{walk.operator}` has it")
            walk.operator = event.to
            for visit in (walk.visit, *walk.visit.elements.values()) if walk.visit else ():
                approving.handed_over(visit, event.to)
        case RunFinished():
            _finish(walk, event)
        case _:
            pass
    inner = walk.inner()
    if inner is not None and isinstance(event, RunPaused | RunResumed | RunHandedOver):
        inner.tell(event)
    if isinstance(event, NoteAdded | Warned | OperatorActed | RunHandedOver) and event.inbox is not None:
        walk.delivered.add(event.inbox)
    walk.phase = following


def _begin(walk: "Walk", event: RunStarted) -> None:
    if event.format != FORMAT:
        raise IllegalEvent("format", f"the log has format {event.format}, this version reads {FORMAT}")
    if event.runbook != walk.runbook.id or event.graph != walk.graph:
        raise IllegalEvent("runbook", f"the log is of another runbook or another version of it: `{event.runbook}`")
    if event.mode not in {mode.value for mode in Mode}:
        raise IllegalEvent("mode", f"there is no mode `{event.mode}`")
    if event.lock is not None and event.mode != Mode.LIVE.value:
        raise IllegalEvent("lock", "a rehearsal has a lock")
    if (event.scenario or event.clock) and event.mode != Mode.DRILL.value:
        raise IllegalEvent("mode", "a run that is no drill has a scenario, or a simulated clock")
    if event.clock not in {None, SIMULATED}:
        raise IllegalEvent("mode", f"there is no clock `{event.clock}`")
    known = walk.runbook.environments
    if (event.environment is not None or known) and event.environment not in known:
        raise IllegalEvent("environment", f"the runbook has no environment `{event.environment}`")
    inputs = parsed(event.inputs, "inputs") or {}
    walk.started = event
    walk.mode = Mode(event.mode)
    walk.environment = event.environment
    walk.inputs = inputs
    walk.operator = event.operator


def _enter(walk: "Walk", event: StepEntered) -> None:
    if walk.phase is not RunPhase.GOING:
        raise IllegalEvent("order", f"`{event.TYPE}` while the run is {walk.phase.value}")
    expected = None if walk.deviation_due() else walk.next_entry()
    if expected is None:
        raise IllegalEvent("edge", f"`{event.step}` is entered, and nothing leads there now")
    told = (event.step, event.visit, event.via, event.from_)
    if told != (expected.step, expected.visit, expected.via, expected.source):
        raise IllegalEvent(
            "edge",
            f"`{event.step}` visit {event.visit} is entered by `{event.via}` from `{event.from_}`; what leads on is "
            f"`{expected.via}` to `{expected.step}` visit {expected.visit}",
        )
    left = walk.visit
    if left is not None and left.phase not in {Phase.DONE, Phase.STUCK} and event.via == "go_to":
        # The visit that a jump leaves has no outcome of its own, and must not pass for an earlier one.
        walk.results[left.step.id] = Result(
            visit=left.number, outcome=Outcome.SKIPPED, reason="left by a jump", mono=event.mono, by_hand=True
        )
        walk.outcomes[left.step.id, left.number] = Outcome.SKIPPED
    walk.visits[event.step] = event.visit
    if walk.undoing is not None:
        walk.visit = undoing.entered(walk, walk.undoing, event)
        walk.intent, walk.deviated = None, False
        return
    step = walk.steps[event.step]
    walk.visit = Visit(step=step, number=event.visit, entered=event.ts, required=rehearsing.required(walk, step))
    walk.path.append((event.step, event.visit))
    walk.jumped = walk.jumped or event.via in {"go_to", "start_at"}
    walk.intent, walk.deviated = None, False


def _remind(walk: "Walk", event: ReminderDue) -> None:
    if not 0 <= event.reminder < len(walk.runbook.reminders):
        raise IllegalEvent("reminder", f"the file has no reminder {event.reminder}")
    due = reminder_due(walk, event.reminder)
    if due is None or event.mono < due:
        raise IllegalEvent("reminder", f"reminder {event.reminder} is told before its time, or once more")
    walk.reminded[event.reminder] = event.mono


def reminder_due(walk: "Walk", index: int) -> int | None:
    """When a reminder is to be told next, by the walk's clock; None: never again."""
    reminder, last = walk.runbook.reminders[index], walk.reminded.get(index)
    if reminder.every is not None:
        return (last or 0) + reminder.every
    return (reminder.after or 0) if last is None else None


def _act(walk: "Walk", event: OperatorActed) -> None:
    allowed = HANDS.get(event.do)
    visit = walk.visit if event.step is None else walk.visit_of(event.step) or walk.visit
    if allowed is None:
        raise IllegalEvent("act", f"an operator cannot `{event.do}`")
    if event.by != walk.operator and not (event.source == "inbox" and event.do in {"pause", "abort"}):
        raise IllegalEvent("operator", f"`{event.by}` acts, and `{walk.operator}` walks")
    if walk.intent is not None and event.do != "abort" and not guarding.waits_for_others(walk):
        raise IllegalEvent("act", f"`{event.do}` before `{walk.intent.do}` was carried out")
    if event.do not in {"pause", "abort"} and (
        walk.phase is RunPhase.PAUSED or visit is None or visit.phase not in allowed
    ):
        where = "the run is paused" if visit is None or walk.phase is RunPhase.PAUSED else f"it is {visit.phase.value}"
        raise IllegalEvent("act", f"`{event.do}` is not possible while {where}")
    if visit is not None and event.do in {"skip", "go_to"} and visit.phase in {Phase.RUNNING, Phase.WAITING}:
        busy = walk.in_flight() or (visit.step.effect.changes and not rehearsing.is_dry(walk))
        if busy:
            raise IllegalEvent("act", f"`{event.do}` before it is known what became of `{visit.step.id}`")
    stuck = visit is not None and visit.phase is Phase.STUCK
    if (event.do in _REASONED or (event.do == "retry" and stuck)) and not (event.reason or "").strip():
        raise IllegalEvent("reason", f"`{event.do}` without a reason")
    if visit is not None and (event.step, event.visit) not in {(None, None), (visit.step.id, visit.number)}:
        raise IllegalEvent("act", f"`{event.do}` at `{event.step}`, and the walk is at `{visit.step.id}`")
    match event.do:
        case "skip":
            if visit is not None and not walk.may_skip(visit.step):
                raise IllegalEvent("gate", f"`{visit.step.id}` cannot be skipped")
        case "go_to" if walk.undoing is not None:
            raise IllegalEvent("act", "`go_to` is not possible while changes are taken back; leave them, or abort")
        case "retry" if visit is not None and visit is not walk.visit:
            _void(visit)  # an element of a loop, which is asked about again
            return
        case "go_to":
            objections = walk.objections(event.to or "")
            if objections:
                raise IllegalEvent("gate", objections[0])
        case "override":
            if visit is not None and not guarding.may_override(visit):
                raise IllegalEvent("guard", f"nothing that `{visit.step.id}` is refused by may be overridden")
            if visit is not None:
                visit.approval = None  # what was approved had another reason
        case "undo":
            _take_back(walk)
        case "check_now" | "stop_waiting":
            if visit is not None:
                plain = visit.phase is Phase.WAITING and visit.every is None
                if event.do == "check_now" and plain:
                    raise IllegalEvent("act", f"`{visit.step.id}` waits for a time and has nothing to check")
                visit.due = event.mono
        case _:
            pass
    if event.do in {"skip", "go_to", "retry", "abort", "stop_waiting", "override"}:
        walk.intent, walk.deviated = event, False


def _take_back(walk: "Walk") -> None:
    """The operator wants everything taken back that this run has changed."""
    visit = walk.visit
    changes = undoing.changes_of(walk)
    if visit is None or visit.undoes is not None or not any(undoing.reversible(walk, change) for change in changes):
        raise IllegalEvent("undo", "there is nothing that could be taken back")
    undoing.begin(walk, visit, changes)
    if visit.phase is Phase.CONFIRMING:
        _void(visit)  # the world will be another one by then


def _void(visit: Visit) -> None:
    """A confirmation of what has not started does not count any more."""
    visit.phase = Phase.ENTERED
    visit.requested = visit.confirmed = visit.approved = None
    visit.held.clear()


def _deviate(walk: "Walk", event: DeviationRecorded) -> None:
    if event.deviation in {"break_lock", "lock_lost"}:
        _lock(walk, event)
        return
    if walk.phase is RunPhase.PAUSED:
        raise IllegalEvent("order", f"a deviation `{event.deviation}` while the run is paused")
    if event.by != walk.operator:
        raise IllegalEvent("operator", f"`{event.by}` deviates, and `{walk.operator}` walks")
    if walk.visit is None:
        if event.deviation != "start_at" or event.to is None or not event.reason.strip():
            raise IllegalEvent("deviation", f"a deviation `{event.deviation}` before the first step")
        objections = walk.objections(event.to)
        if objections:
            raise IllegalEvent("gate", objections[0])
        walk.start_at = event.to
        return
    due = walk.deviation_due()
    told = (event.step, event.visit, event.deviation, event.to, event.reason)
    if due is None or told != (due.step, due.visit, due.deviation, due.to, due.reason):
        raise IllegalEvent("deviation", f"a deviation `{event.deviation}` that no act of the operator explains")
    walk.deviated = True


def _lock(walk: "Walk", event: DeviationRecorded) -> None:
    """The run broke the lock of another one as it began, or another one broke its lock."""
    begins = walk.visit is None and walk.start_at is None and not walk.lock_of
    if walk.started is None or walk.started.lock is None:
        raise IllegalEvent("lock", "a lock is broken, and the run has none")
    if event.step is not None or not event.to or event.to == walk.started.run or not event.reason.strip():
        raise IllegalEvent("lock", "a lock is broken without another run or a reason")
    if event.deviation == "lock_lost":
        walk.lost_to.add(event.to)
    elif begins and walk.phase is RunPhase.GOING and event.by == walk.operator:
        walk.lock_of = event.to
    else:
        raise IllegalEvent("lock", "the lock of another run is broken, and not by the operator as the run begins")


def _resume(walk: "Walk", event: RunResumed) -> None:
    if event.operator != walk.operator:
        raise IllegalEvent("operator", f"`{event.operator}` resumes what `{walk.operator}` walks, without a hand-over")
    if walk.visit is None:
        return
    for visit in (walk.visit, *walk.visit.elements.values()):
        unstarted = {Phase.CONFIRMING, Phase.CONFIRMED, Phase.APPROVING, Phase.REPEATING, Phase.RETRYING}
        if visit.required is not None and visit.phase in unstarted:
            # The world may be another one by now.
            _void(visit)
        visit.interrupted = visit.inner is None and walk.flies(visit)
        visit.open_question = False
        visit.probe_anew = visit.phase is Phase.UNKNOWN


def _finish(walk: "Walk", event: RunFinished) -> None:
    due = walk.pending()[0]
    if not isinstance(due, End) or event.finish != due.finish.value:
        raise IllegalEvent("finish", f"the run ends `{event.finish}`, and nothing leads to that end")
    walk.finish = due.finish

"""A step that walks another runbook: a whole walk inside a visit, told what concerns it without the outer address.

The steps of the inner walk appear in the log as ``outer/inner``. It shares the run, its mode, clock and operator with
the outer one, and what it changes joins the outer's changes; everything else is its own.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from runbook.model.canonical import JsonObject, canonical
from runbook.model.runbook import Finish
from runbook.walk.actions import Action, Begin, Deviate, End, Enter, Perform, Resume
from runbook.walk.events import StepEntered, StepEvent
from runbook.walk.results import Visit
from runbook.walk.rules import IllegalEvent, parsed
from runbook.walk.run_events import DeviationRecorded, Event, NoteAdded, OperatorActed

if TYPE_CHECKING:
    from runbook.walk.walk import Walk


def begin(walk: "Walk", visit: Visit, inner: "Walk", what: str, mono: int) -> None:
    """The step has started: the inner walk begins, with the inputs of the action."""
    started = walk.started
    fields = (parsed(what, "action") or {}).get("fields")
    inputs = fields.get("inputs") if isinstance(fields, dict) else None
    if started is None:  # pragma: no cover - no step starts before its run
        raise AssertionError(visit.step.id)
    book = inner.runbook
    inner.prefix = f"{walk.prefix}{visit.step.id}/"
    inner.delivered = walk.delivered
    inner.shown, inner.fidelities = walk.shown, walk.fidelities
    inner.visits = walk.visits_inside.setdefault(visit.step.id, {})
    inner.tell(
        replace(
            started,
            mono=mono,
            runbook=book.id,
            graph=inner.graph,
            environment=walk.environment if book.environments else None,
            inputs=canonical(inputs if isinstance(inputs, dict) else {}),
            operator=walk.operator,
        )
    )
    visit.inner, visit.before = inner, list(walk.changes)


def inside(walk: "Walk", event: Event) -> Visit | None:
    """The visit whose inner walk an event is about; None if it is the outer one's."""
    step: str | None = getattr(event, "step", None)  # asked of every record of a log
    if step is None or "/" not in step:
        return None
    head, _, _ = step.partition("/")
    visit = walk.visit_of(head)
    return visit if visit is not None and visit.step.id == head and visit.inner is not None else None


def chain(walk: "Walk") -> "tuple[Walk, ...]":
    """A walk, the one that it is in, and so on to the one whose step is under way."""
    inner = walk.inner()
    return (walk,) if inner is None else (walk, *chain(inner))


def around(walk: "Walk", address: str) -> "tuple[Walk, str]":
    """The walk that an address is in now, and the address there."""
    head, slash, rest = address.partition("/")
    visit = walk.visit_of(head) if slash else None
    if visit is None or visit.inner is None:
        return walk, address
    return around(visit.inner, rest)


def tell(walk: "Walk", visit: Visit, event: Event) -> None:
    """Let the inner walk know an event."""
    inner, prefix = visit.inner, f"{visit.step.id}/"
    if inner is None:  # pragma: no cover - it was asked for
        raise AssertionError(visit.step.id)
    inner.tell(inward(visit, event))
    walk.shown = inner.shown
    here = [replace(change, step=prefix + change.step) for change in inner.changes]
    walk.changes[:] = [*visit.before, *here]
    if inner.taken_back:
        walk.taken_back.add(visit.step.id)


def inward(visit: Visit, event: Event) -> Event:
    """An event about an inner walk, as that walk is told it."""
    prefix = f"{visit.step.id}/"
    match event:
        case StepEntered(from_=str() as source):
            return replace(event, step=_rest(event.step, prefix), from_=_rest(source, prefix))
        case OperatorActed(step=str() as step, to=str() as to) | DeviationRecorded(step=str() as step, to=str() as to):
            return replace(event, step=_rest(step, prefix), to=_rest(to, prefix))
        case StepEvent(step=step):
            return replace(event, step=_rest(step, prefix))
        case NoteAdded(step=str() as step) | OperatorActed(step=str() as step) | DeviationRecorded(step=str() as step):
            return replace(event, step=_rest(step, prefix))
        case _:  # pragma: no cover - only these name a step
            raise AssertionError(event)


def _rest(address: str, prefix: str) -> str:
    if not address.startswith(prefix):
        raise IllegalEvent("order", f"`{address}` is not inside `{prefix[:-1]}`")
    return address.removeprefix(prefix)


def pending(visit: Visit, inner: "Walk") -> tuple[Action, ...]:
    """What the inner walk wants done; when it has come to its end, the step is to be concluded."""
    prefix = f"{visit.step.id}/"
    actions = inner.pending()
    if any(isinstance(action, End) for action in actions):
        return (Perform(visit.step.id, visit.number, visit.attempt),)
    return tuple(_outward(action, prefix) for action in actions)


def _outward(action: Action, prefix: str) -> Action:
    match action:
        case Enter():
            source = None if action.source is None else prefix + action.source
            return replace(action, step=prefix + action.step, source=source)
        case Deviate():
            return replace(action, step=prefix + action.step, to=None if action.to is None else prefix + action.to)
        case Begin() | Resume() | End():  # pragma: no cover - the inner walk has begun, and is told when it goes on
            raise AssertionError(action)
        case _:
            return replace(action, step=prefix + action.step)


def ending(visit: Visit) -> Finish | None:
    """How the inner walk ends, when it has come to an end."""
    actions = visit.inner.pending() if visit.inner is not None else ()
    return next((action.finish for action in actions if isinstance(action, End)), None)


def observation(visit: Visit) -> JsonObject:
    """What the step observes: how the other runbook ended, and the outputs of that end."""
    inner, finish = visit.inner, ending(visit)
    if inner is None or inner.visit is None or finish is None:
        raise IllegalEvent("order", f"`{visit.step.id}` ends before the runbook that it walks")
    fields = (parsed(inner.visit.what, "action") or {}).get("fields")
    outputs = fields.get("outputs") if isinstance(fields, dict) else None
    return {**(outputs if isinstance(outputs, dict) else {}), "finish": finish.value}

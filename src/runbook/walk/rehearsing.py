"""What is other in a dry run: what changes something is shown and taken as it is said; nothing is enforced.

Whatever only looks is performed. What would change something is shown and not performed, and from then on no look says
anything about the world as it would be: it is performed, shown, and passes as ``unverifiable``. So every outcome in a
dry run has a label that says what it is worth, and an outcome of another run has none.
"""

from typing import TYPE_CHECKING

from runbook.model.runbook import Confirm, Fidelity, Mode, Outcome, Step
from runbook.walk import events as e
from runbook.walk.results import Visit
from runbook.walk.rules import IllegalEvent, requirement

if TYPE_CHECKING:
    from runbook.walk.walk import Walk

_PARTS = frozenset({"undo", "runbook"})
"""Kinds that do nothing themselves: their parts do."""


def is_dry(walk: "Walk") -> bool:
    """Whether a walk is a dry run."""
    return walk.mode is Mode.DRY


def required(walk: "Walk", step: Step) -> Confirm | None:
    """What must be confirmed before a step starts; in a dry run nothing, as nothing is done."""
    return None if is_dry(walk) else requirement(step, walk.runbook)


def is_shown(walk: "Walk", step: Step) -> bool:
    """Whether a step of a dry run would change something itself: it is shown, and not performed."""
    return is_dry(walk) and step.effect.changes and not _of_parts(step)


def _of_parts(step: Step) -> bool:
    return step.for_each is not None or step.kind in _PARTS


def fidelity(walk: "Walk", visit: Visit) -> Fidelity | None:
    """What the outcome of something that was performed is worth; None outside a dry run."""
    if not is_dry(walk):
        return None
    if visit.step.kind == "wait" and visit.every is None and visit.attempt > 0:
        return Fidelity.ASSUMED  # nobody waits for what is not done
    if walk.shown and visit.step.for_each is not None and visit.attempt > 0 and not visit.elements:
        return Fidelity.ASSUMED  # nobody knows the list
    return Fidelity.UNVERIFIABLE if _says_nothing(walk, visit) else Fidelity.RAN


def fidelity_inside(walk: "Walk") -> Fidelity | None:
    """The same of a look inside a step."""
    if not is_dry(walk):
        return None
    return Fidelity.UNVERIFIABLE if walk.shown else Fidelity.RAN


def _says_nothing(walk: "Walk", visit: Visit) -> bool:
    """Whether a machine looks at a world that is not as it would be."""
    traits = walk.registry[visit.step.kind].TRAITS
    asks = walk.registry[visit.step.kind].asks(visit.step.fields)
    return walk.shown and visit.attempt > 0 and not (asks or traits.ends or _of_parts(visit.step))


def look(walk: "Walk", visit: Visit, event: e.StepFinished) -> None:
    """See to it that an outcome has the label that it deserves.

    :raises IllegalEvent: if not.
    """
    told = event.fidelity
    if not is_dry(walk):
        if told is not None:
            raise IllegalEvent("dry run", f"`{event.step}` is {told}, and the run is {walk.mode.value}")
        return
    own = event.step == visit.step.id
    legal: set[Fidelity | None]
    if own and is_shown(walk, visit.step) and visit.attempt > 0:
        legal = {Fidelity.SHOWN, Fidelity.ASSUMED} if walk.shown else {Fidelity.SHOWN}
    else:
        legal = {fidelity(walk, visit) if own else fidelity_inside(walk)}
        legal |= {Fidelity.ASSUMED} if walk.shown else set()
    if told not in {label.value for label in legal if label is not None}:
        raise IllegalEvent("dry run", f"`{event.step}` is {told or 'without a label'}, which it cannot be here")
    if event.changed != "no":
        raise IllegalEvent("dry run", f"`{event.step}` is said to have changed something, and a dry run does not")
    taken = told in {Fidelity.UNVERIFIABLE.value, Fidelity.ASSUMED.value}
    if taken and event.outcome != Outcome.PASSED.value:
        raise IllegalEvent("dry run", f"`{event.step}` is {told}, and finishes `{event.outcome}`")


def needs_no_observation(event: e.StepFinished) -> bool:
    """Whether an outcome may stand without anything having been observed or answered."""
    return event.fidelity is not None and event.fidelity != Fidelity.RAN.value


def would_change(event: e.StepFinished) -> str:
    """What an attempt has changed, or in a dry run would have: for what would be taken back."""
    shown = event.fidelity == Fidelity.SHOWN.value and event.outcome == Outcome.PASSED.value
    return "yes" if shown else event.changed


def finished(walk: "Walk", event: e.StepFinished) -> None:
    """Count an outcome by its label, and remember that something was shown."""
    if event.fidelity is None:
        return
    walk.fidelities[event.fidelity] += 1
    walk.shown = walk.shown or event.fidelity in {Fidelity.SHOWN.value, Fidelity.ASSUMED.value}

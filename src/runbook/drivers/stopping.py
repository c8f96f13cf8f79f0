"""What becomes of a run that stops now, in sentences: the same on a terminal, at a pause, and in its status."""

from collections.abc import Iterable, Iterator

from runbook.audit.escapes import inert
from runbook.drivers.telling import announced
from runbook.model.address import of_each, owner_of
from runbook.model.canonical import Json, canonical
from runbook.model.runbook import Effect, Mode, Step
from runbook.walk import including
from runbook.walk.outlook import Outlook
from runbook.walk.results import Change
from runbook.walk.walk import Walk

FEW = 6
"""So many addresses are listed; of more, the first and the last."""
_LONGEST_WAY = 300
"""Characters of what takes a change back that stand in a line."""


def shortly(addresses: Iterable[str]) -> str:
    """Addresses in a line; of many the first ones, how many there are, and the last."""
    names = list(addresses)
    if len(names) <= FEW:
        return ", ".join(names)
    return f"{', '.join(names[: FEW - 2])}, {len(names) - FEW + 1} more, {names[-1]}"


def sentences(walk: Walk, outlook: Outlook) -> Iterator[tuple[str, str]]:
    """What would become of a run if it stopped now: a label and a sentence for each thing that is to be said."""
    if walk.mode is Mode.DRY:
        return  # nothing would: nothing was done
    if outlook.open:
        yield "under way", f"{shortly(outlook.open)}: begun, and nobody has seen how it ended"
    if outlook.undoable:
        unknown = [change.step for change in outlook.undoable if change.changed != "yes"]
        asks = f"; nobody knows whether {shortly(unknown)} changed anything" if unknown else ""
        names = shortly(change.step for change in outlook.undoable)
        yield "can be undone", f"{names} (newest first){asks}"
    if outlook.lasting:
        yield "stays changed", "; ".join(dict.fromkeys(why_lasting(walk, change) for change in outlook.lasting))
    if outlook.passed is not None:
        step = _step_at(walk, outlook.passed)
        yield _no_way_back(step), f"{outlook.passed}, which is done"  # why is said of what stays changed
    elif outlook.ahead is not None:
        near = including.chain(walk)[-1]
        here = near.visit is not None and near.prefix + near.visit.step.id == outlook.ahead
        step = _step_at(walk, outlook.ahead)
        yield _no_way_back(step), f"{'this step' if here else 'ahead'}: {outlook.ahead}{_because(step)}"


def left_changed(walk: Walk) -> Iterator[tuple[str, str]]:
    """What a run that did not end well has left changed, newest first, and what takes each back or why nothing does.

    A label and a sentence each; of several the first has the label.
    """
    changes = walk.changes[::-1]
    for place, change in enumerate(changes[:FEW]):
        yield "" if place else "left changed", inert(f"{change.step}{_unsure(change)}: {_way_back(walk, change)}")
    if changes:
        left = f"{len(changes) - FEW} more; " if len(changes) > FEW else ""
        yield "", f"{left}the report has each change and its way back in full"


def _way_back(walk: Walk, change: Change) -> str:
    """What takes a change back, for a person to do by hand, in a line."""
    undo = announced(canonical(change.undo)) if change.undo else None
    if undo is None:
        return f"nothing takes it back{_because(walk.owner(change.step))}"
    line = " ".join(f"{undo.preview.line} {undo.preview.detail}".split())
    return f"taken back by: {line if len(line) <= _LONGEST_WAY else line[: _LONGEST_WAY - 1] + '…'}"


def why_lasting(walk: Walk, change: Change) -> str:
    """A change that cannot be taken back, and why as far as the file says it."""
    return f"{of_each(owner_of(change.step))}{_unsure(change)}{_because(walk.owner(change.step))}"


def _unsure(change: Change) -> str:
    return " (nobody knows whether it happened)" if change.changed != "yes" else ""


def _because(step: Step) -> str:
    return f": {' '.join(step.because.split())}" if step.because else ""


def _no_way_back(step: Step) -> str:
    """What a step without a way back is called; one that is not irreversible may take nothing away."""
    return "no return" if step.effect is Effect.IRREVERSIBLE else "no undo"


def _step_at(walk: Walk, address: str) -> Step:
    """The step of an address, also of a runbook inside, which nobody may have entered yet."""
    *outer, last = address.split("/")
    book = walk.runbook
    for name in outer:
        book = book.included[of_each(name)]
    return next(step for step in book.steps if step.id == of_each(last))


def as_json(outlook: Outlook) -> dict[str, Json]:
    """What would become of a run, as data."""
    point = outlook.passed or outlook.ahead
    return {
        "can_be_undone": [_change(change) for change in outlook.undoable],
        "stays_changed": [_change(change) for change in outlook.lasting],
        "under_way": list(outlook.open),
        "point_of_no_return": {"step": point, "passed": outlook.passed is not None} if point else None,
    }


def _change(change: Change) -> Json:
    return {"step": change.step, "visit": change.visit, "changed": change.changed}

"""What becomes of a run that stops now, in sentences: the same on a terminal, at a pause, and in its status."""

from collections.abc import Iterable, Iterator

from runbook.model.address import of_each, owner_of
from runbook.model.canonical import Json
from runbook.model.runbook import Mode
from runbook.walk import including
from runbook.walk.outlook import Outlook
from runbook.walk.results import Change
from runbook.walk.walk import Walk

FEW = 6
"""So many addresses are listed; of more, the first and the last."""


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
        yield "no return", f"passed with {outlook.passed}"
    elif outlook.ahead is not None:
        near = including.chain(walk)[-1]
        here = near.visit is not None and near.prefix + near.visit.step.id == outlook.ahead
        yield "no return", f"{'this step' if here else 'ahead'}: {outlook.ahead}"


def left_changed(walk: Walk) -> Iterator[tuple[str, str]]:
    """What a run that did not end well has left changed: a label and a sentence; nothing where nothing is."""
    names = [change.step for change in reversed(walk.changes)]
    if names:
        yield "left changed", f"{shortly(names)} (newest first); the report says how each is taken back, or why not"


def why_lasting(walk: Walk, change: Change) -> str:
    """A change that cannot be taken back, and why as far as the file says it."""
    step = walk.owner(change.step)
    unknown = " (nobody knows whether it happened)" if change.changed != "yes" else ""
    because = f": {' '.join(step.because.split())}" if step.because else ""
    return f"{of_each(owner_of(change.step))}{unknown}{because}"


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

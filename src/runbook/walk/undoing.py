"""Taking back what a run has changed: which changes, in which order, and what an undo's visit does to the walk.

The undo of a change is a step of its own, ``ID.undo``: it is confirmed, announced, and settled like any other, and the
visit that the walk was in waits meanwhile. What it does was fixed when the change was announced.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runbook.model.address import first_of, with_visit
from runbook.model.canonical import Json
from runbook.model.runbook import Effect, Nested, Step
from runbook.walk import rehearsing
from runbook.walk.actions import Enter
from runbook.walk.events import StepEntered
from runbook.walk.results import Change, Visit
from runbook.walk.tables import Phase

if TYPE_CHECKING:
    from runbook.walk.walk import Walk


@dataclass(slots=True, kw_only=True)
class Undoing:
    """What is being taken back: ``todo`` with the newest first, and the visit that waits meanwhile."""

    todo: list[Change]
    waiting: Visit


def reversible(walk: "Walk", change: Change) -> bool:
    """Whether the file says how a change is taken back."""
    return change.undo is not None and walk.owner(change.step).undo is not None


def leaves_something(walk: "Walk", change: Change) -> bool:
    """Whether a change counts as left as long as it is not taken back: not where the file says that nothing is."""
    return reversible(walk, change) or walk.owner(change.step).effect is Effect.IRREVERSIBLE


def changes_of(walk: "Walk", since: str | None = None, of: Sequence[str] | None = None) -> list[Change]:
    """The changes of a run that stand, newest first.

    :param since: only those of that step and what was changed after its first change that stands.
    :param of: only those of these steps.
    """
    found = list(walk.changes)
    if since is not None:
        first = next((place for place, change in enumerate(found) if first_of(change.step) == since), len(found))
        found = found[first:]
    if of is not None:
        found = [change for change in found if first_of(change.step) in of]
    return found[::-1]


def is_undone(walk: "Walk", step: str) -> bool:
    """Whether something that a step has changed was taken back by an undo, and nothing of it stands any more."""
    return step in walk.taken_back and all(first_of(change.step) != step for change in walk.changes)


def wanted_by(walk: "Walk", visit: Visit) -> list[Change]:
    """The changes that a step of kind ``undo`` is about, newest first."""
    since, of = visit.step.fields.get("since"), visit.step.fields.get("of")
    return changes_of(
        walk,
        since if isinstance(since, str) else None,
        [str(name) for name in of] if isinstance(of, list) else None,
    )


def begin(walk: "Walk", visit: Visit, changes: Sequence[Change]) -> None:
    """From now on these changes are taken back."""
    visit.taken = list(changes)
    todo = [change for change in changes if reversible(walk, change)]
    walk.undoing = Undoing(todo=todo, waiting=visit) if todo else None


def next_entry(walk: "Walk", undoing: Undoing) -> Enter | None:
    """The undo that may be entered now, if any."""
    visit = walk.visit
    if visit is not None and visit.undoes is not None:
        if walk.intent is None or walk.intent.do != "retry":
            return None
        return Enter(visit.step.id, walk.visits[visit.step.id] + 1, "retry", visit.step.id)
    change = undoing.todo[0]
    address = f"{change.step}.undo"
    return Enter(address, walk.visits.get(address, 0) + 1, "undo", with_visit(change.step, change.visit))


def entered(walk: "Walk", undoing: Undoing, event: StepEntered) -> Visit:
    """The visit of the undo that was entered. One that may have nothing to take back begins with a question."""
    change = undoing.todo[0]
    owner = walk.owner(change.step)
    if owner.undo is None:  # pragma: no cover - only what can be taken back is in the list
        raise AssertionError(change.step)
    step = step_of(owner, owner.undo, event.step)
    visit = Visit(
        step=step, number=event.visit, entered=event.ts, required=rehearsing.required(walk, step), undoes=change
    )
    if change.changed != "yes" and event.via == "undo":
        visit.phase = Phase.REFUSED
        visit.refused_by = "undo"
        visit.because = f"nobody knows whether `{change.step}` changed anything; it can be taken back all the same"
    return visit


def step_of(owner: Step, undo: Nested, address: str) -> Step:
    """The step that a nested undo comes to."""
    return Step(
        id=address,
        kind=undo.kind,
        title=undo.title or f"Take back: {owner.title}",
        span=undo.span,
        effect=Effect.CHANGE,
        fields=undo.fields,
        section=owner.section,
        confirm=undo.confirm,
        expect=undo.expect,
        save=undo.save,
        timeout=undo.timeout,
        retry=undo.retry,
        no_undo=True,
        probe=undo.probe,
    )


def ended(walk: "Walk", visit: Visit) -> None:
    """An undo is over: what it took back is changed no more, and the next one is due, or the visit that waits."""
    undoing = walk.undoing
    change = visit.undoes
    if undoing is None or change is None:  # pragma: no cover - an undo is visited while something is taken back
        raise AssertionError(visit.step.id)
    undoing.todo.remove(change)
    if walk.results[visit.step.id].outcome.value == "passed":
        walk.changes.remove(change)
        walk.taken_back.add(first_of(change.step))
        undoing.waiting.undone.append(change.step)
    walk.visit = undoing.waiting
    if not undoing.todo:
        walk.undoing = None


def observation(walk: "Walk", visit: Visit) -> dict[str, Json]:
    """What a step of kind ``undo`` has come to."""
    stand = [change for change in visit.taken if change in walk.changes]
    left: list[Json] = [change.step for change in stand if leaves_something(walk, change)]
    return {"undone": list(visit.undone), "left": left}

"""What would become of a run if it stopped now: what could be taken back, what could not, and where there is no return.

The point of no return is the first step after which not everything can be taken back any more: an irreversible one, or
one of which the file says that it has no undo.
"""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runbook.model.address import of_each, owner_of
from runbook.model.runbook import Effect, Finish, Mode, Runbook, Step
from runbook.walk import undoing
from runbook.walk.results import Change, Visit
from runbook.walk.tables import Phase

if TYPE_CHECKING:
    from runbook.walk.walk import Walk

_BEFORE = frozenset(
    {Phase.ENTERED, Phase.REFUSED, Phase.CONFIRMING, Phase.APPROVING, Phase.CONFIRMED, Phase.REPEATING, Phase.RETRYING}
)
"""The phases in which a step may still start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What would become of a run if it stopped now.

    ``undoable`` are the changes that can be taken back and ``lasting`` those that cannot, both newest first. ``open``
    are the addresses of changes that have begun and whose result nobody has seen. ``passed`` is the point of no return
    where it is behind, ``ahead`` the nearest on the way that is left; None where there is none.
    """

    undoable: tuple[Change, ...]
    lasting: tuple[Change, ...]
    open: tuple[str, ...]
    passed: str | None
    ahead: str | None


def outlook(walk: "Walk") -> Outlook:
    """What would become of a run if it stopped now."""
    changes = undoing.changes_of(walk)
    lasting = tuple(change for change in changes if not undoing.reversible(walk, change))
    behind = (change.step for change in reversed(lasting) if no_return(walk.owner(change.step)))
    return Outlook(
        undoable=tuple(change for change in changes if undoing.reversible(walk, change)),
        lasting=lasting,
        open=tuple(_open(walk)),
        passed=next((of_each(owner_of(address)) for address in behind), None),
        ahead=_ahead(walk),
    )


def ends_badly_with_changes(walk: "Walk", step: Step) -> bool:
    """Whether a step would end a run otherwise than well while something is changed that could still be taken back."""
    if walk.prefix or walk.mode is Mode.DRY or not walk.registry[step.kind].TRAITS.ends:
        return False
    return not Finish(str(step.fields["outcome"])).good and bool(outlook(walk).undoable)


def no_return(step: Step) -> bool:
    """Whether a step does what the file says cannot be taken back."""
    return step.effect is Effect.IRREVERSIBLE or (step.effect.changes and step.undo is None and step.no_undo)


def _open(walk: "Walk") -> list[str]:
    """The changes that have begun and whose result nobody has seen yet."""
    visit = walk.visit
    if visit is None:
        return []
    inner = walk.inner()
    if inner is not None:
        within = inner.prefix.removeprefix(walk.prefix)
        return [within + address for address in _open(inner)]
    known = {(change.step, change.visit) for change in walk.changes}
    visits = list(visit.elements.values()) if visit.step.for_each is not None else [visit]
    return [each.step.id for each in visits if _is_open(each) and (each.step.id, each.number) not in known]


def _is_open(visit: Visit) -> bool:
    begun = visit.phase in {Phase.RUNNING, Phase.WAITING}
    return visit.step.effect.changes and visit.step.kind != "undo" and begun


def _ahead(walk: "Walk") -> str | None:
    """The nearest step with no return on the edges that lead on from here; this one, if it may still start."""
    visit, inner = walk.visit, walk.inner()
    if walk.phase.value == "over":
        return None
    if inner is not None and (ahead := _ahead(inner)) is not None:
        return f"{inner.prefix.removeprefix(walk.prefix)}{ahead}"
    if visit is None:
        todo = deque([walk.runbook.steps[0].id])
    else:
        here = walk.owner(visit.step.id)
        if visit.undoes is None and visit.phase in _BEFORE and (found := _within(walk.runbook, here)) is not None:
            return found
        todo = deque(edge.target for edge in walk.edges if edge.source == here.id)
    seen: set[str] = set()
    while todo:
        step = todo.popleft()
        if step in seen:
            continue
        seen.add(step)
        if (found := _within(walk.runbook, walk.steps[step])) is not None:
            return found
        todo.extend(edge.target for edge in walk.edges if edge.source == step)
    return None


def _within(runbook: Runbook, step: Step) -> str | None:
    """The address of a step with no return: this one, or the first in the file of the runbook that it walks."""
    if no_return(step):
        return step.id
    inner = runbook.included.get(step.id)
    found = (_within(inner, other) for other in inner.steps) if inner is not None else ()
    return next((f"{step.id}/{address}" for address in found if address is not None), None)

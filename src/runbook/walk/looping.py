"""A step that is repeated for each element of a list: every element has a visit of its own, inside the step's.

What each of them does is announced once with the whole list, and confirmed once (``each: true``: one by one). From
then on an element goes its own way through the same phases as a step, up to ``at_once`` of them side by side, until
more have failed, or are unknown, than ``max_failures`` allows.
"""

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.repeated import elements
from runbook.model.runbook import Outcome, Step
from runbook.walk import events as e
from runbook.walk import rehearsing
from runbook.walk.actions import Action, AskOperator, Decide, Perform
from runbook.walk.results import Visit
from runbook.walk.rules import IllegalEvent, parsed
from runbook.walk.tables import Phase

if TYPE_CHECKING:
    from runbook.walk.walk import Walk

NOT_RUN = "not_run"


def actions_of(what: str) -> tuple[list[Json], list[str]]:
    """The elements in the action of a loop, and the action of each.

    :raises IllegalEvent: if it is none.
    """
    action = parsed(what, "action") or {}
    each = elements(action)
    if each is None:
        raise IllegalEvent("action", "the action of a loop holds no list, or an element of it has no item")
    items = [element.pop("item") for element in each]
    return items, [canonical(element) for element in each]


def begin(walk: "Walk", visit: Visit, what: str) -> None:
    """The loop has started: its elements are known."""
    step = visit.step
    visit.items, visit.actions = actions_of(what)
    each = step.confirm is not None and step.confirm.each
    for place in range(len(visit.items)):
        part = element_of(step, place)
        visit.elements[part.id] = Visit(
            step=part,
            number=visit.number,
            entered=visit.entered,
            required=rehearsing.required(walk, part) if each else None,
        )


def element_of(step: Step, place: int) -> Step:
    """The step that an element of a loop comes to; its guards and needs are the loop's."""
    confirm = replace(step.confirm, approvals=None) if step.confirm else None
    return replace(step, id=f"{step.id}[{place}]", for_each=None, when=None, guards=(), needs=(), confirm=confirm)


def place_of(address: str) -> int:
    """The place of an element in its loop, by its address: 2 for ``restart[2]``."""
    return int(address.rpartition("[")[2].rstrip("]"))


def own_of(walk: "Walk", visit: Visit) -> JsonObject:
    """What a visit has at the root of its scope: the ``item``, in an element of a loop."""
    loop = walk.visit
    if loop is None or visit.step.id not in loop.elements:
        return {}
    return {"item": loop.items[place_of(visit.step.id)]}


def counts(walk: "Walk", visit: Visit) -> Counter[str]:
    """How many elements have passed, failed, are unknown, or have not run."""
    return Counter(outcome_of(walk, visit, address) for address in visit.elements)


def outcome_of(walk: "Walk", visit: Visit, address: str) -> str:
    """How an element ended: an outcome, or ``not_run``."""
    element = visit.elements[address]
    if element.phase is not Phase.DONE:
        return NOT_RUN
    return walk.results[address].outcome.value


def _borne(walk: "Walk", visit: Visit) -> bool:
    """Whether no more elements have failed, or are unknown, than the file bears."""
    found = counts(walk, visit)
    unknown = sum(1 for element in visit.elements.values() if element.phase is Phase.UNKNOWN)
    for_each = visit.step.for_each
    return for_each is not None and found["failed"] + found["unknown"] + unknown <= for_each.max_failures


def pending(walk: "Walk", visit: Visit) -> tuple[Action, ...]:
    """What is to be done for the elements now; the loop is concluded when nothing is left of them."""
    for_each = visit.step.for_each
    if for_each is None:  # pragma: no cover - only a loop has elements
        raise AssertionError(visit.step.id)
    begun = [el for el in visit.elements.values() if el.phase not in {Phase.ENTERED, Phase.DONE}]
    waiting = [el for el in visit.elements.values() if el.phase is Phase.ENTERED]
    actions = [action for element in begun for action in walk.actions_of(element)]
    # What a runbook inside asks comes first: the next element does not begin while this one stands still.
    busy = [action for action in actions if not isinstance(action, AskOperator) or "/" in action.step]
    refused = any(element.phase is Phase.REFUSED for element in begun)
    if _borne(walk, visit) and walk.intent is None and not refused:
        # Where each is confirmed, nothing runs behind the back of whoever reads.
        at_once = 1 if visit.step.confirm is not None and visit.step.confirm.each else for_each.at_once
        busy += [Decide(el.step.id, el.number) for el in waiting[: max(0, at_once - len(busy))]]
    if busy:
        return tuple(busy)
    if actions:
        return (actions[0],)
    return (Perform(visit.step.id, visit.number, visit.attempt),)


def started(visit: Visit, event: e.StepStarted) -> None:
    """See to it that an element starts what was announced with the loop, and no runbook before another one is over.

    :raises IllegalEvent: if not.
    """
    inside = next((el for el in visit.elements.values() if el.inner is not None and el.phase is Phase.RUNNING), None)
    if inside is not None:
        raise IllegalEvent("order", f"`{event.step}` starts while `{inside.step.id}` is not over")
    if visit.actions[place_of(event.step)] != event.what:
        raise IllegalEvent("action", f"`{event.step}` starts something else than was announced for it")


def finished(walk: "Walk", visit: Visit, outcome: str) -> None:
    """See to it that a loop ends as its elements did.

    :raises IllegalEvent: if not.
    """
    if any(element.phase not in {Phase.ENTERED, Phase.DONE} for element in visit.elements.values()):
        raise IllegalEvent("order", f"`{visit.step.id}` finishes while one of its elements is not over")
    if outcome != (due := outcome_due(walk, visit)):
        raise IllegalEvent("outcome", f"`{visit.step.id}` finishes `{outcome}`, and its elements say `{due}`")


def outcome_due(walk: "Walk", visit: Visit) -> str:
    """The outcome of a loop: unknown as soon as too many elements did not pass and one of them is unknown."""
    found = counts(walk, visit)
    if _borne(walk, visit) and not found[NOT_RUN]:
        return Outcome.PASSED.value
    return Outcome.UNKNOWN.value if found["unknown"] else Outcome.FAILED.value


def reason(walk: "Walk", visit: Visit) -> str:
    """How many elements ended how, where not all of them have passed."""
    found = counts(walk, visit)
    said = [f"{number} {outcome.replace('_', ' ')}" for outcome, number in sorted(found.items())]
    return "" if set(found) <= {"passed"} else ", ".join(said)


def left(visit: Visit) -> list[str]:
    """The elements that are not over, by their addresses."""
    return [address for address, element in visit.elements.items() if element.phase is not Phase.DONE]


def changed(visit: Visit) -> str:
    """What a loop changed: the gravest of what its elements did."""
    told = [what for element in visit.elements.values() for what in element.changed.values()]
    return max(told, key=("no", "maybe", "yes").index, default="no")


def observation(walk: "Walk", visit: Visit) -> JsonObject:
    """What a loop observes: each element with its outcome and what it observed, and how many ended how."""
    items: list[Json] = []
    for item, address in zip(visit.items, visit.elements, strict=True):
        result = walk.results.get(address) if visit.elements[address].phase is Phase.DONE else None
        items.append(
            {
                "item": item,
                "outcome": outcome_of(walk, visit, address),
                "observation": (result.observation if result else None) or {},
            }
        )
    found = counts(walk, visit)
    return {"items": items, "passed": found["passed"], "failed": found["failed"], "unknown": found["unknown"]}

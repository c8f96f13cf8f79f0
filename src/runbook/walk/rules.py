"""The rules that are about more than one phase: confirmations, needs, gates, and what a jump may not pass.

Pure functions over a runbook and what a walk remembers.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.durations import spoken
from runbook.model.graph import Edge
from runbook.model.kind import Registry
from runbook.model.runbook import Confirm, Effect, Outcome, Runbook, Step
from runbook.walk.results import Result


class IllegalEvent(Exception):  # noqa: N818 - named for what it is about
    """An event that may not happen now. Nothing has changed by it. ``rule`` names the rule in one word."""

    def __init__(self, rule: str, message: str) -> None:
        """Carry the rule and one line that says what was wrong."""
        super().__init__(message)
        self.rule = rule
        self.message = message


def requirement(step: Step, runbook: Runbook) -> Confirm | None:
    """What must be confirmed before a step starts; None when nothing must be.

    A change is asked about even when the file is silent; an irreversible one by a typed phrase and with a reason,
    which no key weakens. A gate's own question is its confirmation; of a loop with ``each`` the elements are confirmed.
    """
    if step.kind == "gate" or (step.for_each is not None and step.confirm is not None and step.confirm.each):
        return None
    asked = step.confirm
    match step.effect:
        case Effect.NONE:
            return asked
        case Effect.CHANGE:
            return asked or Confirm()
        case Effect.IRREVERSIBLE:
            default = "${{ environment.name }}" if runbook.environments else step.id
            asked = asked or Confirm()
            return replace(asked, phrase=asked.phrase or default, reason=True)


def is_gate(step: Step, registry: Registry) -> bool:
    """Whether a step must be passed and cannot be skipped."""
    return registry[step.kind].TRAITS.gate or (step.confirm is not None and step.confirm.approvals is not None)


def unmet_needs(step: Step, results: Mapping[str, Result], mono: int) -> Iterator[str]:
    """A sentence for each need of a step that is not met at this time of the walk's clock."""
    for need in step.needs:
        result = results.get(need.step)
        if result is None:
            yield f"`{need.step}` has not run"
        elif result.outcome is Outcome.SKIPPED and not result.by_hand:
            continue
        elif result.outcome is not Outcome.PASSED:
            verb = "has" if result.outcome is Outcome.FAILED else "was"
            yield f"`{need.step}` {verb} {result.outcome.value}"
        elif need.within is not None and mono - result.mono > need.within:
            yield f"`{need.step}` passed {spoken(mono - result.mono)} ago, at most {spoken(need.within)} are allowed"


def gates_before(step: Step, runbook: Runbook, edges: Sequence[Edge], registry: Registry) -> Iterator[str]:
    """The gates that stand on every path of the file to a step."""
    start = runbook.steps[0].id
    if step.id == start:
        return
    targets: dict[str, list[str]] = {}
    for edge in edges:
        targets.setdefault(edge.source, []).append(edge.target)
    for gate in runbook.steps:
        if gate.id == step.id or not is_gate(gate, registry):
            continue
        seen, todo = {gate.id, start}, [start] if start != gate.id else []
        while todo:
            for target in targets.get(todo.pop(), ()):
                if target not in seen:
                    seen.add(target)
                    todo.append(target)
        if step.id not in seen:
            yield gate.id


def unpassed_gates(gates: Iterator[str], results: Mapping[str, Result]) -> Iterator[str]:
    """A sentence for each of these gates that this run has not passed."""
    for gate in gates:
        result = results.get(gate)
        passed = result is not None and (
            result.outcome is Outcome.PASSED or (result.outcome is Outcome.SKIPPED and not result.by_hand)
        )
        if not passed:
            yield f"the gate `{gate}` stands on every path to it and was not passed"


def parsed(text: str | None, rule: str) -> JsonObject | None:
    """The JSON object in a text of an event, to be read only; None where there is no text.

    :param rule: what it is, in a word.

    :raises IllegalEvent: if it holds something else, or holds it in another way than the one canonical one.
    """
    if text is None:
        return None
    value = _object(text)
    if value is None:
        raise IllegalEvent(rule, f"the {rule} in a record is no JSON object in its canonical form")
    return value


_read: Callable[[str], tuple[Json, int]] = json.JSONDecoder().raw_decode


@lru_cache(maxsize=4)
def _object(text: str) -> JsonObject | None:
    """The object in a text, which whoever judges an event and the walk that is told it both look at."""
    try:
        value, _ = _read(text)  # what follows the object, if anything, makes the comparison fail
        return value if isinstance(value, dict) and canonical(value) == text else None
    except (ValueError, RecursionError):
        return None

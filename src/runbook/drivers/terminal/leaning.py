"""Which steps lean on another one: those that need it to have passed, and those that read what it observed."""

import dataclasses
import re
from collections.abc import Iterator, Mapping

from runbook.language.scope import always
from runbook.model.runbook import Step
from runbook.walk.walk import Walk


def leaning_on(walk: Walk, step: Step) -> Iterator[str]:
    """A sentence for each step that can still come and that misses something if this one is skipped."""
    mention = re.compile(rf"\bsteps\.{re.escape(step.id)}\.([A-Za-z_]\w*)")
    known = always(walk.registry[step.kind].observes(step.fields)).keys()
    for other in _reachable(walk, step):
        if any(need.step == step.id for need in other.needs):
            yield f"`{other.id}` needs it to have passed"
        found = {name for text in _texts(other) for name in mention.findall(text)} - known
        if found:
            yield f"`{other.id}` reads its {', '.join(sorted(found))}"


def _reachable(walk: Walk, step: Step) -> Iterator[Step]:
    """The other steps to which the file's edges lead from this one, in file order."""
    seen, todo = {step.id}, [step.id]
    while todo:
        source = todo.pop()
        for edge in walk.edges:
            if edge.source == source and edge.target not in seen:
                seen.add(edge.target)
                todo.append(edge.target)
    return (other for other in walk.runbook.steps if other.id in seen and other.id != step.id)


def _texts(value: object) -> Iterator[str]:
    """Every text in a step, whatever it is in."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for inner in value.values() for text in _texts(inner))
    elif isinstance(value, list | tuple):
        yield from (text for inner in value for text in _texts(inner))
    elif dataclasses.is_dataclass(value):
        yield from (text for field in dataclasses.fields(value) for text in _texts(getattr(value, field.name)))

"""Goes through every step of a file as it was written, the steps inside steps included."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from runbook.language import places
from runbook.language.places import Path
from runbook.language.typed import elements, mapping, text
from runbook.model.canonical import Json
from runbook.model.kind import KindClass, Registry


class Written(NamedTuple):
    """A step as it was written: ``place`` is ``step``, ``undo``, ``probe``, or the field of its kind it stands in."""

    path: Path
    raw: Mapping[str, Json]
    kind: KindClass
    place: str


def every_step(data: Json, registry: Registry) -> Iterator[Written]:
    """Every step whose kind is known, in file order but for the steps inside one, which follow it."""
    for index, raw in enumerate(elements(mapping(data).get("steps"))):
        yield from _step(raw, ("steps", index), "step", registry)


def _step(raw: Json, path: Path, place: str, registry: Registry) -> Iterator[Written]:
    """A step, and the steps inside it."""
    kind = registry.get(text(mapping(raw).get("kind")))
    if not isinstance(raw, dict) or kind is None:
        return
    yield Written(path=path, raw=raw, kind=kind, place=place)
    for key in ("undo", "probe"):
        yield from _step(raw.get(key), (*path, key), key, registry)
    for inside in kind.TRAITS.nested:
        for inner, value in places.found(inside, raw):
            yield from _step(value, (*path, *inner), places.root_of(inside), registry)

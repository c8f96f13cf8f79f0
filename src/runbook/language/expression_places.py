"""Finds every expression of a runbook, with what its place wants of it and what it may mention.

Nothing is judged here but what is no expression at all: a ``${{`` that is never closed, or in the key of a mapping.
"""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from runbook.language import places
from runbook.language.places import Path
from runbook.language.scope import ITEM, seen_by
from runbook.language.templates import OPEN, Unclosed, split, whole
from runbook.language.typed import mapping
from runbook.language.wanted import TEXT, inside, wanted
from runbook.model.canonical import Json, JsonObject
from runbook.model.evaluator import NO_TYPES
from runbook.model.kind import Observed, Registry
from runbook.model.runbook import Nested, Runbook, Step

_NO_FIELDS: Mapping[str, Observed] = MappingProxyType({})


class Around(NamedTuple):
    """Where expressions stand.

    ``step`` is None for those that are settled before the first step. ``own`` are the types of further names at the
    root, ``seen`` says of those which are fields when they are there. ``judges`` says that the observation is being
    judged, so that a field may be missing. ``secrets`` says that a secret may stand here.
    """

    step: Step | None = None
    own: Mapping[str, str] = NO_TYPES
    seen: Mapping[str, Observed] = _NO_FIELDS
    judges: bool = False
    secrets: bool = False


class Place(NamedTuple):
    """One expression: ``offset`` is where it begins in the text that stands at ``path`` in the file.

    ``whole`` says that it is all of that text, ``template`` that it stands in a ``${{ }}`` there.
    """

    path: Path
    text: str
    offset: int
    source: str
    want: str
    around: Around
    whole: bool = True
    template: bool = False


class Broken(NamedTuple):
    """A text whose ``${{`` is never closed, at an offset of it; or, without one, a key that holds an expression."""

    path: Path
    text: str
    offset: int | None


class _Field(NamedTuple):
    """A value in a field: where it is, from which part on that is in the fields, and which pieces are no templates."""

    path: Path
    begin: int
    apart: Collection[Path]
    around: Around


_GUARD: JsonObject = {"type": "object", "additionalProperties": {"type": "string"}}


class ExpressionPlaces:
    """All expressions of one runbook.

    :param data: the file's data, which says whether a field stands in its step or in the file's ``defaults``.
    """

    def __init__(self, runbook: Runbook, data: Json, registry: Registry) -> None:
        self.runbook = runbook
        self.registry = registry
        steps = mapping(data).get("steps")
        self._raw = steps if isinstance(steps, list) else []

    def settled(self) -> Iterator[tuple[Path, str]]:
        """The texts in which an expression would never be evaluated, though one stands there."""
        values: list[tuple[Path, object]] = [
            *((("environments", name), keys) for name, keys in self.runbook.environments.items()),
            *((("inputs", name, "default"), wanted.default) for name, wanted in self.runbook.inputs.items()),
            *((("secrets", name, source.kind), source.value) for name, source in self.runbook.secrets.items()),
            *((("reminders", index, "say"), reminder.say) for index, reminder in enumerate(self.runbook.reminders)),
            *((("steps", number, "because"), step.because) for number, step in enumerate(self.runbook.steps)),
        ]
        while values:
            path, value = values.pop()
            match value:
                case str() if OPEN in value:
                    yield path, value
                case Mapping():
                    values += [((*path, key), item) for key, item in value.items()]
                case list() | tuple():
                    values += [((*path, index), item) for index, item in enumerate(value)]
                case _:
                    pass

    def find(self) -> Iterator[Place | Broken]:
        """Every expression, step by step."""
        if self.runbook.lock is not None:
            yield from self._template(("lock",), self.runbook.lock, TEXT, Around())
        for number, step in enumerate(self.runbook.steps):
            raw = mapping(self._raw[number]) if number < len(self._raw) else {}
            yield from self._step(step, ("steps", number), raw)

    def _step(self, step: Step, path: Path, raw: Mapping[str, Json]) -> Iterator[Place | Broken]:
        item = NO_TYPES if step.for_each is None else {ITEM: "dyn"}
        around = Around(step=step, own=item)
        outside = around if not item else Around(step=step)
        if step.when is not None:
            yield _whole((*path, "when"), step.when, "bool", outside)
        for key, text in (("title", step.title), ("description", step.description)):
            if OPEN in text:
                yield from self._template((*path, key), text, TEXT, around)
        if step.confirm is not None and step.confirm.phrase is not None and "confirm" in raw:
            yield from self._template((*path, "confirm", "phrase"), step.confirm.phrase, TEXT, around)
        for index, guard in enumerate(step.guards):
            if guard.when is not None:
                yield _whole((*path, "guards", index, "when"), guard.when, "bool", around)
            yield from self._values(_Field((*path, "guards", index), 0, frozenset(), around), guard.rule, _GUARD)
        if step.for_each is not None:
            yield _whole((*path, "for_each", "in"), step.for_each.source, "list", outside)
        yield from self._judging(step, path, around)
        yield from self._fields(step, path, raw, around)
        for key, nested in (("undo", step.undo), ("probe", step.probe)):
            if nested is not None:
                yield from self._nested(nested, (*path, key), mapping(raw.get(key)), around)
        for place in self.registry[step.kind].TRAITS.nested:
            for inner, value in places.found(place, raw):
                nested = step.nested.get(places.name_at(inner, raw))
                if nested is not None:
                    yield from self._nested(nested, (*path, *inner), mapping(value), around)

    def _nested(self, nested: Nested, path: Path, raw: Mapping[str, Json], around: Around) -> Iterator[Place | Broken]:
        yield from self._template((*path, "title"), nested.title, TEXT, around)
        if nested.confirm is not None and nested.confirm.phrase is not None:
            yield from self._template((*path, "confirm", "phrase"), nested.confirm.phrase, TEXT, around)
        yield from self._judging(nested, path, around)
        yield from self._fields(nested, path, raw, around)
        if nested.probe is not None:
            yield from self._nested(nested.probe, (*path, "probe"), mapping(raw.get("probe")), around)

    def _judging(self, step: Step | Nested, path: Path, around: Around) -> Iterator[Place | Broken]:
        """The expressions that see the fields of the step's own observation at the root."""
        failed_when = step.failed_when if isinstance(step, Nested) else None
        secret = step.save_secret if isinstance(step, Step) else {}
        if step.expect is None and failed_when is None and not step.save and not secret:
            return
        seen = seen_by(step, self.registry, self.runbook.included)
        own = around._replace(own={**{name: field.type for name, field in seen.items()}, **around.own}, seen=seen)
        for key, verdict in (("expect", step.expect), ("failed_when", failed_when)):
            if verdict is not None:
                yield _whole((*path, key), verdict, "bool", own._replace(judges=True))
        for name, source in step.save.items():
            yield _whole((*path, "save", name), source, "dyn", own)
        for name, source in secret.items():
            yield _whole((*path, "save_secret", name), source, "string", own)

    def _fields(
        self, step: Step | Nested, path: Path, raw: Mapping[str, Json], around: Around
    ) -> Iterator[Place | Broken]:
        """The expressions and templates in a kind's own fields, wherever they are written."""
        traits = self.registry[step.kind].TRAITS
        at = {name: path if name in raw else ("defaults", step.kind) for name in step.fields}
        apart: set[Path] = set()
        for place, want in traits.expressions.items():
            for inner, value in places.found(place, step.fields):
                if isinstance(value, str):
                    apart.add(inner)
                    yield _whole((*at[str(inner[0])], *inner), value, want, around)
        for place in traits.nested:
            apart.update(inner for inner, _ in places.found(place, step.fields))
        pieces = mapping(self.registry[step.kind].SCHEMA.get("properties"))
        for name, value in step.fields.items():
            if name not in traits.verbatim and not (isinstance(value, str) and OPEN not in value):
                here = around._replace(secrets=True) if name in traits.secrets else around
                field_ = _Field((*at[name], name), len(at[name]), apart, here)
                yield from self._values(field_, value, pieces.get(name))

    def _values(self, at: "_Field", value: object, piece: Json) -> Iterator[Place | Broken]:
        """The templates in a value, but for the pieces that are something else."""
        if at.path[at.begin :] in at.apart:
            return
        match value:
            case str():
                yield from self._template(at.path, value, wanted(piece), at.around)
            case list() | Mapping():
                for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
                    if isinstance(key, str) and OPEN in key:
                        yield Broken((*at.path, key), key, None)
                    yield from self._values(at._replace(path=(*at.path, key)), item, inside(piece, key))
            case _:
                pass

    def _template(self, path: Path, text: str, want: str, around: Around) -> Iterator[Place | Broken]:
        """The expressions in a text; one that is all of it keeps its type, unless the place wants a text."""
        if OPEN not in text:
            return
        try:
            parts = split(text)
        except Unclosed as unclosed:
            yield Broken(path, text, unclosed.offset)
            return
        only = whole(parts)
        for part in parts:
            if not isinstance(part, str):
                yield Place(
                    path=path,
                    text=text,
                    offset=part.offset,
                    source=part.source,
                    want=want if only is part else TEXT,
                    around=around,
                    whole=only is part,
                    template=True,
                )


def _whole(path: Path, source: str, want: str, around: Around) -> Place:
    """An expression that is all of a text."""
    return Place(path=path, text=source, offset=0, source=source, want=want, around=around)

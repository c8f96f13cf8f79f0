"""Events as records of the audit log, and back."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from types import NoneType, UnionType
from typing import get_args, get_origin, get_type_hints

from runbook.model.canonical import Json, JsonObject
from runbook.walk import events as _step_events  # noqa: F401 - its classes are found as subclasses
from runbook.walk.run_events import Event


class MalformedEvent(ValueError):  # noqa: N818 - named for what it says of the record
    """A record that is not an event of this version: unknown type, missing, unknown or wrongly typed field."""


_HEADER = ("ts", "mono")


def _concrete(cls: type[Event]) -> list[type[Event]]:
    """Every class below one that has a record type."""
    found = [cls] if "TYPE" in cls.__dict__ else []
    return found + [c for below in cls.__subclasses__() for c in _concrete(below)]


EVENTS: Mapping[str, type[Event]] = {cls.TYPE: cls for cls in _concrete(Event)}
"""Every event class by its record type."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an event: its name in the record and in Python, its type, whether a record may leave it out.

    ``items`` is the type of a list's items.
    """

    name: str
    attribute: str
    of: type
    optional: bool
    items: type | None = None


def _fields(cls: type[Event]) -> tuple[Field, ...]:
    hints = get_type_hints(cls)
    found = []
    for field in fields(cls):
        if field.name in _HEADER:
            continue
        hint = hints[field.name]
        kinds = [h for h in get_args(hint) if h is not NoneType] if isinstance(hint, UnionType) else [hint]
        origin = get_origin(kinds[0]) or kinds[0]
        found.append(
            Field(
                field.name.rstrip("_"),
                field.name,
                {tuple: list, Mapping: dict}.get(origin, origin),
                field.default is not MISSING,
                (dict if get_origin(get_args(hint)[0]) else str) if origin is tuple else None,
            ),
        )
    return tuple(found)


FIELDS: Mapping[type[Event], tuple[Field, ...]] = {cls: _fields(cls) for cls in EVENTS.values()}
"""The record fields of every event class, in order."""


_EXPECTED: Mapping[type[Event], tuple[Mapping[str, Field], frozenset[str]]] = {
    cls: ({field.name: field for field in found}, frozenset(field.name for field in found if not field.optional))
    for cls, found in FIELDS.items()
}
"""The same by their names, and the names that no record may lack."""


def to_record(event: Event) -> JsonObject:
    """The fields of an event's record, without the header."""
    record: JsonObject = {}
    for field in FIELDS[type(event)]:
        value = getattr(event, field.attribute)
        if value is None or (field.optional and value in ((), 0)):
            continue
        record[field.name] = list(value) if isinstance(value, tuple) else value
    return record


def from_record(record_type: str, ts: str, mono: int, record: Mapping[str, Json]) -> Event:
    """The event that a record stands for.

    :raises MalformedEvent: if it is none.
    """
    cls = EVENTS.get(record_type)
    if cls is None:
        raise MalformedEvent(f"`{record_type}` is no record type of this version")
    expected, required = _EXPECTED[cls]
    if not required <= record.keys():
        missing = next(name for name in expected if name in required and name not in record)
        raise MalformedEvent(f"`{record_type}` has no `{missing}`")
    values: dict[str, object] = {"ts": ts, "mono": mono}
    for name, value in record.items():
        field = expected.get(name)
        if field is None:
            unknown = min(record.keys() - expected.keys())
            raise MalformedEvent(f"`{record_type}` has an unknown field `{unknown}`")
        if type(value) is not field.of:
            raise MalformedEvent(f"`{name}` of `{record_type}` is not {field.of.__name__}")
        if isinstance(value, list):
            if not all(type(item) is field.items for item in value):
                raise MalformedEvent(f"`{name}` of `{record_type}` holds something of another type")
            values[field.attribute] = tuple(value)
        else:
            values[field.attribute] = value
    return cls(**values)  # type: ignore[arg-type]  # every value was looked at against its field above

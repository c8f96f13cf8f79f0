"""Reads the fields of a record without trusting them: what is missing or of another type is as good as not there.

A log that is no legal walk is reported too (under a banner), so nothing here may raise.
"""

import json
from collections.abc import Iterable

from runbook.audit.record import Record
from runbook.model.address import owner_of
from runbook.model.canonical import Json, JsonObject, canonical
from runbook.report.times import At

_DEPTH = 80
"""More levels than an observation has (64), and an action with a value of it."""


def at(record: Record) -> At:
    """When it was written, and where."""
    return At(ts=record.ts, mono=record.mono, record=record.seq)


def text(record: Record, name: str) -> str:
    """A text; empty where there is none."""
    value = record.fields.get(name)
    return value if isinstance(value, str) else ""


def maybe(record: Record, name: str) -> str | None:
    """A text, or None."""
    return text(record, name) or None


def number(record: Record, name: str) -> int:
    """A whole number; 0 where there is none."""
    return whole(record, name) or 0


def whole(record: Record, name: str) -> int | None:
    """A whole number, or None."""
    value = record.fields.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def texts(record: Record, name: str) -> tuple[str, ...]:
    """A list of texts."""
    value = record.fields.get(name)
    return tuple(map(str, value)) if isinstance(value, list) else ()


def parsed(record: Record, name: str) -> JsonObject | None:
    """The object that stands in a text of canonical JSON, or None."""
    return json_object(text(record, name))


def json_object(source: str) -> JsonObject | None:
    """The object that a text is, or None; one that is no JSON as this project writes it is none."""
    try:
        value = json.loads(source)
        canonical(value)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and not _deep(value) else None


def _deep(value: Json) -> bool:
    """Whether there are more levels than any observation or action has."""
    level = [value]
    for _ in range(_DEPTH):
        level = [inner for item in level if isinstance(item, dict | list) for inner in _within(item)]
    return bool(level)


def _within(value: JsonObject | list[Json]) -> Iterable[Json]:
    return value.values() if isinstance(value, dict) else value


def step_of(record: Record) -> str:
    """What a record is about: a step, an element of one, or an undo; of a probe's record, what has the probe.

    Empty where it is about none.
    """
    address = text(record, "step")
    owner = owner_of(address)
    part = address.removeprefix(owner)
    return f"{owner}.undo" if part == ".undo" or part.startswith(".undo.") else owner

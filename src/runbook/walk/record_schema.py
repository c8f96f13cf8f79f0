"""The JSON Schema of a line of the audit log, made from the events: one closed schema a record type."""

import inspect

from runbook.model.canonical import Json, JsonObject
from runbook.walk.records import EVENTS, FIELDS, Field
from runbook.walk.run_events import Event

_HASH: JsonObject = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_HEADER: JsonObject = {
    "v": {"const": 1, "description": "The version of the format."},
    "seq": {"type": "integer", "minimum": 0, "description": "The number of the record, from 0, without a gap."},
    "prev": {**_HASH, "description": "The hash of the record before; 64 zeros for the first."},
    "ts": {
        "type": "string",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$",
        "description": "The wall clock, in UTC.",
    },
    "mono": {"type": "integer", "minimum": 0, "description": "Milliseconds since the run started; never less."},
    "h": {**_HASH, "description": "The SHA-256 of the line's bytes before its last 72."},
}
_TYPES = {str: "string", int: "integer", bool: "boolean", dict: "object", list: "array"}


def record_schema() -> JsonObject:
    """The schema of one record. A type that begins with ``x-`` is a guest's and may hold anything."""
    header: list[Json] = ["v", "seq", "prev", "ts", "mono", "type", "h"]
    known: list[Json] = [*sorted(EVENTS)]
    cases: list[Json] = [
        {
            "if": {"type": "object", "properties": {"type": {"const": name}}, "required": ["type"]},
            "then": _closed(cls, header),
        }
        for name, cls in sorted(EVENTS.items())
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A record of the audit log",
        "description": "One line of audit.jsonl. The keys stand in a fixed order, which a schema cannot say.",
        "type": "object",
        "properties": {"type": {"type": "string", "if": {"pattern": "^x-"}, "else": {"enum": known}}, **_HEADER},
        "required": header,
        "allOf": cases,
    }


def _closed(cls: type[Event], header: list[Json]) -> JsonObject:
    fields = FIELDS[cls]
    required: list[Json] = [field.name for field in fields if not field.optional]
    return {
        "title": cls.TYPE,
        "description": inspect.getdoc(cls) or "",
        "properties": {"type": True, **dict.fromkeys(_HEADER, True), **{field.name: _type(field) for field in fields}},
        "required": [*header, *required],
        "additionalProperties": False,
    }


def _type(field: Field) -> JsonObject:
    if field.items is None:
        return {"type": _TYPES[field.of]}
    return {"type": "array", "items": {"type": _TYPES[field.items]}}

"""The report as JSON, there and back, and its schema: all three from the classes of :mod:`runbook.report.content`."""

import dataclasses
import inspect
import json
import types
from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin

from runbook.model.canonical import Json, JsonObject
from runbook.report.content import VERSION, Report

Form = TypeVar("Form")
_PLAIN: Mapping[object, JsonObject] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    JsonObject: {"type": "object"},
    Mapping[str, str]: {"type": "object", "additionalProperties": {"type": "string"}},
}


def to_json(report: Report) -> str:
    """A report as JSON, in ASCII, its keys in the order of the schema."""
    return json.dumps(_plain(report), indent=2, allow_nan=False) + "\n"


def from_json(text: str) -> Report:
    """The report that :func:`to_json` wrote.

    :raises ValueError: if the text is none, or of another version.
    """
    data = json.loads(text)
    if not isinstance(data, dict) or data.get("report") != VERSION:
        raise ValueError(f"this is no report of version {VERSION}")
    try:
        return _made(Report, data)
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no report: {error}") from error


def report_schema() -> JsonObject:
    """The JSON Schema of a report."""
    definitions: JsonObject = {}
    top = _object(Report, definitions)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": definitions}


def _plain(value: object) -> Json:
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(type(value))  # pragma: no cover - a test makes every class


def _made(cls: type[Form], data: Mapping[str, Any]) -> Form:
    """An object of a class from its JSON."""
    fields = dataclasses.fields(cls)  # type: ignore[arg-type] # every class of a report is a dataclass
    return cls(**{field.name: _value(field.type, data[field.name]) for field in fields})


def _value(form: Any, data: Any) -> Any:  # noqa: ANN401 - what a field holds is told by its own annotation
    inner = _inner(form)
    if data is None or form in _PLAIN:
        return data
    if get_origin(form) is tuple:
        return tuple(_value(inner, item) for item in data)
    return _value(inner, data) if inner is not form else _made(form, data)


def _inner(form: Any) -> Any:  # noqa: ANN401 - as above
    """What a tuple holds, or what a field that may be None is otherwise; else the form itself."""
    if get_origin(form) is tuple:
        return get_args(form)[0]
    if isinstance(form, types.UnionType):
        return next(part for part in get_args(form) if part is not types.NoneType)
    return form


def _object(cls: type, definitions: JsonObject) -> JsonObject:
    """The schema of a class; those of the classes in it are added to the definitions."""
    properties: JsonObject = {}
    for field in dataclasses.fields(cls):
        properties[field.name] = _schema(field.type, definitions)
    if cls is Report:
        properties["report"] = {"const": VERSION}
    return {
        "title": cls.__name__,
        "description": " ".join((inspect.getdoc(cls) or "").split()),
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def _schema(form: Any, definitions: JsonObject) -> JsonObject:  # noqa: ANN401 - as above
    if form in _PLAIN:
        return dict(_PLAIN[form])
    inner = _inner(form)
    if get_origin(form) is tuple:
        return {"type": "array", "items": _schema(inner, definitions)}
    if inner is not form:
        return _or_null(_schema(inner, definitions))
    if form.__name__ not in definitions:
        definitions[form.__name__] = {}
        definitions[form.__name__] = _object(form, definitions)
    return {"$ref": f"#/$defs/{form.__name__}"}


def _or_null(schema: JsonObject) -> JsonObject:
    if "type" in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"if": {"type": "null"}, "else": schema}

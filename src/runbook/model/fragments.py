"""Pieces of JSON Schema for the fields of a kind, so that a kind's ``SCHEMA`` reads as a list of its fields.

Every piece takes its description first: one sentence, shown by editors and in the reference. A piece whose value is
not text (``boolean``, ``integer``, ``number``, ``duration``, ``list_of``, ``mapping_of``) also accepts a text that is
wholly one ``${{ }}``, which keeps its type; a kind never says so itself. An enumeration takes no ``${{ }}``: the
checker must know its value. No piece uses ``oneOf``, ``anyOf`` or ``unevaluatedProperties``: a mistake is to give one
error, in every validator and editor.

Definitions that pieces refer to (``#/$defs/…``) are in the envelope of the composed schema.
"""

from collections.abc import Sequence

from runbook.model.canonical import Json, JsonObject

_TEMPLATE: JsonObject = {"$ref": "#/$defs/template"}


def schema(required: Sequence[str] = (), /, **properties: JsonObject) -> JsonObject:
    """The ``SCHEMA`` of a kind. A field that is a Python keyword is written with an underscore behind: ``from_``."""
    return {
        "properties": {name.removesuffix("_"): piece for name, piece in properties.items()},
        "required": list(required),
    }


def text(
    description: str,
    *,
    default: str | None = None,
    pattern: str | None = None,
    examples: Sequence[str] = (),
    filled: bool = False,
) -> JsonObject:
    """A text, which may hold any number of ``${{ }}``. ``pattern`` speaks of the text as it is written.

    ``filled``: it may not be empty, neither as it is written nor with its values in it.
    """
    piece: JsonObject = {"type": "string", "description": description}
    if filled:
        piece["minLength"] = 1
    if pattern is not None:
        piece["pattern"] = pattern
    return _with(piece, default, examples)


def expression(description: str, *, examples: Sequence[str] = ()) -> JsonObject:
    """A CEL expression, without ``${{ }}`` around it."""
    return _with({"$ref": "#/$defs/expression", "description": description}, None, examples)


def enumeration(description: str, *values: str, default: str | None = None) -> JsonObject:
    """One of these words, written out."""
    return _with({"enum": list(values), "description": description}, default)


def boolean(description: str, *, default: bool | None = None) -> JsonObject:
    """``true`` or ``false``."""
    return _with(_typed({"type": "boolean"}, description), default)


def integer(
    description: str,
    *,
    minimum: int | None = None,
    maximum: int | None = None,
    default: int | None = None,
) -> JsonObject:
    """A whole number within limits, both inclusive."""
    return _with(_typed(_limited("integer", minimum, maximum), description), default)


def number(
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    default: float | None = None,
) -> JsonObject:
    """A whole or decimal number within limits, both inclusive."""
    return _with(_typed(_limited("number", minimum, maximum), description), default)


def duration(description: str, *, default: str | None = None, examples: Sequence[str] = ()) -> JsonObject:
    """A duration as it is written: ``250ms 10s 5m 2h 1d``."""
    return _with({"$ref": "#/$defs/duration", "description": description}, default, examples)


def list_of(item: JsonObject, description: str, *, minimum: int = 0) -> JsonObject:
    """A list with at least ``minimum`` elements."""
    piece: JsonObject = {"type": "array", "items": item}
    if minimum:
        piece["minItems"] = minimum
    return _typed(piece, description)


def texts(description: str, *, minimum: int = 0) -> JsonObject:
    """A list of texts."""
    return list_of({"type": "string"}, description, minimum=minimum)


def mapping_of(value: JsonObject, description: str, *, names: str | None = None) -> JsonObject:
    """A mapping from names to values of one form; ``names`` is the pattern of a name."""
    piece: JsonObject = {"type": "object", "additionalProperties": value}
    if names is not None:
        piece["propertyNames"] = {"type": "string", "pattern": names}
    return _typed(piece, description)


def mapping_of_text(description: str, *, names: str | None = None) -> JsonObject:
    """A mapping from names to texts."""
    return mapping_of({"type": "string"}, description, names=names)


def closed(description: str, required: Sequence[str] = (), /, **properties: JsonObject) -> JsonObject:
    """A mapping with exactly these keys, for a value with an inner form, such as an element of ``options``."""
    return {
        "type": "object",
        "description": description,
        "properties": {name.removesuffix("_"): piece for name, piece in properties.items()},
        "required": list(required),
        "additionalProperties": False,
    }


def word_or(words: Sequence[str], otherwise: JsonObject, description: str) -> JsonObject:
    """One of these words, or something that is not text: ``from: process`` or ``from: {file: …}``."""
    return {
        "if": {"type": "string"},
        "then": {"type": "string", "enum": list(words)},
        "else": otherwise,
        "description": description,
    }


def anything(description: str) -> JsonObject:
    """Any value at all, such as the JSON of a request."""
    return {"description": description}


def step_id(description: str) -> JsonObject:
    """The id of a step of this runbook."""
    return {"$ref": "#/$defs/step_id", "description": description}


def name(description: str) -> JsonObject:
    """A name in the form of an id: snake_case."""
    return {"$ref": "#/$defs/name", "description": description}


def read(description: str) -> JsonObject:
    """A nested step that only looks: an ``until``, a ``check``."""
    return {"$ref": "#/$defs/read", "description": description}


def member(description: str) -> JsonObject:
    """A nested step that only looks and has an id: one of ``parallel``'s."""
    return {"$ref": "#/$defs/member", "description": description}


def form_fields(description: str) -> JsonObject:
    """The typed fields of a form, by name, as the inputs of a runbook are written."""
    return {"$ref": "#/$defs/form_fields", "description": description}


def _typed(piece: JsonObject, description: str) -> JsonObject:
    """A value that is not text, or a text that is wholly one ``${{ }}``."""
    return {"if": {"type": "string"}, "then": _TEMPLATE, "else": piece, "description": description}


def _limited(kind: str, minimum: float | None, maximum: float | None) -> JsonObject:
    """A number within limits."""
    piece: JsonObject = {"type": kind}
    if minimum is not None:
        piece["minimum"] = minimum
    if maximum is not None:
        piece["maximum"] = maximum
    return piece


def _with(piece: JsonObject, default: Json, examples: Sequence[str] = ()) -> JsonObject:
    """A piece with what else an editor shows."""
    if default is not None:
        piece["default"] = default
    if examples:
        piece["examples"] = list(examples)
    return piece

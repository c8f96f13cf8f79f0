"""Fits a resolved value to the piece of schema that its field has, as the dataclass of a kind wants it.

What stood in the file was checked before the walk; what an expression put in its place is looked at here. In a text,
numbers and truth values are written out; an element of a list of texts that is itself a list is spliced in. What an
expression, a nested step or a form stands for is its driver's to look at, and passes.
"""

import re

from runbook.model.canonical import Json
from runbook.model.durations import milliseconds
from runbook.model.evaluator import ExpressionError
from runbook.model.secrets import Resolved, SecretText


def fit(value: Resolved, piece: Json, place: str) -> Resolved:
    """The value as its field wants it.

    :param place: the name of the field, for the message.
    :raises ExpressionError: with one line, if it does not fit.
    """
    if not isinstance(piece, dict):
        return value
    match piece:
        case {"$ref": "#/$defs/duration"}:
            return _duration(value, place)
        case {"if": _, "then": {"$ref": "#/$defs/template"}, "else": wanted}:
            return fit(value, wanted, place)
        case {"if": {"type": str() as first}, "then": then, "else": otherwise}:
            return fit(value, then if _is(value, first) else otherwise, place)
        case {"enum": list() as words} if value not in words:
            raise ExpressionError(f"`{place}` wants one of {', '.join(map(str, words))}")
        case {"type": "string", "minLength": 1} if value == "":
            raise ExpressionError(f"`{place}` is empty")
        case {"type": "string"}:
            return _text(value, place)
        case {"type": "array"}:
            return _list(value, piece, place)
        case {"type": "object"}:
            return _object(value, piece, place)
        case {"type": str() as wanted_type}:
            return _scalar(value, piece, wanted_type, place)
        case _:
            return value


_WORDS = {
    "string": "a text",
    "array": "a list",
    "object": "a mapping",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
}


def _is(value: Resolved, wanted: str) -> bool:
    """Whether a value has a type of JSON Schema; ``3.0`` is a whole number there too."""
    match wanted:
        case "string":
            return isinstance(value, str | SecretText)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return not isinstance(value, bool) and (isinstance(value, int) or _is_whole(value))
        case _:
            return not isinstance(value, bool) and isinstance(value, int | float)


def _is_whole(value: Resolved) -> bool:
    return isinstance(value, float) and value.is_integer()


def _wants(place: str, wanted: str, value: Resolved) -> ExpressionError:
    """The error for a value of another type; it names the type found, never the value."""
    found = next((words for name, words in _WORDS.items() if _is(value, name)), "null")
    return ExpressionError(f"`{place}` wants {_WORDS[wanted]}, and this is {found}")


def _text(value: Resolved, place: str) -> Resolved:
    match value:
        case str() | SecretText():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case _:
            raise _wants(place, "string", value)


def _duration(value: Resolved, place: str) -> Resolved:
    if not isinstance(value, str):
        raise _wants(place, "string", value)
    try:
        milliseconds(value)
    except ValueError:
        raise ExpressionError(f"`{place}` wants a duration such as 30s or 5m") from None
    return value


def _scalar(value: Resolved, piece: dict[str, Json], wanted: str, place: str) -> Resolved:
    if not _is(value, wanted):
        raise _wants(place, wanted, value)
    if isinstance(value, int | float):
        low, high = piece.get("minimum"), piece.get("maximum")
        if isinstance(low, int | float) and value < low:
            raise ExpressionError(f"`{place}` wants at least {low}")
        if isinstance(high, int | float) and value > high:
            raise ExpressionError(f"`{place}` wants at most {high}")
        return int(value) if wanted == "integer" else value
    return value


def _list(value: Resolved, piece: dict[str, Json], place: str) -> Resolved:
    if not isinstance(value, list):
        raise _wants(place, "array", value)
    inner = piece.get("items")
    if isinstance(inner, dict) and inner.get("type") == "string":
        value = [one for item in value for one in (item if isinstance(item, list) else [item])]
    least = piece.get("minItems", 0)
    if isinstance(least, int) and len(value) < least:
        raise ExpressionError(f"`{place}` wants at least {least} element{'s' if least > 1 else ''}")
    return [fit(item, inner, f"{place}[{number}]") for number, item in enumerate(value)]


def _object(value: Resolved, piece: dict[str, Json], place: str) -> Resolved:
    if not isinstance(value, dict):
        raise _wants(place, "object", value)
    known, others, names = piece.get("properties"), piece.get("additionalProperties"), piece.get("propertyNames")
    known = known if isinstance(known, dict) else {}
    required = piece.get("required")
    for name in required if isinstance(required, list) else []:
        if name not in value:
            raise ExpressionError(f"`{place}` lacks `{name}`")
    for name in value:
        if name not in known and others is False:
            raise ExpressionError(f"`{place}` knows no `{name}`")
        match names:
            case {"pattern": str() as pattern} if not re.search(pattern, name):
                raise ExpressionError(f"`{name}` is no name for `{place}`")
    return {name: fit(item, known.get(name, others), f"{place}.{name}") for name, item in value.items()}

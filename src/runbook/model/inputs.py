"""Values that a person gives: the inputs of a run and the fields of a form, as they are declared and as they come.

A terminal and a command line give texts, an answers file gives JSON; both come to the same value of the declared type.
"""

import datetime as dt
import math
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from runbook.model.canonical import Json
from runbook.model.durations import milliseconds
from runbook.model.runbook import Input

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

CEL_TYPES: Mapping[str, str] = {
    "string": "string",
    "integer": "int",
    "number": "double",
    "boolean": "bool",
    "url": "string",
    "duration": "duration",
    "timestamp": "timestamp",
    "list": "list<dyn>",
}
"""The type that an expression sees, for each type of an input."""


def input_of(name: str, raw: Mapping[str, Json]) -> Input:
    """One input as it is written, with its defaults."""
    allowed = raw.get("enum")
    pattern = raw.get("pattern")
    return Input(
        name=name,
        type=str(raw.get("type", "string")),
        prompt=str(raw.get("prompt", "")),
        description=str(raw.get("description", "")),
        pattern=pattern if isinstance(pattern, str) else None,
        enum=tuple(allowed) if isinstance(allowed, list) else allowed if isinstance(allowed, str) else None,
        default=raw.get("default"),
        required=raw.get("required") is not False,
        secret=raw.get("secret") is True,
    )


def accepted(wanted: Input, given: Json) -> Json:
    """The value of an input.

    :param given: a text, or JSON of the declared type; None where nothing was given.
    :returns: JSON of the declared type (a duration and a time stay text), or None where there is none and none must be.
    :raises ValueError: with one line that names the input and what it wants, never the value.
    """
    if given is None or given == "":
        if wanted.default is None and wanted.required:
            raise ValueError(f"`{wanted.name}` is not given")
        given = wanted.default
        if given is None:
            return None
    value = _typed(wanted.type, given)
    if value is None:
        raise ValueError(f"`{wanted.name}` wants {_WORDS[wanted.type]}")
    if isinstance(wanted.enum, tuple) and value not in wanted.enum:
        raise ValueError(f"`{wanted.name}` wants one of {', '.join(map(str, wanted.enum))}")
    if wanted.pattern is not None and not _matches(wanted.pattern, str(value)):
        raise ValueError(f"`{wanted.name}` wants a text that matches {wanted.pattern}")
    return value


def typed(wanted: Input, given: Json) -> str | None:
    """The text of a secret that a person gives, to the byte: 007 is no 7. None where there is none and none must be.

    :raises ValueError: as :func:`accepted` does.
    """
    value = accepted(wanted, given)
    if value is None:
        return None
    return given if isinstance(given, str) and given else str(value)


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error as error:
        raise ValueError(f"the pattern {pattern} is no regular expression: {error}") from None


_WORDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "url": "a URL with its scheme, such as https://example.com",
    "duration": "a duration, such as 30s or 5m",
    "timestamp": "a time with its zone, such as 2026-11-21T09:00:00Z",
    "list": "a list",
}


def _typed(type_: str, given: Json) -> Json:
    """The value as its type has it, or None if it has not that type."""
    match type_, given:
        case "list", list():
            return given
        case "list", str():
            return [part.strip() for part in given.split(",")]
        case "boolean", bool():
            return given
        case "boolean", "true" | "false":
            return given == "true"
        case _, bool():
            return None
        case "integer", int() | str():
            return _whole(str(given))
        case "number", int() | float() | str():
            return _number(str(given))
        case "string", str():
            return given
        case "url" | "duration" | "timestamp", str():
            return given if _SHAPES[type_](given) else None
        case _:
            return None


def _whole(text: str) -> int | None:
    value = int(text) if re.fullmatch(r"-?(0|[1-9][0-9]{0,18})", text) else None  # 010 is 8 to some, 10 to others
    return value if value is not None and -(1 << 63) <= value < 1 << 63 else None


def _number(text: str) -> float | None:
    value = float(text) if re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", text) else math.inf
    return value if math.isfinite(value) else None


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.scheme and parts.hostname) and re.search(r"\s", text) is None
    except ValueError:
        return False


def _is_duration(text: str) -> bool:
    try:
        return milliseconds(text) >= 0
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    try:
        return _TIME.fullmatch(text) is not None and dt.datetime.fromisoformat(text.upper()) is not None
    except ValueError:
        return False


_SHAPES = {"url": _is_url, "duration": _is_duration, "timestamp": _is_time}

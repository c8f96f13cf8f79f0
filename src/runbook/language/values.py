"""JSON on its way into CEL and a value's text on its way out.

The library is C++: deep, cyclic or wrongly typed data kills the process, and a naive time is read as local. So nothing
goes in but JSON of the declared type, at most 64 levels deep, in valid Unicode. What does not fit is an error with a
sentence, never a nearby value; only a whole number beyond 64 bits becomes a double, as everywhere in CEL.
"""

import datetime as dt
import math
import re
from functools import lru_cache
from typing import TypeAlias

from runbook.model.canonical import Json
from runbook.model.durations import DURATION, milliseconds

MAX_DEPTH = 64
"""How many levels of lists and maps may go into an expression."""
MAX_ELEMENTS = 2_000
"""How long a list may be where an expression uses ``map`` or ``filter``: their time is quadratic, 0.1 s at this."""
_INT64 = 1 << 63
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_SECONDS = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,9})?s")

Admitted: TypeAlias = (
    "bool | int | float | str | dt.datetime | dt.timedelta | list[Admitted] | dict[str, Admitted] | None"
)
"""What may go into CEL."""


class Unfit(Exception):  # noqa: N818 - said of a value
    """A value that an expression cannot take; the message goes on after the value's name: ``is nested deeper …``."""


_WORDS = {
    "int": "a whole number",
    "int64": "a whole number",
    "double": "a decimal number",
    "uint": "an unsigned number",
    "uint64": "an unsigned number",
    "string": "text",
    "bool": "true or false",
    "null": "null",
    "null_type": "null",
    "bytes": "bytes",
    "timestamp": "a time",
    "google.protobuf.timestamp": "a time",
    "duration": "a duration",
    "google.protobuf.duration": "a duration",
    "dyn": "any value",
    "list": "a list",
    "map": "a map",
    "type": "a type",
    "error": "an error",
}


def spoken(type_: str) -> str:
    """A CEL type as a person says it: ``a list of text`` for ``list<string>`` and for ``list(string)``."""
    base, inner = _parts(type_.lower().replace("(", "<").replace(")", ">"))
    word = _WORDS.get(base, type_)
    if base != "list" or inner in {"", "dyn"} or inner.startswith("t%"):
        return word
    return f"a list of {spoken(inner).removeprefix('a ').removeprefix('an ')}{'' if inner == 'string' else 's'}"


@lru_cache(maxsize=1024)
def _parts(type_: str) -> tuple[str, str]:
    """A type's name, and the type of its elements or values (``dyn`` where none is said, empty where it has none)."""
    base, bracket, inner = type_.removesuffix(">").partition("<")
    if not bracket:
        return base, "dyn" if base in {"list", "map"} else ""
    return base, inner.partition(",")[2].strip() if base == "map" else inner


def kind_of(value: object) -> str:
    """What a JSON value is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case float():
            return "a decimal number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "a map"
        case _:
            return f"a Python {type(value).__name__}"


def admit(value: object, type_: str, longest: int | None = None, depth: int = 0) -> Admitted:
    """A JSON value as CEL may be given it where that type is declared.

    Times and durations are text in JSON and become what they say. ``longest`` is how long a list may be.

    :raises Unfit: if it is not JSON of that type, or is too deep, too long or not valid Unicode.
    """
    if depth > MAX_DEPTH:
        raise Unfit(f"is nested deeper than {MAX_DEPTH} levels")
    base, inner = _parts(type_)
    match value:
        case str() if base in {"string", "dyn"}:
            return _text(value)
        case bool() if base in {"bool", "dyn"}:
            return value
        case bool():
            pass
        case int() if base in {"int", "dyn"}:
            return value if -_INT64 <= value < _INT64 else _beyond(value, base)
        case int() if base == "double":
            return _beyond(value, base)
        case float() if base in {"double", "dyn"}:
            return value
        case None if base == "dyn":
            return None
        case list() if base in {"list", "dyn"}:
            if longest is not None and len(value) > longest:
                raise Unfit(f"has {len(value)} elements, and `map` and `filter` take at most {longest}")
            return [admit(item, inner or "dyn", longest, depth + 1) for item in value]
        case dict() if base in {"map", "dyn"}:
            return {_key(key): admit(item, inner or "dyn", longest, depth + 1) for key, item in value.items()}
        case str() if base == "timestamp":
            return time_of(value)
        case str() if base == "duration":
            return duration_of(value)
        case _:
            pass
    raise Unfit(f"is {kind_of(value)}, where {spoken(type_)} is declared")


def _text(value: str) -> str:
    if "\0" in value:
        raise Unfit("holds a NUL character, behind which the rest of the text would be lost")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unfit("holds half a character (a lone surrogate), which is not valid Unicode") from None
    return value


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise Unfit(f"has {kind_of(key)} for a key")
    return _text(key)


def _beyond(value: int, base: str) -> float:
    if base == "int":
        raise Unfit("is a whole number beyond 64 bits")
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def time_of(text: str) -> dt.datetime:
    """The time that an RFC 3339 text says.

    :raises Unfit: if it is no such text; one without a zone is none.
    """
    if _TIME.fullmatch(text) is None:
        zone = " with a zone" if re.fullmatch(r"[0-9-]{10}[Tt ][0-9:.]+", text) else ""
        raise Unfit(f"is not a time{zone}, such as 2026-11-21T09:00:00Z")
    try:
        return dt.datetime.fromisoformat(text.upper())
    except ValueError:
        raise Unfit("is not a time that the calendar has") from None


def duration_of(text: str) -> dt.timedelta:
    """The duration that a text says, as runbooks write it (``90m``) or as CEL does (``5400s``, ``1.5s``).

    :raises Unfit: if it says none.
    """
    if DURATION.fullmatch(text) is not None:
        return dt.timedelta(milliseconds=milliseconds(text))
    if _SECONDS.fullmatch(text) is not None:
        return dt.timedelta(seconds=float(text[:-1]))
    raise Unfit("is not a duration, such as 90s, 15m or 2h")


def time_text(time: dt.datetime) -> str:
    """A time in RFC 3339 with ``Z``, with as many digits of a second as it needs."""
    text = time.astimezone(dt.UTC).isoformat().removesuffix("+00:00")
    return (text.rstrip("0") if "." in text else text) + "Z"


def duration_text(duration: dt.timedelta) -> str:
    """A duration as a runbook writes it, to be read back: ``5400s``, ``1500ms``; else as CEL does: ``-1.5s``."""
    millis, rest = divmod(duration, dt.timedelta(milliseconds=1))
    if millis % 1_000 and not rest and DURATION.fullmatch(text := f"{millis}ms"):
        return text
    micros = duration // dt.timedelta(microseconds=1)
    sign, micros = "-" if micros < 0 else "", abs(micros)
    fraction = f".{micros % 1_000_000:06d}".rstrip("0") if micros % 1_000_000 else ""
    return f"{sign}{micros // 1_000_000}{fraction}s"


def text_of(value: Json) -> str:
    """How a value stands inside a longer text.

    :raises Unfit: if it has no text of its own: null, a list, a map.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case _:
            raise Unfit(f"is {kind_of(value)}, which cannot stand inside text")


def conforms(value: Json, type_: str) -> bool:
    """Whether a result is of a type as JSON: times and durations are texts there."""
    base, inner = _parts(type_)
    match base:
        case "dyn":
            return True
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "double":
            return isinstance(value, float)
        case "list":
            return isinstance(value, list) and all(conforms(item, inner) for item in value)
        case "map":
            return isinstance(value, dict) and all(conforms(item, inner) for item in value.values())
        case _:
            return isinstance(value, str)

"""Looks at data that the schema has judged: what a type checker must be told, told in one place.

A key that is missing gives the empty value of its type. Where the schema was right, nothing here can fail.
"""

from collections.abc import Mapping
from types import MappingProxyType

from runbook.model.canonical import Json
from runbook.model.durations import milliseconds

_EMPTY: Mapping[str, Json] = MappingProxyType({})


def mapping(value: Json) -> Mapping[str, Json]:
    """A mapping as it is; anything else as an empty one."""
    return value if isinstance(value, dict) else _EMPTY


def elements(value: Json) -> list[Json]:
    """A list as it is; anything else as an empty one."""
    return value if isinstance(value, list) else []


def texts(value: Json) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(item for item in elements(value) if isinstance(item, str))


def text(value: Json) -> str:
    """A text as it is; anything else as an empty one."""
    return value if isinstance(value, str) else ""


def text_or_none(value: Json) -> str | None:
    """A text as it is; anything else as None."""
    return value if isinstance(value, str) else None


def whole(value: Json, default: int) -> int:
    """A whole number as an int, also where it is written as a decimal (``3.0``); anything else as the default."""
    return int(value) if isinstance(value, int | float) else default


def decimal(value: Json, default: float) -> float:
    """A number as a double; anything else as the default."""
    return float(value) if isinstance(value, int | float) else default


def time(value: Json) -> int | None:
    """A duration as it is written, in milliseconds; None for anything else."""
    return milliseconds(value) if isinstance(value, str) else None


def texts_by_name(value: Json) -> Mapping[str, str]:
    """The texts of a mapping, by name."""
    return {name: item for name, item in mapping(value).items() if isinstance(item, str)}

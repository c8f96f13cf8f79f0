"""Finds the places that a kind's traits name: ``until``, ``options[].when``, ``fields.*.enum``.

``[]`` stands for every element of a list, ``*`` for every value of a mapping.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from runbook.model.canonical import Json

Path: TypeAlias = "tuple[str | int, ...]"
"""A way through JSON data: keys of mappings and indices of lists."""


def found(place: str, fields: Mapping[str, Json]) -> Iterator[tuple[Path, Json]]:
    """Every value at a place of a step's fields, with the way to it; nothing where there is none."""
    yield from _walk(place.replace("[]", ".[]").split("."), dict(fields), ())


def root_of(place: str) -> str:
    """The field of the step that a place is in: ``options`` for ``options[].when``."""
    return place.replace("[]", ".[]").partition(".")[0]


def name_at(path: Path, fields: Mapping[str, Json]) -> str:
    """What a step inside a step is called in addresses: the id of its list's element, else the field it stands in."""
    value: Json = dict(fields)
    name = str(path[0])
    for key in path:
        value = _inner(value, key)
        if isinstance(key, int) and isinstance(value, dict):
            name = str(value.get("id", name))
    return name


def _inner(value: Json, key: str | int) -> Json:
    match value, key:
        case dict(), str():
            return value.get(key)
        case list(), int():
            return value[key]
        case _:
            return None


def _walk(words: list[str], value: Json, path: Path) -> Iterator[tuple[Path, Json]]:
    if not words:
        yield path, value
        return
    match words[0], value:
        case "[]", list():
            for index, element in enumerate(value):
                yield from _walk(words[1:], element, (*path, index))
        case "*", dict():
            for key, inner in value.items():
                yield from _walk(words[1:], inner, (*path, key))
        case word, dict() if word in value:
            yield from _walk(words[1:], value[word], (*path, word))

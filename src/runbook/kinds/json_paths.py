"""Says where in a JSON answer something is: keys, indexes, filters, and nothing more.

A path is read from left to right, and each part is applied to everything that the parts before it have found::

    status.traffic              the value of a key in the value of a key
    labels."example.com/team"   a key with other signs than letters, digits, `_`, `-` and `@` stands in quotes
    items[0]  items[-1]         one element, counted from the beginning (0) or from the end (-1)
    items[*]                    every element
    conditions[type=Ready]      every element whose `type` is `Ready`; the left side may be dotted and have indexes
    traffic[percent]            every element whose `percent` is there, and neither null, false, 0 nor empty
    [type=Ready][status=True]   both: a filter behind a filter looks at what the first one has found

What is not there is not found; that is no error. A value is compared as text: `[port=80]`, `[live=true]`.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from runbook.model.canonical import Json, canonical

_KEY = r'(?:[A-Za-z0-9_@-]+|"[^"\n]+")'
_INDEX = r"\[-?[0-9]+\]"
_PLAIN = rf"{_KEY}(?:\.{_KEY}|{_INDEX})*"
_FILTER = rf"\[(?:\*|{_PLAIN}(?:=[^\]\n]*)?)\]"
PATH = rf"^(?:{_KEY}|{_INDEX}|{_FILTER})(?:\.{_KEY}|{_INDEX}|{_FILTER})*$"
"""The pattern of a path, for a schema."""

_PART = re.compile(
    rf"\.?(?P<key>{_KEY})|\[(?P<index>-?[0-9]+)\]|\[(?P<all>\*)\]|\[(?P<left>{_PLAIN})(?P<right>=[^\]]*)?\]"
)


def find(path: str, value: Json) -> tuple[Json, ...]:
    """Everything in a value to which a path leads, in order.

    :param path: fits :data:`PATH`; an empty one leads to the value itself.
    """
    found: tuple[Json, ...] = (value,)
    for part in _parts(path):
        found = tuple(inner for one in found for inner in _step(part, one))
    return found


def first(path: str | None, value: Json) -> Json:
    """The first thing to which a path leads; None if there is none, or no path."""
    return None if path is None else next(iter(find(path, value)), None)


def written(value: Json) -> str:
    """A value as text: a text as it is, null as an empty one, everything else as JSON."""
    return value if isinstance(value, str) else "" if value is None else canonical(value)


@cache
def _parts(path: str) -> tuple[Mapping[str, str | None], ...]:
    return tuple(match.groupdict() for match in _PART.finditer(path))


def _step(part: Mapping[str, str | None], value: Json) -> Iterator[Json]:
    """What one part of a path finds in one value."""
    if (key := part["key"]) is not None:
        if isinstance(value, dict) and key.strip('"') in value:
            yield value[key.strip('"')]
    elif (index := part["index"]) is not None:
        if isinstance(value, list) and -len(value) <= int(index) < len(value):
            yield value[int(index)]
    elif part["all"]:
        yield from value if isinstance(value, list) else ()
    else:
        left, right = part["left"] or "", part["right"]
        for element in value if isinstance(value, list) else [value]:
            seen = first(left, element)
            if bool(seen) if right is None else seen is not None and written(seen) == right[1:]:
                yield element

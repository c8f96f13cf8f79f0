"""Evaluates every expression of some runbooks over made-up data and writes what comes of each, a line each.

Run by path, with the files as arguments: once in each of several processes, to compare what they say.
"""

import sys

from runbook.kinds.registry import KINDS
from runbook.language.binding import bind
from runbook.language.expression_places import ExpressionPlaces, Place
from runbook.language.expressions import Cel
from runbook.language.scope import types_of
from runbook.language.source import read
from runbook.model.canonical import Json, canonical
from runbook.model.evaluator import ExpressionError

WORDS = ["status", "ok", "missing", "name", "id", "rows", "size", "error", "version", "login", "host", "items"]


def made_up(type_: str, seed: int) -> Json:
    """A value of a CEL type."""
    base, _, inner = type_.removesuffix(">").partition("<")
    match base:
        case "int":
            return 200 + seed
        case "double":
            return seed / 4
        case "bool":
            return seed % 2 == 0
        case "string":
            return WORDS[seed % len(WORDS)]
        case "timestamp":
            return f"2026-11-21T09:00:{seed % 60:02d}Z"
        case "duration":
            return f"{seed + 1}m"
        case "list":
            return [made_up(inner or "dyn", seed + number) for number in range(3)]
        case "map":
            return {word: made_up(inner.rpartition(",")[2] or "dyn", seed + n) for n, word in enumerate(WORDS)}
        case _:
            values: list[Json] = [type_, seed, None]
            return {word: values[number % 3] for number, word in enumerate(WORDS)}


def said(file: str) -> list[str]:
    """What comes of every expression of a runbook."""
    document = read(file)
    runbook = bind(document, KINDS)
    types = types_of(runbook, KINDS)
    cel = Cel(types)
    scope: dict[str, Json] = {name: made_up(type_, len(name)) for name, type_ in types.items()}
    lines = []
    for place in ExpressionPlaces(runbook, document.data, KINDS).find():
        if not isinstance(place, Place):
            continue
        own: dict[str, Json] = {name: made_up(type_, len(name)) for name, type_ in place.around.own.items()}
        try:
            result = canonical(cel.evaluate(place.source, {**scope, **own}, "dyn", own=place.around.own))
        except ExpressionError as error:
            result = f"{error.line}:{error.column} {error.message}"
        lines.append(f"{place.source!r} {result}")
        lines.append(repr(cel.render(place.text, {**scope, **own}) if "secrets." in place.text else ""))
    return lines


if __name__ == "__main__":
    for path in sys.argv[1:]:
        sys.stdout.write("\n".join([path, *said(path), ""]))

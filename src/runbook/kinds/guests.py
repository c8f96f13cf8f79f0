"""Kinds that other packages bring: guests, found through the entry-point group ``runbook.kinds``.

A guest is asked for only where a name is none of our own, as to ask the installed packages takes longer than all else
that is done with a small file. A guest cannot take the name of a kind of ours, nor of another guest. One that cannot
be used is left out and said to be so, with what to do; it never breaks a file that does not use it.
(Entry points: https://packaging.python.org/en/latest/specifications/entry-points/)
"""

import dataclasses
import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import TYPE_CHECKING

from runbook.model.diagnostics import Code, Diagnostic, Severity
from runbook.model.kind import Asked, Automated, KindClass, Observed, Traits

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "runbook.kinds"
BROKEN = Code(
    number="RB600",
    title="guest kind that cannot be used",
    why="A package brings a kind of step through the entry-point group `runbook.kinds`, and it cannot be imported, or "
    "is no kind: a frozen dataclass with a name, a schema, traits and a judge. Runbooks that do not use it are walked.",
    severity=Severity.WARNING,
)
TAKEN = Code(
    number="RB601",
    title="guest kind whose name is taken",
    why="A package brings a kind of a name that this program has, or that another package brings too. What a runbook "
    "means by a name must not depend on what else is installed: our own stays, and of two guests neither is used.",
    severity=Severity.WARNING,
)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LONGEST = 300
_PARTS = ("NAME", "JUDGE", "SCHEMA", "TRAITS", "OBSERVES", "EXAMPLES", "preview", "judge")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A kind of another package, and which that is."""

    kind: KindClass
    distribution: str
    version: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Guests:
    """The guests that can be used, and what is wrong with the others, both by name."""

    kinds: Mapping[str, Guest]
    unusable: Mapping[str, Diagnostic]


@cache
def guests(taken: frozenset[str]) -> Guests:
    """Ask the installed packages.

    :param taken: the names of our own kinds.
    """
    from importlib.metadata import entry_points

    kinds: dict[str, Guest] = {}
    unusable: dict[str, Diagnostic] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        if point.name in taken or point.name in kinds or point.name in unusable:
            kinds.pop(point.name, None)
            unusable[point.name] = _unusable(TAKEN, point, "its name is taken", "uninstall one of the two")
            continue
        found = _found(point)
        if isinstance(found, Guest):
            kinds[point.name] = found
        else:
            unusable[point.name] = _unusable(BROKEN, point, found, f"mend or uninstall {_package(point)}")
    return Guests(kinds=kinds, unusable=unusable)


def _found(point: "EntryPoint") -> Guest | str:
    """The guest of an entry point; what is wrong with it where it is none."""
    try:
        kind = point.load()
        wrong = objection(kind, point.name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever another package does, also if it would end the program
        return " ".join(f"it cannot be imported: {type(error).__name__}: {error}".split())[:_LONGEST]
    if wrong is not None or point.dist is None:
        return wrong or "it belongs to no package"
    return Guest(kind=kind, distribution=point.dist.name, version=point.dist.version)


def objection(kind: object, name: str) -> str | None:
    """Why something is no kind of that name; None where it may be one. ``runbook.testing.check_kind`` looks closer."""
    if not isinstance(kind, type) or not dataclasses.is_dataclass(kind):
        return "it is no dataclass"
    missing = [part for part in _PARTS if not hasattr(kind, part)]
    if missing:
        return f"it has no `{missing[0]}`"
    if name != kind.NAME or not _NAME.fullmatch(name):  # type: ignore[attr-defined] # it was looked for
        return f"its NAME is not `{name}`, or no name in snake_case"
    if not {Automated, Asked} & {*kind.__mro__}:
        return "it is neither `Automated` nor `Asked`"
    schema, traits, judge = kind.SCHEMA, kind.TRAITS, kind.JUDGE  # type: ignore[attr-defined] # as above
    if not (
        isinstance(schema, dict) and _is_fields(schema.get("properties"), {f.name for f in dataclasses.fields(kind)})
    ):
        return "its SCHEMA does not describe its fields"
    if not _is_observed(kind.OBSERVES):  # type: ignore[attr-defined] # as above
        return "its OBSERVES is no mapping of names to `Observed`"
    if not isinstance(traits, Traits) or not isinstance(judge, int) or judge < 1:
        return "its TRAITS are no `Traits`, or its JUDGE is no number from 1"
    return None


def _is_fields(properties: object, fields: Collection[str]) -> bool:
    if not isinstance(properties, dict) or not all(isinstance(piece, dict) for piece in properties.values()):
        return False
    return properties.keys() == {name.removesuffix("_") for name in fields}


def _is_observed(observes: object) -> bool:
    return isinstance(observes, Mapping) and all(isinstance(each, Observed) for each in observes.values())


def _unusable(code: Code, point: "EntryPoint", why: str, help_: str) -> Diagnostic:
    return Diagnostic(code=code, message=f"the kind `{point.name}` of {_package(point)} is not used: {why}", help=help_)


def _package(point: "EntryPoint") -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else "an unknown package"

"""What is said of kinds that other packages bring and that cannot be used: where a file wants one, and in the list."""

import dataclasses
from collections.abc import Iterator

from runbook.kinds.registry import KINDS, unusable_guests
from runbook.language.loading import Loaded
from runbook.language.typed import elements, mapping
from runbook.model.canonical import Json
from runbook.model.diagnostics import Diagnostic


def wanted_guests(loaded: Loaded) -> Iterator[Diagnostic]:
    """What is wrong with the guests that a file has steps of; nothing where the file is right."""
    if loaded.runbook is not None or loaded.document is None:
        return
    named = {kind for step in elements(mapping(loaded.document.data).get("steps")) for kind in _kinds(step)}
    for name in sorted(name for name in named if name not in KINDS):
        if name in unusable_guests():
            yield dataclasses.replace(unusable_guests()[name], file=loaded.document.file)


def _kinds(value: Json) -> Iterator[str]:
    """Every kind that is named in a step, nested steps included."""
    match value:
        case dict():
            if isinstance(kind := value.get("kind"), str):
                yield kind
            for inner in value.values():
                yield from _kinds(inner)
        case list():
            for inner in value:
                yield from _kinds(inner)
        case _:
            pass

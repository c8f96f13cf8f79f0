"""The verdict on a file's data: nothing, or one diagnostic for each mistake.

The verdict itself is given by ``jsonschema_rs``; the library with the words is imported only where something is wrong.
The schema is composed each time, for the verdict of those kinds alone that the file has steps or defaults of: to
compile it for all of them would take longer than all else that is done with a small file.
"""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import jsonschema_rs

from runbook.language.document import Document
from runbook.language.every_step import every_step
from runbook.language.places import Path
from runbook.language.schema import compose, plain_fields
from runbook.language.typed import elements, mapping
from runbook.model.canonical import Json, JsonObject
from runbook.model.diagnostics import Diagnostic
from runbook.model.kind import KindClass, Registry

if TYPE_CHECKING:
    from runbook.language.mistakes import Complaint


def validate_runbook(document: Document, registry: Registry) -> list[Diagnostic]:
    """Every mistake that the schema sees in a runbook, in no particular order."""
    return list(complaints_about(document, registry).values())


def complaints_about(document: Document, registry: Registry) -> "Mapping[Complaint, Diagnostic]":
    """What the schema has to say of a runbook, as what is said and as diagnostics, in no particular order."""
    data = completed(document.data, registry)
    used = {step.kind.NAME for step in every_step(data, registry)} | mapping(mapping(data).get("defaults")).keys()
    if is_valid(compose({name: registry[name] for name in sorted(used) if name in registry}), data):
        return {}
    return _complaints(document, compose(registry), data, registry)


def validate(document: Document, schema: JsonObject) -> list[Diagnostic]:
    """Every mistake that a schema sees in a file, in no particular order."""
    return [] if is_valid(schema, document.data) else [*_complaints(document, schema, document.data, ()).values()]


def is_valid(schema: JsonObject, data: Json) -> bool:
    """Whether data is what a schema says."""
    return jsonschema_rs.Draft202012Validator(schema).is_valid(data)


def _complaints(
    document: Document, schema: JsonObject, data: Json, kinds: Collection[str]
) -> "Mapping[Complaint, Diagnostic]":
    """The words about a file that is not valid.

    :raises RuntimeError: if the two libraries do not agree, which is our own fault.
    """
    from runbook.language.complaints import complaints

    found = complaints(document, data, schema, kinds)
    if not found:
        message = f"{document.file} is refused by jsonschema-rs and accepted by jsonschema"
        raise RuntimeError(message)
    return found


def completed(data: Json, registry: Registry) -> Json:
    """A file's data in which no step lacks a required field that the file's ``defaults`` give it."""
    defaults = mapping(mapping(data).get("defaults"))
    missing: dict[Path, dict[str, Json]] = {}
    for step in every_step(data, registry) if defaults else ():
        given = mapping(defaults.get(step.kind.NAME))
        fields = {name: given[name] for name in _fillable(step.kind) if name in given and name not in step.raw}
        if fields:
            missing[step.path] = fields
    return _filled(data, (), missing) if missing else data


def _fillable(kind: KindClass) -> list[str]:
    plain = plain_fields(kind)
    return [name for name in elements(kind.SCHEMA.get("required")) if isinstance(name, str) and name in plain]


def _filled(data: Json, path: Path, missing: Mapping[Path, Mapping[str, Json]]) -> Json:
    """A copy of the data with the missing fields at their places."""
    match data:
        case dict():
            copy = {key: _filled(value, (*path, key), missing) for key, value in data.items()}
            return {**copy, **missing.get(path, {})}
        case list():
            return [_filled(value, (*path, index), missing) for index, value in enumerate(data)]
        case _:
            return data

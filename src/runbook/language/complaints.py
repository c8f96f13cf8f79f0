"""What is wrong with a file's data, in our words: one diagnostic for each mistake.

It is imported only when the verdict is that something is wrong, for the validator that it needs costs more to import
than all else that ``check`` does. Two keywords are read in a way of our own: the end of a pattern is the end of the
text, and a text in place of another type is judged as that type unless it is a ``${{ }}``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from runbook.language import key_complaints, value_complaints
from runbook.language.document import Document
from runbook.language.mistakes import Complaint, Mistake
from runbook.language.places import Path
from runbook.language.scalars import Style
from runbook.language.typed import mapping, text
from runbook.model.canonical import Json, JsonObject
from runbook.model.diagnostics import Code, Diagnostic

_TEMPLATE = {"$ref": "#/$defs/template"}


def complaints(
    document: Document, data: Json, schema: JsonObject, kinds: Iterable[str]
) -> Mapping[Complaint, Diagnostic]:
    """Every mistake in a file whose data is not what the schema says, in no particular order.

    Of a file in a version that is yet to come only that is said: its other mistakes may be none.

    :param data: the document's data, perhaps with more in it that the file's defaults filled in; a mistake there is
        left to its own place in ``defaults``.
    """
    definitions = mapping(schema.get("$defs"))
    if other := key_complaints.other_file(mapping(data), text(schema.get("title"))):
        return {other: _diagnostic(other, document)}
    found: dict[Complaint, Diagnostic] = {}
    said: set[tuple[Code, Path, str]] = set()
    for error in _Validator(schema).iter_errors(data):
        for complaint in _about(_mistake(error), document, definitions, tuple(kinds)):
            mistake = (complaint.code, complaint.path, complaint.message)
            if document.has(complaint.path) and mistake not in said:
                said.add(mistake)
                found[complaint] = _diagnostic(complaint, document)
    version = mapping(data).get("runbook") or mapping(data).get("scenario")
    newer = {one: diagnostic for one, diagnostic in found.items() if diagnostic.code is value_complaints.VERSION}
    return newer if newer and value_complaints.is_newer(version) else found


def _pattern(validator: Any, pattern: str, instance: Json, schema: JsonObject) -> Iterator[ValidationError]:  # noqa: ANN401 - the validator's class is made at run time
    """``pattern``, with ``$`` for the very end: Python's own lets a newline follow."""
    del validator, schema
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _if(validator: Any, condition: JsonObject, instance: Json, schema: JsonObject) -> Iterator[ValidationError]:  # noqa: ANN401 - as above
    """``if``, except that a text in place of another type is judged as that type unless it is a ``${{ }}``."""
    fits = validator.evolve(schema=condition).is_valid(instance)
    if fits and schema.get("then") == _TEMPLATE and not validator.evolve(schema=_TEMPLATE).is_valid(instance):
        fits = False
    branch = "then" if fits else "else"
    if branch in schema:
        yield from validator.descend(instance, schema[branch], schema_path=branch)


_Validator: type[Validator] = extend(Draft202012Validator, {"if": _if, "pattern": _pattern})  # type: ignore[no-untyped-call] # so it is declared


def _mistake(error: ValidationError) -> Mistake:
    return Mistake(
        path=tuple(error.absolute_path),
        keyword=str(error.validator),
        wanted=cast("Json", error.validator_value),
        value=cast("Json", error.instance),
        schema=mapping(cast("Json", error.schema)),
        name="propertyNames" in error.absolute_schema_path,
        or_mapping=list(error.absolute_schema_path)[-2:] == ["then", "enum"],
        or_template=list(error.absolute_schema_path)[-2:] == ["else", "type"],
    )


def _about(
    mistake: Mistake,
    document: Document,
    definitions: Mapping[str, Json],
    kinds: tuple[str, ...],
) -> Iterator[Complaint]:
    """What is said about a mistake: mostly one thing, but one for each key of several that are unknown or missing."""
    match mistake.keyword:
        case "additionalProperties":
            yield from key_complaints.unknown_keys(mistake, definitions)
        case "required":
            yield from key_complaints.missing_keys(mistake, definitions)
        case "minProperties" | "maxProperties" if mistake.path[0] in {"secrets", "reminders"}:
            yield from key_complaints.wrong_number_of_keys(mistake)
        case "type":
            scalar = document.scalar(mistake.path)
            plain = scalar.raw if scalar is not None and scalar.style is Style.PLAIN else None
            yield value_complaints.wrong_type(mistake, plain)
        case "enum" | "const":
            yield value_complaints.wrong_word(mistake, kinds)
        case "pattern":
            yield value_complaints.wrong_form(mistake)
        case "minItems" | "minProperties" | "minLength":
            yield value_complaints.too_few(mistake)
        case "minimum" | "maximum":
            yield value_complaints.out_of_limits(mistake)
        case _:
            yield value_complaints.forbidden(mistake)


def _diagnostic(complaint: Complaint, document: Document) -> Diagnostic:
    """A complaint at its place in the text."""
    return Diagnostic(
        code=complaint.code,
        message=complaint.message,
        file=document.file,
        span=document.key_span(complaint.path) if complaint.at_key else document.span(complaint.path),
        label=complaint.label,
        help=complaint.help,
    )

"""Answers files: their schema, and from checked data to :class:`~runbook.model.answers.Answers`.

Whether an address is in the runbook, and whether a yes stands where a phrase is wanted, is judged before the walk by
the driver, which knows the runbook.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runbook.language import typed
from runbook.language.document import Document
from runbook.language.envelope import VALUES
from runbook.language.places import Path
from runbook.model.answers import Answer, Answers
from runbook.model.canonical import Json, JsonObject
from runbook.model.diagnostics import Diagnostic, Span
from runbook.model.fragments import closed, enumeration

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ADDRESS: JsonObject = {
    "type": "string",
    "pattern": r"^([a-z][a-z0-9_]*(\[[0-9]+\])?/)*[a-z][a-z0-9_]*(\[[0-9]+\])?(\.[a-z][a-z0-9_]*)?$",
    "description": "The address of a step: ID, outer/inner, ID[2], ID.undo, ID.probe, ID.until, or ID.ITEM.",
}
"""The schema of an address; its pattern is that of :data:`runbook.model.address.ADDRESS`."""


def _text(description: str) -> JsonObject:
    return {"type": "string", "description": description}


def _by_name(value: JsonObject, description: str) -> JsonObject:
    return {
        "type": "object",
        "propertyNames": {"$ref": "#/$defs/variable"},
        "additionalProperties": value,
        "description": description,
    }


def schema_of_answers(**more: JsonObject) -> JsonObject:
    """The schema of a list of answers, with further keys of an answer."""
    return {
        "type": "array",
        "description": "Answers, used in order for each address; one serves one visit with all its questions.",
        "items": closed(
            "What is answered in one visit of a step.",
            ["step"],
            step={"$ref": "#/$defs/address"},
            confirm=_text("`yes`, `no`, or the phrase to type; for an item of a checklist also `not_verified`."),
            choose={"$ref": "#/$defs/name", "description": "The id of the option to take."},
            fields=_by_name({"$ref": "#/$defs/value"}, "What is filled into a form, by field."),
            items=_by_name(
                enumeration("The answer to an item.", "yes", "no", "not_verified"), "A checklist's answers."
            ),
            notes=_by_name({"type": "string"}, "Remarks on a checklist's items."),
            outcome=enumeration("How it went, of what a person does.", "done", "failed"),
            do=enumeration(
                "What to do after a failure or a refusal.", "retry", "skip", "abort", "undo", "go_to", "override"
            ),
            to={"$ref": "#/$defs/address", "description": "The step to go to, with `do: go_to`."},
            settle=enumeration("What became of a change whose result nobody saw.", "passed", "failed", "unknown"),
            evidence=_text("What shows that it was done."),
            reason=_text("Why."),
            **more,
        ),
    }


DEFINITIONS: JsonObject = {**{name: VALUES[name] for name in ("name", "variable", "value", "time")}, "address": ADDRESS}
"""What the schemas of answers files and scenarios refer to."""
SCHEMA: JsonObject = {
    "$schema": DIALECT,
    "title": "Answers file",
    "description": "What an operator would say, for a run that nobody attends.",
    "type": "object",
    "properties": {"answers": schema_of_answers()},
    "required": ["answers"],
    "additionalProperties": False,
    "$defs": DEFINITIONS,
}
"""The schema of an answers file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedAnswers:
    """An answers file, as :class:`~runbook.language.loading.Loaded` is a runbook's."""

    text: str
    document: Document | None
    diagnostics: Sequence[Diagnostic]
    answers: Answers | None


def bind_answers(document: Document) -> Answers:
    """The answers that a file gives, which the schema has found nothing wrong with."""
    return Answers(
        file=document.file,
        entries=answers_of(typed.mapping(document.data).get("answers"), ("answers",), document),
    )


def answers_of(raw: Json, path: Path, document: Document) -> tuple[Answer, ...]:
    """A list of answers at a place of a file."""
    return tuple(_answer(entry, (*path, index), document) for index, entry in enumerate(typed.elements(raw)))


def _answer(entry: Json, path: Path, document: Document) -> Answer:
    raw = typed.mapping(entry)
    return Answer(
        step=typed.text(raw["step"]),
        span=document.span((*path, "step")),
        confirm=typed.text_or_none(raw.get("confirm")),
        choose=typed.text_or_none(raw.get("choose")),
        fields=typed.mapping(raw["fields"]) if "fields" in raw else None,
        items=typed.texts_by_name(raw.get("items")),
        notes=typed.texts_by_name(raw.get("notes")),
        approvals=typed.texts(raw.get("approvals")),
        refusals=typed.texts_by_name(raw.get("refusals")),
        outcome=typed.text_or_none(raw.get("outcome")),
        do=typed.text_or_none(raw.get("do")),
        to=typed.text_or_none(raw.get("to")),
        settle=typed.text_or_none(raw.get("settle")),
        evidence=typed.text_or_none(raw.get("evidence")),
        reason=typed.text_or_none(raw.get("reason")),
        spans=dict(_spans(raw, path, document)),
    )


def _spans(raw: Mapping[str, Json], path: Path, document: Document) -> Iterator[tuple[str, Span]]:
    """The places of an entry's keys, and of the keys in them."""
    for key, value in raw.items():
        yield key, document.span((*path, key))
        yield from ((f"{key}.{name}", document.span((*path, key, name))) for name in typed.mapping(value))

"""Scenario files: their schema, and from checked data to :class:`~runbook.model.scenario.Scenario`.

Whether an address is in the runbook is judged by who loads both. An entry of ``world`` is an observation, or says
what goes wrong instead; which fields a kind observes is not looked at here, for a guest may observe anything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from runbook.language import typed
from runbook.language.answers import DEFINITIONS, DIALECT, answers_of, schema_of_answers
from runbook.language.document import Document
from runbook.language.findings import short
from runbook.model.canonical import Json, JsonObject
from runbook.model.diagnostics import Code, Diagnostic, Span
from runbook.model.fragments import closed, enumeration
from runbook.model.runbook import Finish
from runbook.model.scenario import Expected, Scenario, Scripted, ScriptedEvent, ScriptedStep, ToldRun, Trouble

NO_MOMENT = Code(
    number="RB354",
    title="moment at which no scenario begins",
    why="`starts` says when it is as a scenario begins, so that what its world tells of times, such as the age of a "
    "backup, is the same on every day. It is a date and a time in UTC, as a log has them, and only a simulated clock "
    "begins there.",
)
_TIME: JsonObject = {"$ref": "#/$defs/time"}
_TROUBLES = tuple(trouble.value for trouble in Trouble)


def _text(description: str) -> JsonObject:
    return {"type": "string", "description": description}


def _addresses(description: str) -> JsonObject:
    return {"type": "array", "items": {"$ref": "#/$defs/address"}, "description": description}


def _trouble(description: str) -> JsonObject:
    """``true``, or the reason as a text."""
    return {"if": {"type": "string"}, "else": {"enum": [True]}, "description": description}


_ENTRY: JsonObject = {
    "type": "object",
    "description": "What one attempt meets: the fields it observes, or what goes wrong.",
    "properties": {
        "lost": _trouble("It was sent and the connection was lost: nobody saw the result."),
        "timeout": _trouble("It was sent and did not answer in time."),
        "refused": _trouble("It was refused before anything was sent."),
        "error": _trouble("It could not be done at all, and nothing was changed."),
        "delay": {"$ref": "#/$defs/time", "description": "How long it takes."},
    },
}

_APPROVALS: JsonObject = {
    "type": "array",
    "items": {"type": "string", "minLength": 1},
    "minItems": 1,
    "description": "Who approves, where the step or an override of its guards must be approved.",
}
_REFUSALS: JsonObject = {
    "type": "object",
    "additionalProperties": {"type": "string", "minLength": 1},
    "minProperties": 1,
    "description": "Who refuses to approve, and why. Who is named neither here nor in `approvals` does not answer.",
}
_RUN: JsonObject = closed(
    "Another live run, as guards see it.",
    ["run", "ago"],
    run=_text("Its id."),
    ago=_TIME | {"description": "How long before the scenario begins its steps were started, and it ended."},
    runbook=_text("The id of its runbook; default: this one's."),
    environment=_text("Its environment."),
    operator=_text("Who walked it; default: the scenario's operator."),
    started={
        "type": "array",
        "items": {
            "if": {"type": "string"},
            "then": {"$ref": "#/$defs/name"},
            "else": closed(
                "A step, and the key that a cooldown counts it under.",
                ["step", "key"],
                step={"$ref": "#/$defs/name"},
                key=_text("The key."),
            ),
            "description": "A step; its key is the default one.",
        },
        "description": "The steps that it started.",
    },
    finish=enumeration("How it ended; without it, it is not over.", *(finish.value for finish in Finish)),
    passed={"type": "array", "items": {"$ref": "#/$defs/name"}, "description": "The steps that passed in it."},
)

SCHEMA: JsonObject = {
    "$schema": DIALECT,
    "title": "Scenario",
    "description": "The scripted world of a drill or of a headless test.",
    "type": "object",
    "properties": {
        "scenario": {"enum": ["v1"], "description": "The version of the language."},
        "runbook": _text("The runbook's file, relative to this one."),
        "title": _text("One line."),
        "briefing": _text("What the trainee is told at the start."),
        "environment": _text("The environment of the runbook."),
        "inputs": {
            "type": "object",
            "propertyNames": {"$ref": "#/$defs/variable"},
            "additionalProperties": {"$ref": "#/$defs/value"},
            "description": "The runbook's inputs.",
        },
        "operator": _text("Who walks."),
        "clock": enumeration("`simulated`: waits pass at once.", "simulated", "real", default="simulated"),
        "starts": _text("When it is as it begins, in UTC, such as `2026-11-21T03:12:00Z`; default: now."),
        "past": {
            "type": "array",
            "items": _RUN,
            "description": "Other live runs that guards see.",
        },
        "world": {
            "type": "object",
            "propertyNames": {"$ref": "#/$defs/address"},
            "additionalProperties": {"type": "array", "items": _ENTRY, "minItems": 1},
            "description": "What happens at each address, one entry an attempt; the last repeats.",
        },
        "events": {
            "type": "array",
            "items": closed(
                "Something that is said to the trainee.",
                ["after", "say"],
                after=_TIME | {"description": "How long after the start."},
                say=_text("What."),
            ),
            "description": "What is said while the clock runs.",
        },
        "answers": schema_of_answers(approvals=_APPROVALS, refusals=_REFUSALS),
        "expect": closed(
            "What a good walk looks like.",
            finish=enumeration("How it ends.", *(finish.value for finish in Finish)),
            path=_addresses("The steps that are entered, in order."),
            must=_addresses("Steps that must pass."),
            never=_addresses("Steps that must never start."),
            within=_TIME | {"description": "How long it may take."},
        ),
    },
    "required": ["scenario", "runbook"],
    "additionalProperties": False,
    "$defs": DEFINITIONS,
}
"""The schema of a scenario file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedScenario:
    """A scenario file, as :class:`~runbook.language.loading.Loaded` is a runbook's."""

    text: str
    document: Document | None
    diagnostics: Sequence[Diagnostic]
    scenario: Scenario | None


def bind_scenario(document: Document) -> Scenario:
    """The scenario that a file tells, which the schema has found nothing wrong with."""
    top = typed.mapping(document.data)
    expect = typed.mapping(top.get("expect"))
    return Scenario(
        file=document.file,
        runbook=typed.text(top["runbook"]),
        source=document.raw,
        title=typed.text(top.get("title")),
        briefing=typed.text(top.get("briefing")),
        environment=typed.text_or_none(top.get("environment")),
        inputs=typed.mapping(top.get("inputs")),
        operator=typed.text(top.get("operator")) or "trainee",
        simulated=top.get("clock") != "real",
        starts=typed.text_or_none(top.get("starts")),
        past=tuple(
            _run(typed.mapping(run), document.span(("past", place)))
            for place, run in enumerate(typed.elements(top.get("past")))
        ),
        world={
            address: ScriptedStep(
                address=address,
                span=document.key_span(("world", address)),
                attempts=tuple(_scripted(typed.mapping(entry)) for entry in typed.elements(entries)),
            )
            for address, entries in typed.mapping(top.get("world")).items()
        },
        events=tuple(
            ScriptedEvent(after=typed.time(event["after"]) or 0, say=typed.text(event["say"]))
            for event in map(typed.mapping, typed.elements(top.get("events")))
        ),
        answers=answers_of(top.get("answers"), ("answers",), document),
        expect=Expected(
            finish=Finish(expect["finish"]) if "finish" in expect else None,
            path=typed.texts(expect.get("path")),
            must=typed.texts(expect.get("must")),
            never=typed.texts(expect.get("never")),
            within=typed.time(expect.get("within")),
        ),
    )


def looked_at(document: Document) -> Iterator[Diagnostic]:
    """What is wrong with a scenario that the schema has found nothing wrong with."""
    top = typed.mapping(document.data)
    starts = typed.text_or_none(top.get("starts"))
    if starts is None:
        return
    if not _is_moment(starts):
        message, help_ = f"`{short(starts)}` is no moment in UTC", "write it as `2026-11-21T03:12:00Z`"
    elif top.get("clock") == "real":
        message, help_ = "a real clock shows the time that it is", "take `starts` out, or write `clock: simulated`"
    else:
        return
    yield Diagnostic(code=NO_MOMENT, message=message, file=document.file, span=document.span(("starts",)), help=help_)


def _is_moment(text: str) -> bool:
    try:
        return text.endswith("Z") and datetime.fromisoformat(text).isoformat()[:19] == text[:19]
    except ValueError:
        return False


def _run(raw: Mapping[str, Json], span: Span) -> ToldRun:
    return ToldRun(
        run=typed.text(raw["run"]),
        ago=typed.time(raw["ago"]) or 0,
        span=span,
        runbook=typed.text_or_none(raw.get("runbook")),
        environment=typed.text_or_none(raw.get("environment")),
        operator=typed.text_or_none(raw.get("operator")),
        started=tuple(_started(each) for each in typed.elements(raw.get("started"))),
        finish=Finish(raw["finish"]) if "finish" in raw else None,
        passed=typed.texts(raw.get("passed")),
    )


def _started(raw: Json) -> tuple[str, str | None]:
    keyed = typed.mapping(raw)
    return (typed.text(keyed["step"]), typed.text(keyed["key"])) if keyed else (typed.text(raw), None)


def _scripted(entry: Mapping[str, Json]) -> Scripted:
    trouble = next((word for word in _TROUBLES if word in entry), None)
    return Scripted(
        observation={name: value for name, value in entry.items() if name not in {*_TROUBLES, "delay"}},
        trouble=Trouble(trouble) if trouble else None,
        reason=typed.text(entry.get(trouble)) if trouble else "",
        delay=typed.time(entry.get("delay")) or 0,
    )

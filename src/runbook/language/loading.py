"""Loads a file: text, data, meaning, each judged before the next, and every diagnostic of it in file order.

Text that is no YAML ends the loading. Where the schema refuses something, the rest is judged without it, and nothing is
said that might only follow from it: a misspelt ``next`` would make steps unreachable.
What not every file needs is imported where it is needed: a small file takes less time than the imports.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from runbook.language.binding import bind
from runbook.language.consistency import consistency
from runbook.language.document import Document
from runbook.language.doubt import NONE
from runbook.language.every_step import Written, every_step
from runbook.language.hazards import hazards
from runbook.language.inputs import declared
from runbook.language.lint import lint
from runbook.language.repeating import repeating
from runbook.language.reviewing import reviewing
from runbook.language.safety import safety
from runbook.language.source import Unread, read
from runbook.language.validation import complaints_about, validate
from runbook.model.canonical import JsonObject
from runbook.model.diagnostics import Diagnostic, Severity, Span
from runbook.model.kind import Registry
from runbook.model.runbook import Runbook

if TYPE_CHECKING:
    from datetime import date

    from runbook.language.answers import LoadedAnswers
    from runbook.language.included import Origin
    from runbook.language.scenario import LoadedScenario

_ELSEWHERE = frozenset({"RB270", "RB271", "RB272", "RB280"})
"""Codes that depend on more than the file, such as its scenarios or the day: nobody knows whether there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A runbook's file: ``text`` is what frames show of it, and the diagnostics are in file order.

    ``document`` is None where the text is no data, ``runbook`` where there is an error among the diagnostics.
    ``files`` are the bytes of the file and of every runbook that it walks, by name, this one first.
    """

    text: str
    document: Document | None
    diagnostics: Sequence[Diagnostic]
    runbook: Runbook | None
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """The digest of the file's bytes; empty where they are no data."""
        import hashlib  # a check needs none

        return "" if self.document is None else hashlib.sha256(self.document.raw).hexdigest()


def load(path: str, registry: Registry, origin: "Origin | None" = None, *, today: "date | None" = None) -> Loaded:
    """Read a runbook and judge all of it, and what it walks.

    :param path: as the user wrote it; diagnostics show it so.
    :param origin: its name and where the runbooks that it walks are found, where that is not beside it.
    :param today: the day on which its review may be overdue; None: whatever the day, as for a walk or a log. It is the
        file's own review that is judged, not those of the runbooks that it walks.
    """
    text, document, found = _read(path)
    if document is None:
        return Loaded(text=text, document=None, diagnostics=_in_file_order(found), runbook=None)
    complaints = complaints_about(document, registry)
    found += complaints.values()
    judged, doubt = document, NONE
    if complaints:
        from runbook.language.salvage import salvaged  # only where something is wrong

        left = salvaged(document, complaints, registry)
        if left is None:
            return Loaded(text=text, document=document, diagnostics=_in_file_order(found), runbook=None)
        judged, doubt = left
    steps = tuple(every_step(judged.data, registry))
    found += consistency(judged, _sure(steps, doubt.steps), whole=not doubt.top)
    found += declared(judged, _sure(steps, doubt.steps), whole="inputs" not in doubt.families)
    found += safety(judged, _sure(steps, doubt.unsafe))
    found += hazards(judged, _sure(steps, doubt.steps))
    found += repeating(judged, _sure(steps, doubt.steps))
    found += () if doubt.top else reviewing(judged, today)
    kinds = {step.kind.NAME: step.kind for step in steps}
    runbook = bind(judged, kinds)
    files = {origin.name if origin else path: document.raw}
    whole = True
    if "runbook" in kinds:
        from runbook.language.included import Origin, included  # few runbooks walk others

        inside = included(
            runbook, judged, origin or Origin(name=path), lambda path, origin: load(path, registry, origin)
        )
        found += () if complaints else inside.diagnostics  # it may follow from what the schema refuses
        files |= inside.files
        whole = not inside.diagnostics
        runbook = replace(runbook, included=inside.runbooks)
    if whole:
        found += lint(runbook, judged, kinds, doubt)
    wrong = _has_error(found)
    if "# runbook: " in document.text:
        from runbook.language.allowances import Allowances  # few files allow anything

        allowances = Allowances(document)
        kept = allowances.without(found)
        found = [*kept, *allowances.problems(found, lambda code: not wrong and code not in _ELSEWHERE)]
    return Loaded(
        text=text,
        document=document,
        diagnostics=_in_file_order(found),
        runbook=None if wrong else runbook,
        files=files,
    )


def _sure(steps: Sequence[Written], unknown: Collection[int]) -> Sequence[Written]:
    """The steps but for those of some numbers, and what is inside them."""
    return [step for step in steps if step.path[1] not in unknown] if unknown else steps


def load_scenario(path: str) -> "LoadedScenario":
    """Read a scenario and judge what can be judged without its runbook.

    :param path: as the user wrote it.
    """
    from runbook.language.scenario import SCHEMA, LoadedScenario, bind_scenario, looked_at

    text, document, found = _read(path, SCHEMA)
    found += () if document is None or _has_error(found) else looked_at(document)
    return LoadedScenario(
        text=text,
        document=document,
        diagnostics=_in_file_order(found),
        scenario=None if document is None or _has_error(found) else bind_scenario(document),
    )


def load_answers(path: str) -> "LoadedAnswers":
    """Read an answers file and judge what can be judged without its runbook.

    :param path: as the user wrote it.
    """
    from runbook.language.answers import SCHEMA, LoadedAnswers, bind_answers

    text, document, found = _read(path, SCHEMA)
    return LoadedAnswers(
        text=text,
        document=document,
        diagnostics=_in_file_order(found),
        answers=None if document is None or _has_error(found) else bind_answers(document),
    )


def _read(path: str, schema: JsonObject | None = None) -> tuple[str, Document | None, list[Diagnostic]]:
    """A file's text, its data if it is some, and what is wrong with the one or, if there is a schema, the other."""
    try:
        document = read(path)
    except Unread as unread:
        return unread.text, None, list(unread.diagnostics)
    found = list(document.warnings())
    if schema is not None:
        found += validate(document, schema)
    return document.text, document, found


def _in_file_order(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Diagnostics by their place, those about the whole file first."""
    nowhere = Span(0, 0, 0, 0)
    return tuple(sorted(found, key=lambda diagnostic: (diagnostic.span or nowhere, diagnostic.code.number)))


def _has_error(found: Iterable[Diagnostic]) -> bool:
    return any(diagnostic.severity is Severity.ERROR for diagnostic in found)

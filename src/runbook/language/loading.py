"""Loads a file: text, data, meaning, each judged before the next, and every diagnostic of it in file order.

A stage that finds an error ends the loading, because what a later one said of a broken file would be guesswork:
a misspelt ``next`` would make steps unreachable. The last stage looks at everything that a whole runbook can be.
What not every file needs is imported where it is needed: a small file takes less time than the imports.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runbook.language.binding import bind
from runbook.language.consistency import consistency
from runbook.language.document import Document
from runbook.language.every_step import every_step
from runbook.language.inputs import declared
from runbook.language.lint import lint
from runbook.language.not_yet import not_yet
from runbook.language.safety import safety
from runbook.language.source import Unread, read
from runbook.language.validation import validate, validate_runbook
from runbook.model.canonical import JsonObject
from runbook.model.diagnostics import Diagnostic, Severity, Span
from runbook.model.kind import Registry
from runbook.model.runbook import Runbook

if TYPE_CHECKING:
    from runbook.model.answers import Answers
    from runbook.model.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that was read: ``text`` is what frames show of it, ``diagnostics`` are in file order.

    ``document`` is None where its text is no data.
    """

    text: str
    document: Document | None
    diagnostics: Sequence[Diagnostic]

    @property
    def broken(self) -> bool:
        """Whether there is an error among the diagnostics."""
        return any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded(File):
    """A runbook's file; ``runbook`` is None where it is broken. ``sha256`` is that of its bytes, empty if unread."""

    runbook: Runbook | None
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedScenario(File):
    """A scenario's file; ``scenario`` is None where it is broken."""

    scenario: "Scenario | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedAnswers(File):
    """An answers file; ``answers`` is None where it is broken."""

    answers: "Answers | None"


def load(path: str, registry: Registry) -> Loaded:
    """Read a runbook and judge all of it.

    :param path: as the user wrote it; diagnostics show it so.
    """
    file = _read(path)
    if file.document is None:
        return Loaded(text=file.text, document=None, diagnostics=file.diagnostics, runbook=None, sha256="")
    import hashlib  # not before there is something to digest

    document = file.document
    found = [*file.diagnostics, *validate_runbook(document, registry)]
    runbook = None
    if not _has_error(found):
        steps = tuple(every_step(document.data, registry))
        for stage in (consistency, declared, safety, not_yet):
            found += stage(document, steps)
        kinds = {step.kind.NAME: step.kind for step in steps}
        runbook = bind(document, kinds)
        found += lint(runbook, document, kinds)
    return Loaded(
        text=file.text,
        document=document,
        diagnostics=_in_file_order(found),
        runbook=None if _has_error(found) else runbook,
        sha256=hashlib.sha256(document.raw).hexdigest(),
    )


def load_scenario(path: str) -> LoadedScenario:
    """Read a scenario and judge what can be judged without its runbook.

    :param path: as the user wrote it.
    """
    from runbook.language.scenario import SCHEMA, bind_scenario

    file = _validated(_read(path), SCHEMA)
    scenario = bind_scenario(file.document) if file.document is not None and not file.broken else None
    return LoadedScenario(text=file.text, document=file.document, diagnostics=file.diagnostics, scenario=scenario)


def load_answers(path: str) -> LoadedAnswers:
    """Read an answers file and judge what can be judged without its runbook.

    :param path: as the user wrote it.
    """
    from runbook.language.answers import SCHEMA, bind_answers

    file = _validated(_read(path), SCHEMA)
    answers = bind_answers(file.document) if file.document is not None and not file.broken else None
    return LoadedAnswers(text=file.text, document=file.document, diagnostics=file.diagnostics, answers=answers)


def _read(path: str) -> File:
    """A file's data, or what is wrong with its text."""
    try:
        document = read(path)
    except Unread as unread:
        return File(text=unread.text, document=None, diagnostics=_in_file_order(unread.diagnostics))
    return File(text=document.text, document=document, diagnostics=document.warnings())


def _validated(file: File, schema: JsonObject) -> File:
    """A file whose data is judged too, if it has any."""
    if file.document is None:
        return file
    found = [*file.diagnostics, *validate(file.document, schema)]
    return File(text=file.text, document=file.document, diagnostics=_in_file_order(found))


def _in_file_order(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Diagnostics by their place, those about the whole file first."""
    nowhere = Span(0, 0, 0, 0)
    return tuple(sorted(found, key=lambda diagnostic: (diagnostic.span or nowhere, diagnostic.code.number)))


def _has_error(found: Iterable[Diagnostic]) -> bool:
    return any(diagnostic.severity is Severity.ERROR for diagnostic in found)

"""``runbook check``: schema, graph, type and safety diagnostics of runbooks and scenarios."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple

from runbook.cli.options import Parser, format_option, is_directory
from runbook.cli.width import room_on
from runbook.kinds.registry import KINDS
from runbook.language import files
from runbook.language.loading import load, load_answers, load_scenario
from runbook.language.reviewing import calendar_date
from runbook.language.source import Document
from runbook.model.diagnostics import Code, Diagnostic, Severity
from runbook.model.runbook import Runbook

if TYPE_CHECKING:
    from runbook.model.scenario import Scenario

NOTHING_THERE = Code(
    number="RB317",
    title="nothing to check",
    why="A directory stands for every runbook and scenario below it, and there is none in this one. A check of nothing "
    "says nothing, and would be taken for a success.",
)


_UNREADABLE = frozenset({files.MISSING, files.NO_FILE, files.CLOSED, files.TOO_LARGE, NOTHING_THERE})
"""What is wrong with a path rather than with what stands in the file."""


class _Checked(NamedTuple):
    """A file as it was looked at: its text, and its ``document``, which is None where the text is no data."""

    file: str
    text: str
    document: Document | None
    diagnostics: Sequence[Diagnostic]
    runbook: Runbook | None = None
    scenario: "Scenario | None" = None


def main(arguments: Sequence[str]) -> int:
    """Check files; 1 if there is an error, 2 if a path cannot be read, else 0."""
    parser = Parser("check", "Look for mistakes in runbooks and scenarios. A directory means every one below it.")
    parser.add_argument("paths", metavar="PATH", nargs="*", default=["."], help="a file or a directory; default: .")
    parser.add_argument(
        "--today", metavar="DATE", type=_day, help="the day on which a review may be overdue; default: today, in UTC"
    )
    format_option(parser, ("text", "line", "json", "sarif", "github"))
    options = parser.parse_args(arguments)
    found: list[tuple[Diagnostic, str]] = []
    today = options.today or datetime.now(UTC).date()
    for path in options.paths:
        for checked in _below(path, today) if is_directory(path) else (_check(path, today),):
            found += [(diagnostic, checked.text) for diagnostic in checked.diagnostics]
    unreadable = any(diagnostic.code in _UNREADABLE for diagnostic, _ in found)
    if found or options.format in {"json", "sarif"}:
        _write(found, options.format, complete=not unreadable)
    if unreadable:
        return 2
    return 1 if any(diagnostic.severity is Severity.ERROR for diagnostic, _ in found) else 0


def _day(text: str) -> date:
    """A calendar date, as a file has it.

    :raises ArgumentTypeError: if it is something else.
    """
    if (day := calendar_date(text)) is None:
        raise argparse.ArgumentTypeError(f"`{text[:20]}` is no calendar date such as 2026-11-21")
    return day


def _below(directory: str, today: date) -> Iterator[_Checked]:
    """Every file below a directory; where all are seen, steps that no scenario walks are told too."""
    from runbook.cli.below import files_below  # not for a single file

    below = files_below(directory, ("runbook:", "scenario:"))
    if not below:
        message = "there is no runbook or scenario below this directory"
        nothing = Diagnostic(code=NOTHING_THERE, message=message, file=directory, help="name a file")
        yield _Checked(directory, "", None, [nothing])
        return
    every = [_check(file, today) for file in below]
    scenarios: dict[str, list[Scenario]] = {}
    for checked in every:
        if (scenario := checked.scenario) is not None:
            book = os.path.join(os.path.dirname(checked.file), scenario.runbook)  # noqa: PTH118, PTH120 - as below
            scenarios.setdefault(os.path.realpath(book), []).append(scenario)
    for checked in every:
        mine = scenarios.get(os.path.realpath(checked.file), []) if scenarios else []
        if mine and checked.runbook is not None and checked.document is not None:
            more = _unwalked(checked.runbook, checked.document, mine)
            told = sorted([*checked.diagnostics, *more], key=lambda each: (each.span or (0,), each.code.number))
            yield checked._replace(diagnostics=told)
        else:
            yield checked


def _unwalked(runbook: Runbook, document: Document, scenarios: "Sequence[Scenario]") -> list[Diagnostic]:
    """The steps that no scenario of a runbook walks, but for those of which the file says that it may be so."""
    from runbook.language.allowances import Allowances  # few directories have scenarios
    from runbook.language.unwalked import UNWALKED, unwalked

    allowances = Allowances(document)
    return [*allowances.without(unwalked(runbook, document, scenarios)), *allowances.unused(UNWALKED.number)]


def _check(file: str, today: date) -> _Checked:
    """What is wrong with one file, by what it says it is."""
    key = _first_key(file)
    if key == "scenario":
        scenario = load_scenario(file)
        return _Checked(file, scenario.text, scenario.document, scenario.diagnostics, scenario=scenario.scenario)
    if key == "answers":
        answers = load_answers(file)
        return _Checked(file, answers.text, answers.document, answers.diagnostics)
    loaded = load(file, KINDS, today=today)
    told = loaded.diagnostics
    if loaded.runbook is None:
        from runbook.cli.guests import wanted_guests  # only where something is wrong

        told = [*told, *wanted_guests(loaded)]
    return _Checked(file, loaded.text, loaded.document, told, runbook=loaded.runbook)


def _first_key(file: str) -> str:
    """Which kind of file it is: by the first of the three keys that begins a line."""
    try:
        if not os.path.isfile(file):  # noqa: PTH113 - pathlib is not for a single file
            return "runbook"
        with open(file, encoding="utf-8", errors="replace") as lines:  # noqa: PTH123 - the path is the user's word
            for line in lines:
                key = line.partition(":")[0]
                if key in {"runbook", "scenario", "answers"}:
                    # A scenario names its runbook too.
                    return (
                        "scenario" if key == "runbook" and any(rest.startswith("scenario:") for rest in lines) else key
                    )
    except OSError:
        pass
    return "runbook"


def _write(found: Sequence[tuple[Diagnostic, str]], form: str, *, complete: bool) -> None:
    from runbook.language.frames import as_json, frame, one_line  # only where there is something to show

    match form:
        case "json":
            sys.stdout.write(as_json([diagnostic for diagnostic, _ in found]) + "\n")
        case "line":
            for diagnostic, _ in found:
                sys.stdout.write(one_line(diagnostic) + "\n")
        case "sarif":
            from runbook.language.sarif import sarif  # it has digests to take

            sys.stdout.write(sarif(found, complete=complete) + "\n")
        case "github":
            from runbook.language.annotations import annotation

            for diagnostic, _ in found:
                sys.stdout.write(annotation(diagnostic) + "\n")
        case _:
            for diagnostic, text in found:
                sys.stdout.write(frame(diagnostic, text, width=room_on(sys.stdout)).rstrip("\n") + "\n\n")
            errors = sum(diagnostic.severity is Severity.ERROR for diagnostic, _ in found)
            warnings = len(found) - errors
            sys.stderr.write(f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}\n")

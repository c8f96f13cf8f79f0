"""``runbook check``: schema, graph, type and safety diagnostics of runbooks and scenarios."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

from runbook.cli.options import Parser, format_option, is_directory
from runbook.kinds.registry import KINDS
from runbook.language.loading import load, load_answers, load_scenario
from runbook.language.reviewing import calendar_date
from runbook.language.source import Document
from runbook.model.diagnostics import Code, Diagnostic, Severity

NOTHING_THERE = Code(
    number="RB317",
    title="nothing to check",
    why="A directory stands for every runbook and scenario below it, and there is none in this one. A check of nothing "
    "says nothing, and would be taken for a success.",
)


def main(arguments: Sequence[str]) -> int:
    """Check files; 1 if there is an error, 2 if a path cannot be read, else 0."""
    parser = Parser("check", "Look for mistakes in runbooks and scenarios. A directory means every one below it.")
    parser.add_argument("paths", metavar="PATH", nargs="*", default=["."], help="a file or a directory; default: .")
    parser.add_argument(
        "--today", metavar="DATE", type=_day, help="the day on which a review may be overdue; default: today, in UTC"
    )
    format_option(parser, ("text", "line", "json"))
    options = parser.parse_args(arguments)
    found: list[tuple[Diagnostic, Document | None]] = []
    unreadable = False
    today = options.today or datetime.now(UTC).date()
    for path in options.paths:
        for file in _files(path):
            if file is None:
                message = "there is no runbook or scenario below this directory"
                found.append((Diagnostic(code=NOTHING_THERE, message=message, file=path, help="name a file"), None))
                unreadable = True
                continue
            document, diagnostics = _check(file, today)
            unreadable = unreadable or document is None
            found += [(diagnostic, document) for diagnostic in diagnostics]
    if found or options.format == "json":
        _write(found, options.format)
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


def _files(path: str) -> Iterator[str | None]:
    """The files that a path means; None where there is none."""
    if not is_directory(path):
        yield path
        return
    from runbook.cli.below import files_below  # not for a single file

    below = files_below(path, ("runbook:", "scenario:"))
    if below:
        yield from below
    else:
        yield None


def _check(file: str, today: date) -> tuple[Document | None, Sequence[Diagnostic]]:
    """What is wrong with one file, by what it says it is."""
    key = _first_key(file)
    if key == "scenario":
        scenario = load_scenario(file)
        return scenario.document, scenario.diagnostics
    if key == "answers":
        answers = load_answers(file)
        return answers.document, answers.diagnostics
    loaded = load(file, KINDS, today=today)
    return loaded.document, loaded.diagnostics


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


def _write(found: Sequence[tuple[Diagnostic, Document | None]], form: str) -> None:
    from runbook.language.frames import as_json, frame, one_line  # only where there is something to show

    match form:
        case "json":
            sys.stdout.write(as_json([diagnostic for diagnostic, _ in found]) + "\n")
        case "line":
            for diagnostic, _ in found:
                sys.stdout.write(one_line(diagnostic) + "\n")
        case _:
            for diagnostic, document in found:
                sys.stdout.write(frame(diagnostic, document.text if document else "").rstrip("\n") + "\n\n")
            errors = sum(diagnostic.severity is Severity.ERROR for diagnostic, _ in found)
            warnings = len(found) - errors
            sys.stderr.write(f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}\n")

"""Which steps of a runbook none of its scenarios walks, as the scenarios themselves say it: nothing is walked here."""

from collections.abc import Iterator, Sequence

from runbook.language.document import Document
from runbook.model.diagnostics import Code, Diagnostic, Severity
from runbook.model.runbook import Runbook
from runbook.model.scenario import Scenario

UNWALKED = Code(
    number="RB280",
    title="step that no scenario walks",
    why="A step that no scenario comes through is tried for the first time in an incident. It is said where a "
    "directory is checked in which the runbook has scenarios with `finish` and `path`, for only those say where "
    "they come through. `runbook test` walks them, and tells of each edge that none does.",
    severity=Severity.WARNING,
)


def unwalked(runbook: Runbook, document: Document, scenarios: Sequence[Scenario]) -> Iterator[Diagnostic]:
    """Every step that is in the path of no scenario; none where no scenario tells its path.

    :param scenarios: all that there are of the runbook.
    """
    telling = [scenario.expect.path for scenario in scenarios if scenario.expect.finish and scenario.expect.path]
    walked = {address.partition("/")[0].partition("[")[0] for path in telling for address in path}
    for step in runbook.steps if telling else ():
        if step.id not in walked:
            yield Diagnostic(
                code=UNWALKED,
                message=f"no scenario walks `{step.id}`",
                file=document.file,
                span=step.span,
                help="write a scenario whose `path` comes through it",
            )

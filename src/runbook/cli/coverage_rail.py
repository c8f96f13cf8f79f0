"""The rail of a runbook on the terminal, with the edges that scenarios walked and those that none did."""

import shutil
import sys
from collections.abc import Sequence

from runbook.cli.painted import coloured, painted
from runbook.drivers.coverage import Coverage
from runbook.drivers.scenarios import Result
from runbook.report.text_graph import Stop, Track, text_graph

_INDENT, _NARROWEST = 6, 20


def write_rail(coverage: Coverage, results: Sequence[Result]) -> None:
    """Draw a runbook; nothing where it cannot be walked."""
    if coverage.runbook is None:
        return
    columns, colour = max(shutil.get_terminal_size((80, 24)).columns, _NARROWEST), coloured()
    indent = " " * (_INDENT if columns >= 60 else 0)
    seen = {step for result in results if result.runbook == coverage.file and result.holds for step in result.path}
    stops = [Stop(step=step.id, end=step.kind == "finish", walked=step.id in seen) for step in coverage.runbook.steps]
    tracks = [
        Track(
            source=told.edge.source,
            target=told.edge.target,
            via=told.edge.via.removeprefix("option:"),
            walked=told.walked,
            note=f":{told.span.line}",
        )
        for told in coverage.edges
    ]
    sys.stdout.write(f"{indent}● walked  ○ not walked\n")
    for line in text_graph(stops, tracks, columns - len(indent)):
        sys.stdout.write(f"{indent}{painted(line, colour=colour)}\n")

"""``runbook test``: walk scenarios without anybody, and say which edges no scenario walks."""

import os
import sys
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from runbook.cli.check import SUFFIXES
from runbook.cli.failing import complain
from runbook.cli.options import Parser, is_directory, number
from runbook.drivers.rehearsal import Rehearsed, rehearse
from runbook.kinds.registry import KINDS
from runbook.language.loading import Loaded, load, load_scenario
from runbook.model.diagnostics import Code, Diagnostic, Refused, Severity
from runbook.model.graph import FAILED, SKIPPED, Edge, edges_of, options_of, refusal_of, undo_of
from runbook.model.runbook import Runbook, Step
from runbook.model.scenario import Scenario

NO_SCENARIO = Code(
    number="RB355",
    title="no scenario",
    why="A path for `runbook test` is a scenario, or a directory with scenarios below it. A test of nothing says "
    "nothing, and would be taken for a success.",
)


def main(arguments: Sequence[str]) -> int:
    """Walk scenarios; 0 if all came out as they expect, 1 if not, 2 if one cannot be read."""
    parser = Parser("test", "Walk scenarios without anybody, and print which edges of their runbooks none walks.")
    parser.add_argument("paths", metavar="PATH", nargs="*", default=["."], help="a scenario or a directory; default: .")
    parser.add_argument("--min-coverage", metavar="N", type=number, help="fail below N percent of a runbook's edges")
    options = parser.parse_args(arguments)
    tests = _Tests()
    for file in [file for path in options.paths for file in _scenarios(path)]:
        tests.walk(file)
    return tests.summary(options.min_coverage)


def _scenarios(path: str) -> Iterator[str]:
    """The scenario files that a path means.

    :raises Refused: if there is none.
    """
    if not is_directory(path):
        yield path
        return
    found = [str(p) for p in sorted(Path(path).rglob("*")) if p.suffix in SUFFIXES and p.is_file() and _is_one(p)]
    if not found:
        message = "there is no scenario below this directory"
        raise Refused(Diagnostic(code=NO_SCENARIO, message=message, file=path, help="name a scenario's file"))
    yield from found


def _is_one(path: Path) -> bool:
    if any(part.startswith(".") and part not in {".", ".."} for part in path.parts):
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return any(line.startswith("scenario:") for line in file)


class _Tests:
    """The scenarios that were walked so far."""

    def __init__(self) -> None:
        self._loaded: dict[str, Loaded] = {}
        self._walked: dict[str, set[Edge]] = {}
        self._passed = self._failed = self._broken = 0

    def walk(self, file: str) -> None:
        """Walk one scenario and print how it went."""
        told = load_scenario(file)
        if told.scenario is None:
            self._unreadable(file, Refused(*told.diagnostics))
            return
        try:
            rehearsed = self._rehearsed(told.scenario)
        except Refused as refused:
            self._unreadable(file, refused)
            return
        if rehearsed.failures:
            self._failed += 1
            sys.stdout.write(f"FAIL  {file}  {told.scenario.title}\n")
            sys.stdout.write("".join(f"        {failure}\n" for failure in rehearsed.failures))
        else:
            self._passed += 1
            sys.stdout.write(f"ok    {file}  {told.scenario.title}\n")

    def _unreadable(self, file: str, refused: Refused) -> None:
        self._broken += 1
        sys.stdout.write(f"ERROR {file}\n")
        complain(refused.diagnostics)

    def _rehearsed(self, scenario: Scenario) -> Rehearsed:
        path = os.path.normpath(Path(scenario.file).parent / scenario.runbook)
        if path not in self._loaded:
            self._loaded[path] = load(path, KINDS)
            self._walked[path] = set()
        loaded = self._loaded[path]
        if loaded.runbook is None:
            raise Refused(*(d for d in loaded.diagnostics if d.severity is Severity.ERROR))
        rehearsed = rehearse(
            scenario,
            loaded.runbook,
            KINDS,
            files={name: sha256(data).hexdigest() for name, data in loaded.files.items()},
        )
        if not rehearsed.failures and scenario.expect.finish is not None and scenario.expect.path:
            self._walked[path] |= rehearsed.edges
        return rehearsed

    def summary(self, wanted: int | None) -> int:
        """Print the coverage of each runbook and the count; return the exit status."""
        thin = False
        for path, loaded in sorted(self._loaded.items()):
            if loaded.runbook is not None:
                percent = self._coverage(path, loaded.runbook)
                thin = thin or (wanted is not None and percent < wanted)
        words = [f"{self._passed} passed", f"{self._failed} failed"]
        sys.stdout.write(", ".join([*words, f"{self._broken} unreadable"] if self._broken else words) + "\n")
        if self._broken:
            return 2
        return 1 if self._failed or thin else 0

    def _coverage(self, path: str, runbook: Runbook) -> float:
        """Print which edges of a runbook no scenario walks; return the percentage that some does."""
        steps = {step.id: step for step in runbook.steps}
        edges = [edge for edge in edges_of(runbook) if edge.via != SKIPPED and _can_be(edge, steps[edge.source])]
        edges += [undo_of(step.id) for step in runbook.steps if step.undo is not None]
        edges += [refusal_of(step.id) for step in runbook.steps if step.guards]
        missing = [edge for edge in edges if edge not in self._walked[path]]
        percent = 100 * (len(edges) - len(missing)) / len(edges) if edges else 100.0
        sys.stdout.write(f"\n{path}: {len(edges) - len(missing)} of {len(edges)} edges, {percent:.0f} %\n")
        lines = {step.id: step.span.line for step in runbook.steps}
        for edge in missing:
            sys.stdout.write(f"  {path}:{lines[edge.source]}: `{edge.source}` {edge.via} → `{edge.target}`\n")
        return percent


def _can_be(edge: Edge, step: Step) -> bool:
    """Whether any walk can take an edge: a choice with an option that is always open does not fail by itself."""
    always = any("when" not in option for option in options_of(step))
    return edge.via != FAILED or not always or step.max_visits is not None or step.expect is not None

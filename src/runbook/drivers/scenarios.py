"""Scenario files as tests: what each of them walks, and what came of it.

A runbook is loaded and checked once, however many scenarios walk it.
"""

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from runbook.drivers.coverage import Coverage, coverage
from runbook.drivers.rehearsal import rehearse
from runbook.language.loading import Loaded, load, load_scenario
from runbook.model.diagnostics import Diagnostic, Refused, Severity
from runbook.model.graph import Edge
from runbook.model.kind import Registry
from runbook.model.scenario import Scenario


class Verdict(Enum):
    """What came of a scenario: it came out as it expects, it did not, or it could not be walked at all."""

    PASSED = "passed"
    FAILED = "failed"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a scenario.

    ``runbook`` is its runbook's file, None where it cannot be told. ``failures`` are lines, ``diagnostics`` what makes
    it unreadable. ``counts`` says that it says ``finish`` and ``path``; ``edges`` are those that it walked.
    """

    file: str
    title: str
    runbook: str | None
    verdict: Verdict
    failures: Sequence[str] = ()
    diagnostics: Sequence[Diagnostic] = ()
    counts: bool = False
    edges: frozenset[Edge] = frozenset()
    path: Sequence[str] = ()
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether the edges that it walked count: it says ``finish`` and ``path``, and came out so."""
        return self.counts and self.verdict is Verdict.PASSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A scenario file and its runbook's; ``scenario`` is None where it cannot be read, as ``diagnostics`` say."""

    file: str
    scenario: Scenario | None
    runbook: str | None
    diagnostics: Sequence[Diagnostic] = ()


class Suite:
    """Scenarios, and the runbooks that they walk."""

    def __init__(self, files: Iterable[str], registry: Registry) -> None:
        """Load scenarios and their runbooks.

        :param files: the scenarios' files, as the user wrote them.
        """
        self._registry = registry
        self.runbooks: dict[str, Loaded] = {}
        self.cases = [self._case(file) for file in files]

    def _case(self, file: str) -> Case:
        told = load_scenario(file)
        if told.scenario is None:
            return Case(file=file, scenario=None, runbook=None, diagnostics=told.diagnostics)
        path = os.path.normpath(os.path.join(os.path.dirname(file), told.scenario.runbook))  # noqa: PTH118, PTH120 - pathlib has no normpath
        self.add(path)
        return Case(file=file, scenario=told.scenario, runbook=path)

    def add(self, path: str) -> None:
        """Load a runbook, whether or not a scenario walks it."""
        if path not in self.runbooks:
            self.runbooks[path] = load(path, self._registry)

    def walk(self, number: int) -> Result:
        """Walk one of the cases."""
        case, began = self.cases[number], time.perf_counter()
        scenario = case.scenario
        if scenario is None or case.runbook is None:
            return _unreadable(case, case.diagnostics)
        loaded = self.runbooks[case.runbook]
        if loaded.runbook is None:
            return _unreadable(case, [d for d in loaded.diagnostics if d.severity is Severity.ERROR])
        files = {name: sha256(data).hexdigest() for name, data in loaded.files.items()}
        try:
            rehearsed = rehearse(scenario, loaded.runbook, self._registry, files=files)
        except Refused as refused:
            return _unreadable(case, refused.diagnostics)
        return Result(
            file=case.file,
            title=scenario.title,
            runbook=case.runbook,
            verdict=Verdict.FAILED if rehearsed.failures else Verdict.PASSED,
            failures=tuple(rehearsed.failures),
            counts=scenario.expect.finish is not None and bool(scenario.expect.path),
            edges=rehearsed.edges,
            path=tuple(rehearsed.path),
            seconds=time.perf_counter() - began,
        )

    def coverage(self, results: Iterable[Result]) -> list[Coverage]:
        """What was walked of each runbook, in the order of their names."""
        walked: dict[str, set[Edge]] = {path: set() for path in self.runbooks}
        for result in results:
            if result.runbook is not None and result.holds:
                walked[result.runbook] |= result.edges
        return [
            coverage(path, loaded.runbook, loaded.document, walked[path])
            if loaded.runbook is not None and loaded.document is not None
            else Coverage(file=path, runbook=None)
            for path, loaded in sorted(self.runbooks.items())
        ]


def _unreadable(case: Case, diagnostics: Sequence[Diagnostic]) -> Result:
    title = case.scenario.title if case.scenario is not None else ""
    return Result(
        file=case.file,
        title=title,
        runbook=case.runbook,
        verdict=Verdict.UNREADABLE,
        diagnostics=tuple(diagnostics),
    )

"""An edge that counts as walked is held: a scenario that walked it fails when the edge leads anywhere else.

Every edge of every runbook of the tree is led elsewhere in turn, and the shortest scenario that counted it is walked
again. A refusal by a guard leads to the operator and an undo to itself, whatever the file says: there the guard, or the
undo, is taken away.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from runbook.drivers.coverage import edges_to_walk
from runbook.drivers.rehearsal import rehearse
from runbook.drivers.scenarios import Result, Suite
from runbook.kinds.registry import KINDS
from runbook.model.diagnostics import Refused
from runbook.model.graph import PASSED, REFUSED, UNDO, Edge, edges_of
from runbook.model.runbook import Runbook, Step
from runbook.model.scenario import Scenario

ROOT = Path(__file__).resolve().parents[2]
BOOKS = ROOT / "runbooks"
RUNBOOKS = sorted(
    str(path.relative_to(BOOKS))
    for place in (BOOKS, BOOKS / "pieces", BOOKS / "stages")
    for path in place.glob("*.yaml")
)


def suite_of(runbook: str) -> Suite:
    """The scenarios of one runbook."""
    path = BOOKS / runbook
    files = sorted((path.parent / "scenarios").glob("*.yaml"))
    return Suite([str(file) for file in files if f"runbook: ../{path.name}\n" in file.read_text()], KINDS)


def elsewhere(step: Step, edge: Edge, target: str) -> Step:
    """The step with one edge that leads elsewhere."""
    match edge.via:
        case "passed":
            return replace(step, next=target)
        case "failed":
            return replace(step, on_fail=target)
        case "unknown":
            return replace(step, on_unknown=target)
        case "undo":
            return replace(step, undo=None)
        case via if via == REFUSED:
            return replace(step, guards=())
        case via:
            options = step.fields["options"]
            assert isinstance(options, list)
            changed = [
                {**option, "next": target} if isinstance(option, dict) and f"option:{option['id']}" == via else option
                for option in options
            ]
            return replace(step, fields={**step.fields, "options": changed})


def mutated(runbook: Runbook, edge: Edge) -> Runbook:
    """The runbook with that edge leading to an end that it does not lead to; every other edge is as it was."""
    ends = [step.id for step in runbook.steps if step.kind == "finish" and step.id != edge.target]
    steps = {step.id: step for step in runbook.steps}
    # What follows from an edge by default is written out, so that it stays where it was.
    if edge.via == PASSED and steps[edge.source].on_fail == "next":
        steps[edge.source] = replace(steps[edge.source], on_fail=edge.target)
    steps[edge.source] = elsewhere(steps[edge.source], edge, ends[0])
    return replace(runbook, steps=tuple(steps.values()))


def counted(suite: Suite) -> Sequence[tuple[int, Result]]:
    """The scenarios that count, with their numbers, the shortest first."""
    results = [(number, suite.walk(number)) for number in range(len(suite.cases))]
    return sorted((pair for pair in results if pair[1].holds), key=lambda pair: len(pair[1].path))


def fails(scenario: Scenario, runbook: Runbook) -> bool:
    """Whether a scenario does not come out as it says, or does not fit any more."""
    try:
        return bool(rehearse(scenario, runbook, KINDS, files={}).failures)
    except Refused:
        return True


@pytest.mark.parametrize("name", RUNBOOKS)
def test_an_edge_that_leads_elsewhere_fails_a_scenario_that_counts_it(name: str) -> None:
    suite = suite_of(name)
    (loaded,) = suite.runbooks.values()
    runbook, results, survived = loaded.runbook, counted(suite), []
    assert runbook is not None
    for edge in edges_to_walk(runbook):
        number = next((number for number, result in results if edge in result.edges), None)
        assert number is not None, f"{edge} is not walked"
        scenario, other = suite.cases[number].scenario, mutated(runbook, edge)
        assert scenario is not None
        assert edge.via in {UNDO, REFUSED} or edge not in edges_of(other)
        if not fails(scenario, other):
            survived.append((edge, suite.cases[number].file))
    assert survived == []

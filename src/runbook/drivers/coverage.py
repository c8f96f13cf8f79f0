"""Which edges of a runbook its scenarios should walk, where the file writes them, and which of them were walked.

An edge counts only where a scenario that says ``finish`` and ``path`` has walked it and came out as it says: such a
scenario fails when the edge leads elsewhere.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from runbook.language.document import Document
from runbook.model.diagnostics import Span
from runbook.model.graph import (
    FAILED,
    PASSED,
    REFUSED,
    SKIPPED,
    UNDO,
    UNKNOWN,
    Edge,
    edges_of,
    options_of,
    refusal_of,
    undo_of,
)
from runbook.model.runbook import Runbook, Step

_KEYS = {PASSED: "next", FAILED: "on_fail", UNKNOWN: "on_unknown", UNDO: "undo", REFUSED: "guards"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """An edge, the place of the file that writes it, and whether a scenario that counts has walked it."""

    edge: Edge
    span: Span
    walked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The edges of a runbook in file order: every pass, failure, unknown, option, undo and refusal by a guard.

    ``file`` is the runbook's; ``runbook`` is None where it has errors, and then it has no edges.
    """

    file: str
    runbook: Runbook | None
    edges: Sequence[Covered] = ()

    @property
    def walked(self) -> int:
        """How many of them were walked."""
        return sum(covered.walked for covered in self.edges)

    @property
    def percent(self) -> int:
        """That in percent, rounded down, so that 100 means all of them."""
        return 100 * self.walked // len(self.edges) if self.edges else 100

    @property
    def unwalked(self) -> Sequence[Covered]:
        """Those that were not walked."""
        return [covered for covered in self.edges if not covered.walked]

    def below(self, wanted: int) -> bool:
        """Whether fewer than so many percent were walked, or nobody can tell."""
        return self.runbook is None or 100 * self.walked < wanted * len(self.edges)

    def in_words(self) -> str:
        """How much of it was walked."""
        if self.runbook is None:
            return f"`runbook check {self.file}` says why it cannot be walked"
        return f"{self.walked} of {len(self.edges)} edges, {self.percent} %"

    def named(self) -> list[str]:
        """A line for each edge that was not walked; none where no edge was, for they are all of the file's."""
        return (
            [] if not self.walked else [f"{self.file}:{told.span.line}: {words(told.edge)}" for told in self.unwalked]
        )


def words(edge: Edge) -> str:
    """An edge in words."""
    via = edge.via.removeprefix("option:")
    return f"`{edge.source}` {via} → `{edge.target}`" if edge.via != REFUSED else f"`{edge.source}` {edge.via}"


def coverage(file: str, runbook: Runbook, document: Document, walked: Collection[Edge]) -> Coverage:
    """What of a runbook was walked.

    :param document: the runbook's file.
    :param walked: the edges that scenarios that count have walked.
    """
    places = {step.id: (place, step) for place, step in enumerate(runbook.steps)}
    return Coverage(
        file=file,
        runbook=runbook,
        edges=[
            Covered(edge=edge, span=_span(edge, *places[edge.source], document), walked=edge in walked)
            for edge in edges_to_walk(runbook)
        ],
    )


def edges_to_walk(runbook: Runbook) -> Sequence[Edge]:
    """The edges that scenarios should walk, step by step. Where a ``when`` skips to is where ``passed`` leads."""
    edges: dict[str, list[Edge]] = {step.id: [] for step in runbook.steps}
    steps = {step.id: step for step in runbook.steps}
    for edge in edges_of(runbook):
        if edge.via != SKIPPED and _can_be(edge, steps[edge.source]):
            edges[edge.source].append(edge)
    for step in runbook.steps:
        edges[step.id] += [undo_of(step.id)] if step.undo is not None else []
        edges[step.id] += [refusal_of(step.id)] if step.guards else []
    return [edge for of_step in edges.values() for edge in of_step]


def _can_be(edge: Edge, step: Step) -> bool:
    """Whether any walk can take an edge: a choice with an option that is always open does not fail by itself."""
    always = any("when" not in option for option in options_of(step))
    return edge.via != FAILED or not always or step.max_visits is not None or step.expect is not None


def _span(edge: Edge, place: int, step: Step, document: Document) -> Span:
    """The key that writes an edge; the step where none does."""
    if edge.via.startswith("option:"):
        option = next(n for n, option in enumerate(options_of(step)) if f"option:{option['id']}" == edge.via)
        return document.span(("steps", place, "options", option))
    path = ("steps", place, _KEYS[edge.via])
    return document.key_span(path) if document.has(path) else step.span

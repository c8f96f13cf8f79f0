"""The graphs that could be walked, the runbook's and those of the runbooks that its steps walk, and what was."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runbook.audit.record import Record
from runbook.model.address import of_each
from runbook.model.graph import edges_of, options_of
from runbook.model.runbook import Runbook
from runbook.report.fields import step_of, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A step as the file has it."""

    step: str
    title: str
    kind: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way from a step to another: ``via`` as an edge has it, or the command that left the file's path.

    ``label`` is what the option of a choice says, as the file has it; empty for every other way.
    ``walked`` is how often it was; ``default`` says that it is the file's own ``on_fail``.
    """

    source: str
    via: str
    label: str
    target: str
    default: bool
    walked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A graph: ``within`` is the address of the step that walks it, empty for the runbook itself."""

    within: str
    title: str
    nodes: tuple[Node, ...]
    ways: tuple[Way, ...]


def graphs(records: Sequence[Record], runbook: Runbook | None) -> tuple[Graph, ...]:
    """The graph of the runbook and, below it, of each that was walked inside of it."""
    if runbook is None:
        return ()
    walked: dict[str, Counter[tuple[str, str, str]]] = {}
    for record in records:
        if record.type == "step.entered":
            within, source, target = _parted(text(record, "from"), step_of(record))
            walked.setdefault(within, Counter())[source, text(record, "via"), target] += 1
    return tuple(_graphs(runbook, "", walked))


def _parted(source: str, target: str) -> tuple[str, str, str]:
    """Where a way is, and its two ends there."""
    within, _, last = of_each(target).rpartition("/")
    return within, of_each(source).rpartition("/")[2], last


def _graphs(runbook: Runbook, within: str, walked: dict[str, Counter[tuple[str, str, str]]]) -> Iterator[Graph]:
    left = Counter(walked.get(within, {}))
    ids = {step.id for step in runbook.steps}
    labels = {
        (step.id, f"option:{option['id']}"): str(option["label"])
        for step in runbook.steps
        for option in options_of(step)
    }
    ways = []
    for edge in edges_of(runbook):
        count = left.pop((edge.source, edge.via, edge.target), 0)
        label = labels.get((edge.source, edge.via), "")
        ways.append(
            Way(
                source=edge.source,
                via=edge.via,
                label=label,
                target=edge.target,
                default=edge.default,
                walked=count,
            )
        )
    for (source, via, target), count in left.items():
        if {source, target} <= ids:
            ways.append(Way(source=source, via=via, label="", target=target, default=False, walked=count))
    nodes = (Node(step=step.id, title=step.title, kind=step.kind, effect=step.effect.value) for step in runbook.steps)
    yield Graph(within=within, title=runbook.title, nodes=tuple(nodes), ways=tuple(ways))
    for step, inner in runbook.included.items():
        address = f"{within}/{step}" if within else step
        if address in walked:
            yield from _graphs(inner, address, walked)

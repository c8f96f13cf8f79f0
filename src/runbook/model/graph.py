"""The graph of a runbook: its edges, and a digest of everything that decides where a walk may go."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from runbook.model.canonical import Json, JsonObject, canonical, sha256
from runbook.model.runbook import Runbook, Step

PASSED, FAILED, UNKNOWN, SKIPPED = "passed", "failed", "unknown", "skipped"
REFUSED = "refused by a guard"
"""How a guard that refuses a step leads to the operator: no edge of the walk, and one that a scenario should walk."""
UNDO = "undo"
"""How a step's own undo is led to: no edge of the walk, and one that a scenario should walk."""


class Edge(NamedTuple):
    """A way from a step to another.

    ``via`` is ``passed``, ``skipped``, ``failed``, ``unknown`` or ``option:ID``; ``default`` says that the file's own
    ``on_fail`` made it. A choice has an edge for each option and none for ``passed``.
    """

    source: str
    via: str
    target: str
    default: bool = False


def below(runbook: Runbook) -> Mapping[str, str | None]:
    """For each step the id of the one below it; None for the last."""
    ids = [step.id for step in runbook.steps]
    return dict(zip(ids, [*ids[1:], None], strict=True))


def undo_of(step_id: str) -> "Edge":
    """What leads from a step to its undo."""
    return Edge(step_id, UNDO, f"{step_id}.undo")


def refusal_of(step_id: str) -> "Edge":
    """What leads from a step to the operator when a guard refuses it."""
    return Edge(step_id, REFUSED, "the operator")


def options_of(step: Step) -> Sequence[Mapping[str, Json]]:
    """The options of a ``choice`` step as written; empty for every other kind."""
    options = step.fields.get("options") if step.kind == "choice" else None
    return [o for o in options if isinstance(o, dict)] if isinstance(options, list) else []


def _own_edges(step: Step, following: str | None) -> list[Edge]:
    """The edges that a step has without the file's handler."""
    if step.kind == "finish":
        return []
    onward = step.next or following
    edges: list[Edge] = []
    options = options_of(step)
    for option in options:
        target = option.get("next") or onward
        if isinstance(target, str):
            edges.append(Edge(step.id, f"option:{option['id']}", target))
    if onward is not None:
        if not options:
            edges.append(Edge(step.id, PASSED, onward))
        if step.when is not None:
            edges.append(Edge(step.id, SKIPPED, onward))
    for via, target in ((FAILED, step.on_fail), (UNKNOWN, step.on_unknown)):
        resolved = onward if target == "next" else target
        if resolved is not None:
            edges.append(Edge(step.id, via, resolved))
    return edges


def _reachable(start: str, edges: Sequence[Edge]) -> set[str]:
    """Every step that the edges lead to from one, itself included."""
    targets: dict[str, list[str]] = {}
    for edge in edges:
        targets.setdefault(edge.source, []).append(edge.target)
    seen, todo = {start}, [start]
    while todo:
        for target in targets.get(todo.pop(), ()):
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


def edges_of(runbook: Runbook) -> tuple[Edge, ...]:
    """Every edge, in file order.

    The file's ``on_fail`` stands for every step that names none, except those that only the handler leads to; where it
    is ``next``, it goes where each step's ``next`` goes. A target that does not exist is in the list too; the checker
    reports it.
    """
    following = below(runbook)
    own = {step.id: _own_edges(step, following[step.id]) for step in runbook.steps}
    if runbook.on_fail is None:
        return tuple(edge for step in runbook.steps for edge in own[step.id])
    ordinary = _reachable(runbook.steps[0].id, [edge for edges in own.values() for edge in edges])
    edges: list[Edge] = []
    for step in runbook.steps:
        edges += own[step.id]
        if step.on_fail is None and step.kind != "finish" and step.id in ordinary:
            target = (step.next or following[step.id]) if runbook.on_fail == "next" else runbook.on_fail
            if target is not None:
                edges.append(Edge(step.id, FAILED, target, default=True))
    return tuple(edges)


def graph_digest(runbook: Runbook) -> str:
    """A SHA-256 over ids, kinds, resolved defaults and edges, but no texts: the same for a mended typing error."""
    steps: list[Json] = [
        {
            "id": s.id,
            "kind": s.kind,
            "effect": s.effect.value,
            "when": s.when,
            "expect": s.expect,
            "needs": [[n.step, n.within] for n in s.needs],
            "max_visits": s.max_visits,
            "attempts": s.retry.attempts if s.retry else 1,
            "idempotent": s.idempotent,
            "confirm": s.confirm is not None,
            "guards": [[g.kind, dict(g.rule), g.when, g.override] for g in s.guards],
            "undo": s.undo.kind if s.undo else None,
            "probe": s.probe.kind if s.probe else None,
            **({"for_each": [f.source, f.at_once, f.max_failures]} if (f := s.for_each) else {}),
        }
        for s in runbook.steps
    ]
    edges: list[Json] = [[e.source, e.via, e.target] for e in edges_of(runbook)]
    graph: JsonObject = {"id": runbook.id, "steps": steps, "edges": edges}
    if runbook.included:
        graph["included"] = {step: graph_digest(inner) for step, inner in runbook.included.items()}
    return sha256(canonical(graph))

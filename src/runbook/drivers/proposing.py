"""Scenarios for edges that nobody has walked: a way there is looked for, walked with what would lead there, captured.

Rules. A way is a path of edges. Walking it, each step is given what makes it go that way; a walk that goes another way
is given up, and another path, environment or observation tried. What is proposed was walked to its end, or says how far
it came and what a person has to add.
"""

import heapq
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from runbook.audit.masking import Masker
from runbook.drivers.assembly import assemble, performed_here, started
from runbook.drivers.capturing import capture
from runbook.drivers.coverage import edges_to_walk
from runbook.drivers.guided import Astray, Guide, GuidedPast, GuidedWorld
from runbook.drivers.imagining import Imagination
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.journal import Journal
from runbook.drivers.preparing import Renderer
from runbook.drivers.rehearsal import MemoryLog, NoSecrets, Nowhere, walked_edges
from runbook.drivers.simulated_approvals import SimulatedApprovals
from runbook.drivers.worker import AtOnce
from runbook.language.drafting import Draft
from runbook.language.expressions import Cel
from runbook.language.inputs import bind_inputs
from runbook.language.scope import types_of
from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.diagnostics import Refused
from runbook.model.graph import FAILED, PASSED, REFUSED, UNDO, UNKNOWN, Edge, edges_of
from runbook.model.inputs import accepted
from runbook.model.kind import Registry
from runbook.model.runbook import Input, Mode, Runbook
from runbook.walk import run_events as r
from runbook.walk.walk import IllegalEvent, Walk
from runbook.world.clock import SimulatedClock

ATTEMPTS = 16
"""How many ways to an edge are tried."""
_COSTS = {FAILED: 4.0, UNKNOWN: 6.0}
_WORDS = ("INC-1", "x", "1", "a-1", "A-1", "abc", "main", "2026-01-01", "user@example.com", "https://app.example.com")
_VALUES: Sequence[Json] = [1, 10, 1.5, True, "10m", "2026-01-01T00:00:00Z", ["x"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A scenario for an edge. ``draft`` walks it, or says in ``left`` what a person has to add so that it does."""

    edge: Edge
    draft: Draft
    left: str


def guessed(wanted: Input) -> Json:
    """A value that an input takes; None where none is known.

    The first of its words, its default, or one of some examples.
    """
    own = list(wanted.enum) if isinstance(wanted.enum, tuple) else []
    for value in (wanted.default, *own, *_WORDS, *_VALUES):
        try:
            if value is not None and accepted(wanted, value) is not None:
                return value
        except ValueError:
            continue
    return None


def propose(edge: Edge, runbook: Runbook, registry: Registry, *, text: str, path: str) -> Proposed:
    """A scenario that walks an edge.

    :param text: the runbook's file. ``path`` is how the scenario shall name it.
    """
    best: tuple[int, MemoryLog, str] | None = None
    ways: dict[tuple[Edge, ...], None] = {}
    for attempt in range(ATTEMPTS):
        chance = random.Random(attempt) if attempt else None  # noqa: S311 - it chooses among examples
        way = way_to(edge, runbook, chance)
        if way is None:
            break
        ways[tuple(way)] = None
        environments: list[str | None] = [*runbook.environments] or [None]
        environment = environments[attempt % len(environments)]
        log, why = _walk(way, edge, runbook, registry, environment=environment, text=text, chance=chance)
        if not why:
            draft = capture(log.records, runbook, path)
            return Proposed(edge=edge, draft=_titled(draft, edge, ()), left="")
        if best is None or len(log.records) > best[0]:
            best = len(log.records), log, why
    way = list(next(iter(ways), ()))
    steps = [runbook.steps[0].id, *(each.target for each in way if each.via not in {UNDO, REFUSED})]
    if best is None or not best[1].records:
        left = best[2] if best is not None else "no path leads there"
        draft = Draft(runbook=path, title="", environment=next(iter(runbook.environments), None))
    else:
        left = best[2]
        draft = capture(best[1].records, runbook, path)
    draft = replace(draft, expect={"path": [*steps]})
    return Proposed(edge=edge, draft=_titled(draft, edge, (f"A person has to finish this: {left}",)), left=left)


def _titled(draft: Draft, edge: Edge, comments: Sequence[str]) -> Draft:
    via = edge.via.removeprefix("option:")
    title = f"{edge.source} {via}" + (f" leads to {edge.target}" if edge.via not in {UNDO, REFUSED} else "")
    head = f"Proposed for the way `{edge.source}` {via} → `{edge.target}`, made up from the runbook: make it a story."
    return replace(draft, title=title, briefing="", comments=[head, *comments])


def way_to(edge: Edge, runbook: Runbook, chance: random.Random | None) -> list[Edge] | None:
    """A path of edges from the first step over one edge to an end; None where there is none.

    :param chance: makes some edges dearer than they are, so that other paths are found.
    """
    edges = [each for each in edges_of(runbook) if each in {*edges_to_walk(runbook)}]
    costs = {each: _COSTS.get(each.via, 1.0) * (chance.uniform(1, 4) if chance else 1.0) for each in edges}
    ends = {step.id for step in runbook.steps if step.kind == "finish"}
    before = _shortest(runbook.steps[0].id, {edge.source}, costs)
    if before is None:
        return None
    if edge.via == REFUSED:
        return [*before, edge]
    if edge.via == UNDO:
        onward = [each for each in edges if each.source == edge.source and each.via == PASSED]
        # It is taken back where the next change would be confirmed.
        confirmed = {step.id for step in runbook.steps if step.effect.changes and step.kind != "message"}
        after = _shortest(onward[0].target, confirmed, costs) if onward else None
        after = _shortest(onward[0].target, ends, costs) if onward and after is None else after
        return None if after is None else [*before, onward[0], *after]
    after = _shortest(edge.target, ends, costs)
    return None if after is None else [*before, edge, *after]


def _shortest(start: str, goals: set[str], costs: Mapping[Edge, float]) -> list[Edge] | None:
    """The cheapest path of edges from a step to one of several (Dijkstra)."""
    todo: list[tuple[float, int, str, list[Edge]]] = [(0.0, 0, start, [])]
    seen: set[str] = set()
    number = 0
    while todo:
        cost, _, at, path = heapq.heappop(todo)
        if at in goals:
            return path
        if at in seen:
            continue
        seen.add(at)
        for edge, more in costs.items():
            if edge.source == at and edge.target not in seen:
                number += 1
                heapq.heappush(todo, (cost + more, number, edge.target, [*path, edge]))
    return None


def _walk(
    way: Sequence[Edge],
    edge: Edge,
    runbook: Runbook,
    registry: Registry,
    *,
    environment: str | None,
    text: str,
    chance: random.Random | None,
) -> tuple[MemoryLog, str]:
    """Walk a way; its log, and why it does not lead there, empty where it does."""
    walk, log, clock = Walk(runbook, registry), MemoryLog(), SimulatedClock()
    masker = Masker()
    guide = Guide(way, edge, clock, guessed)

    def renderer(of: Runbook) -> Renderer:
        return Renderer(registry, Cel(types_of(of, registry)), included=of.included)

    world = GuidedWorld(walk, guide, Imagination(renderer, text, chance), clock)
    given: dict[str, Json] = {name: guessed(wanted) for name, wanted in runbook.inputs.items() if wanted.required}
    try:
        inputs: JsonObject = bind_inputs(runbook, {name: value for name, value in given.items() if value is not None})
    except Refused as refused:
        return log, str(refused)

    def begin(journal: Journal) -> None:
        fields = started(
            walk,
            run="proposed",
            mode=Mode.DRILL.value,
            environment=environment,
            files={"runbook": "0" * 64},
            inputs=canonical(inputs),
            operator="trainee",
            incident=None,
            host="scripted",
            store="memory",
        )
        journal.tell(r.RunStarted, **fields)

    session = assemble(
        walk=walk,
        log=log,
        operator=guide,
        attempts=performed_here(
            operator=guide, world=lambda _: world, keepers=lambda *_: Nowhere(), clock=clock, workers=AtOnce()
        ),
        secrets=NoSecrets(masker.register),
        masker=masker,
        clock=clock,
        interrupts=Interrupts(),
        begin=begin,
        messages=lambda _: None,
        past=GuidedPast(edge, runbook.id),
        approvals=lambda journal: SimulatedApprovals(journal, guide),
    )
    try:
        ending = session.go()
    except (Astray, Refused, IllegalEvent) as error:
        return log, str(error)
    if ending.finish is None:
        return log, ending.reason
    return log, "" if edge in set(walked_edges(walk, log)) else f"the walk ended {ending.finish.value} without it"


def file_name(edge: Edge) -> str:
    """A name for the file of a proposed scenario."""
    return re.sub(r"[^a-z0-9]+", "_", f"{edge.source}_{edge.via.removeprefix('option:')}".lower()).strip("_") + ".yaml"

"""What is certain at a step is what no path of the file, walked to its end, can leave unset."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from runbook.kinds.registry import KINDS
from runbook.language.cycles import components, shortest_cycle
from runbook.language.dominators import Dominators
from runbook.language.flow import Flow
from runbook.model.diagnostics import Span
from runbook.model.graph import FAILED, PASSED, Edge
from runbook.model.runbook import Effect, Nested, Runbook, Step

SPAN = Span(1, 1, 1, 2)
PROBE = Nested(kind="http", fields={"url": "https://example.com"}, span=SPAN)
GRAPHS = st.integers(1, 7).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, n - 1), max_size=3), min_size=n, max_size=n)
)


def reached(successors: Sequence[Sequence[int]], start: int, without: int = -1) -> set[int]:
    seen = {start} - {without}
    todo = list(seen)
    while todo:
        for target in successors[todo.pop()]:
            if target not in seen and target != without:
                seen.add(target)
                todo.append(target)
    return seen


@given(GRAPHS)
def test_a_node_dominates_what_cannot_be_reached_without_it(successors: list[list[int]]) -> None:
    dominators = Dominators(successors)
    everything = reached(successors, 0)
    for node in range(len(successors)):
        for other in everything:
            without = reached(successors, 0, node)
            assert dominators.dominates(node, other) is (node in everything and (node == other or other not in without))


@given(GRAPHS)
def test_a_group_of_a_cycle_is_what_leads_back_to_itself(successors: list[list[int]]) -> None:
    groups = components(successors)
    assert sorted(node for group in groups for node in group) == list(range(len(successors)))
    for group in groups:
        for node in group:
            both = {other for other in reached(successors, node) if node in reached(successors, other)}
            assert both == set(group)
        if len(group) > 1:
            cycle = shortest_cycle(group[0], successors, set(group))
            for here, there in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
                assert there in successors[here]
            assert len(set(cycle)) == len(cycle)


@st.composite
def runbooks(draw: st.DrawFn) -> Runbook:
    """A runbook of a few steps that lead anywhere, fail anywhere, are skipped, settled and saved."""
    count = draw(st.integers(2, 6))
    ids = [f"s{number}" for number in range(count)]
    anywhere = st.sampled_from(ids)
    maybe = st.none() | anywhere | st.just("next")
    steps = []
    for step_id in ids:
        kind, fields = draw(st.sampled_from([("http", {"url": "u"}), ("env", {"from": "process"}), ("finish", {})]))
        changes = draw(st.booleans()) and kind == "http"
        steps.append(
            Step(
                id=step_id,
                kind=kind,
                title="",
                span=SPAN,
                effect=Effect.CHANGE if changes else Effect.NONE,
                fields=fields,
                when=draw(st.none() | st.just("true")),
                max_visits=draw(st.none() | st.just(2)),
                probe=PROBE if changes and draw(st.booleans()) else None,
                save=draw(st.sampled_from([{}, {"x": "1"}])),
                next=draw(st.none() | anywhere),
                on_fail=draw(maybe),
                on_unknown=draw(maybe) if changes else None,
            )
        )
    return Runbook(id="r", title="", steps=tuple(steps), on_fail=draw(st.none() | anywhere))


def proves(step: Step, edge: Edge, *, after_failure: bool) -> bool:
    """The rule about one edge, in other words than the code's."""
    if step.probe is not None:
        return False
    return edge.via == PASSED or (
        edge.via == FAILED and after_failure and step.kind == "env" and step.max_visits is None
    )


def walked(flow: Flow, fact_after: Callable[[Step, Edge, bool], bool]) -> set[tuple[str, bool]]:
    """Every step that a walk can enter, with whether a fact holds then."""
    start = (flow.runbook.steps[0].id, False)
    seen, todo = {start}, [start]
    while todo:
        here, fact = todo.pop()
        for edge, number in flow.out[flow.number[here]]:
            state = (flow.runbook.steps[number].id, fact_after(flow.runbook.step(here), edge, fact))
            if state not in seen:
                seen.add(state)
                todo.append(state)
    return seen


@given(runbooks(), st.booleans())
def test_an_observation_is_certain_where_no_walk_comes_without_it(runbook: Runbook, after_failure: bool) -> None:
    flow = Flow(runbook, KINDS)
    for step in runbook.steps:

        def observed_after(here: Step, edge: Edge, fact: bool, step: Step = step) -> bool:
            return proves(step, edge, after_failure=after_failure) if here is step else fact

        seen = walked(flow, observed_after)
        for at in runbook.steps:
            certain = flow.certain(step.id, at.id, after_failure=after_failure)
            assert certain is ((at.id, False) not in seen)

            def observed(number: int, edge: Edge, step: Step = step) -> bool:
                return runbook.steps[number] is step and flow.observes(number, edge, after_failure=after_failure)

            path = flow.path(at.id, observed)
            assert bool(path) is not certain
            for leg, following in pairwise(path):
                edges = {(edge.via, edge.target) for edge, _ in flow.out[flow.number[leg.step]]}
                assert (leg.via, following.step) in edges


@given(runbooks())
def test_a_value_is_saved_where_every_walk_has_passed_a_step_that_saves_it(runbook: Runbook) -> None:
    flow = Flow(runbook, KINDS)

    def saved_after(here: Step, edge: Edge, fact: bool) -> bool:
        return fact or (edge.via == PASSED and "x" in here.save and here.probe is None)

    seen = walked(flow, saved_after)
    for at in runbook.steps:
        saved = flow.proved("x", lambda number, edge: flow.saves(number, edge, "x"), at.id)
        assert saved is ((at.id, False) not in seen)

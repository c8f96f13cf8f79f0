"""The layout of a graph as a rail: every way is there, no lane crosses a step or touches another, few stand abreast."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.report.rail import WIDTH, Rail, rail

Ways = Sequence[tuple[str, str]]
STEPS = [f"s{number}" for number in range(12)]
GRAPHS = st.tuples(
    st.integers(1, len(STEPS)),
    st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from([*STEPS, "nowhere"])), max_size=40),
    st.integers(0, 6),
)


def told(found: Rail) -> set[tuple[str, str]]:
    """Every way that a rail tells of, by whatever means."""
    steps = [row.step for row in found.rows]
    ways = {(row.step, steps[place + 1]) for place, row in enumerate(found.rows) if row.falls}
    ways |= {(row.step, row.step) for row in found.rows if row.loops}
    ways |= {(row.step, target) for row in found.rows for target in row.jumps}
    return ways | {(steps[source], steps[lane.target]) for lane in found.lanes for source in lane.sources}


@given(GRAPHS)
def test_every_way_is_told_and_no_other(graph: tuple[int, Ways, int]) -> None:
    count, ways, width = graph
    steps = STEPS[:count]
    assert told(rail(steps, ways, width)) == {(source, target) for source, target in ways if source in steps}


@given(GRAPHS)
def test_no_lane_crosses_a_step_or_touches_another_and_there_are_at_most_as_many_as_the_width(
    graph: tuple[int, Ways, int],
) -> None:
    count, ways, width = graph
    found = rail(STEPS[:count], ways, width)
    assert found.width <= width
    for row, there in enumerate(found.rows):
        places = [crossing.lane.place for crossing in there.crossings]
        assert len(places) == len(set(places))
        assert all(1 <= place <= found.width for place in places)  # the steps stand at 0
        for crossing in there.crossings:
            lane = crossing.lane
            assert (crossing.above, crossing.below) == (lane.first < row, row < lane.last)
            assert crossing.leaves == (row in lane.sources)
            assert crossing.arrives == (row == lane.target)


@given(GRAPHS)
def test_a_lane_is_where_its_ways_are_and_nowhere_else(graph: tuple[int, Ways, int]) -> None:
    count, ways, width = graph
    found = rail(STEPS[:count], ways, width)
    for lane in found.lanes:
        touched = [row for row, there in enumerate(found.rows) if lane in [c.lane for c in there.crossings]]
        assert touched == [*range(lane.first, lane.last + 1)]
        assert all((source < lane.target) == lane.down for source in lane.sources)


@given(GRAPHS)
def test_the_same_graph_is_laid_out_the_same_way_whatever_the_order_of_its_ways(graph: tuple[int, Ways, int]) -> None:
    count, ways, width = graph
    steps = STEPS[:count]
    one, two = rail(steps, ways, width), rail(steps, [*reversed(ways), *ways], width)
    assert (one.lanes, one.width) == (two.lanes, two.width)


def test_ways_into_one_handler_share_a_lane() -> None:
    steps = [f"s{number}" for number in range(100)]
    found = rail(steps, [*pairwise(steps), *((step, "s99") for step in steps[:-2])])
    assert [(lane.place, lane.first, lane.last, len(lane.sources)) for lane in found.lanes] == [(1, 0, 99, 98)]
    assert all(row.falls for row in found.rows[:-1])


def test_short_lanes_stand_inside_of_long_ones() -> None:
    found = rail(STEPS, [("s0", "s9"), ("s1", "s3"), ("s8", "s2"), ("s4", "s6")])
    assert {(lane.first, lane.last): lane.place for lane in found.lanes} == {(1, 3): 1, (4, 6): 1, (2, 8): 2, (0, 9): 3}


@pytest.mark.parametrize("count", [3, 2_000])
def test_a_large_graph_has_no_more_lanes_abreast_than_a_small_one(count: int) -> None:
    steps = [f"s{number}" for number in range(count)]
    found = rail(steps, [(step, steps[count - 1 - row]) for row, step in enumerate(steps)])
    assert found.width <= WIDTH
    assert len(told(found)) == count

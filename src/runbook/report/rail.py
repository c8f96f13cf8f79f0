"""The picture of a graph as a rail: steps from top to bottom in file order, and beside them the lanes that lead on.

Pure layout, as rows and lanes: whoever draws it, in characters or in a picture, decides how it looks.

- Every step has a row of its own, and stands left of all lanes: no lane can cross it.
- A way to the step just below runs straight down. A way to the step itself is a loop at it.
- All other ways are lanes. Those that lead to the same step in the same direction share one, as branches that are
  merged do; so a file's own ``on_fail`` is one lane, however many steps fall into it.
- Short lanes stand near the steps, long ones outside, and two in one place never touch. There are at most as many as
  the width; the ways of a lane that finds no place are jumps: told by their target and not drawn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

WIDTH = 8
"""So many lanes side by side leave room for words on a page of 360 pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Ways that lead to one row in one direction: ``place`` counts from 1, next to the steps; rows count from 0."""

    place: int
    target: int
    sources: tuple[int, ...]

    @property
    def first(self) -> int:
        """The uppermost row that it touches."""
        return min(self.target, *self.sources)

    @property
    def last(self) -> int:
        """The lowest row that it touches."""
        return max(self.target, *self.sources)

    @property
    def down(self) -> bool:
        """Whether it leads downwards."""
        return self.target == self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A lane in a row: whether it is there ``above`` and ``below`` the middle, and whether it begins or ends here."""

    lane: Lane
    above: bool
    below: bool
    leaves: bool
    arrives: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A step and what is beside it. ``falls``: a way leads to the row below; ``loops``: one leads back to itself.

    ``jumps`` are the targets of ways that have no lane.
    """

    step: str
    falls: bool
    loops: bool
    crossings: tuple[Crossing, ...]
    jumps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rail:
    """A graph, laid out: ``width`` is how many lanes stand side by side at most."""

    rows: tuple[Row, ...]
    lanes: tuple[Lane, ...]
    width: int


def rail(steps: Sequence[str], ways: Iterable[tuple[str, str]], width: int = WIDTH) -> Rail:
    """Lay out a graph.

    :param steps: their ids, each once, in file order.
    :param ways: each as source and target; the same one may be there twice, a target may be none of the steps.
    :param width: so many lanes at most.
    """
    rows = {step: row for row, step in enumerate(steps)}
    drafts: dict[tuple[int, bool], set[int]] = {}
    falls, loops = set[int](), set[int]()
    jumps: list[list[str]] = [[] for _ in steps]
    for source, target in dict.fromkeys(ways):
        if source not in rows:
            continue
        at, to = rows[source], rows.get(target)
        if to is None:
            jumps[at].append(target)
        elif to == at:
            loops.add(at)
        elif to == at + 1:
            falls.add(at)
        else:
            drafts.setdefault((to, to > at), set()).add(at)
    lanes = _placed([(to, tuple(sorted(sources))) for (to, _), sources in drafts.items()], width)
    for lane in lanes:
        if not lane.place:
            for source_row in lane.sources:
                jumps[source_row].append(steps[lane.target])
    drawn = tuple(sorted((lane for lane in lanes if lane.place), key=lambda lane: (lane.place, lane.first)))
    crossings: list[list[Crossing]] = [[] for _ in steps]
    for lane in drawn:
        for row in range(lane.first, lane.last + 1):
            crossings[row].append(
                Crossing(
                    lane=lane,
                    above=row > lane.first,
                    below=row < lane.last,
                    leaves=row in lane.sources,
                    arrives=row == lane.target,
                )
            )
    return Rail(
        rows=tuple(
            Row(
                step=step,
                falls=row in falls,
                loops=row in loops,
                crossings=tuple(crossings[row]),
                jumps=tuple(dict.fromkeys(jumps[row])),
            )
            for row, step in enumerate(steps)
        ),
        lanes=drawn,
        width=max((lane.place for lane in drawn), default=0),
    )


@dataclass(slots=True)
class _Place:
    """A place for lanes, and the rows that are taken in it."""

    taken: list[tuple[int, int]] = field(default_factory=list)

    def free(self, first: int, last: int) -> bool:
        """Whether no lane there touches any of these rows."""
        return all(last < begin or end < first for begin, end in self.taken)


def _placed(drafts: Sequence[tuple[int, tuple[int, ...]]], width: int) -> list[Lane]:
    """Lanes with their places, the shortest first; those that find none have the place 0."""
    places = [_Place() for _ in range(width)]
    found = []
    for target, sources in sorted(drafts, key=lambda draft: (_length(*draft), min(draft[1]), draft[0])):
        lane = Lane(place=0, target=target, sources=sources)
        place = next((n for n, there in enumerate(places) if there.free(lane.first, lane.last)), None)
        if place is not None:
            places[place].taken.append((lane.first, lane.last))
            lane = Lane(place=place + 1, target=target, sources=sources)
        found.append(lane)
    return found


def _length(target: int, sources: tuple[int, ...]) -> int:
    return max(target, *sources) - min(target, *sources)

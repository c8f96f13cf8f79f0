"""The rail of a graph in characters: steps from top to bottom, their lanes beside them, what each way is in words.

A row for each step, below it one for each lane that leaves it and for each way that has no lane. ``passed`` straight
down has a row only where nobody walked it. Walked lines are drawn through, others are dashed: no colour is needed.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from runbook.model.graph import PASSED
from runbook.report.rail import Crossing, Lane, Row, rail

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_LINES = " ╵╷│╴╯╮┤╶╰╭├─┴┬┼"
"""A line by its arms, which are the bits of its place here."""
_DASHED = {_UP | _DOWN: "┆", _LEFT | _RIGHT: "╌"}
_WIDE, _LANES, _FEW_LANES = 60, 6, 3
_HEAD, _SEEN, _UNSEEN, _END, _UNSEEN_END = "◂", "●", "○", "■", "□"


class Tone(Enum):
    """What is drawn: something walked, something that nobody walked, or what is neither."""

    WALKED = "walked"
    UNWALKED = "unwalked"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A step: ``end`` says that nothing leads on from it, ``walked`` that somebody was there (None: it is not said).

    ``words`` stand beside it in place of its id, ``sign`` in place of what it is drawn as, ``notes`` in lines below.
    """

    step: str
    end: bool
    walked: bool | None = None
    words: str = ""
    sign: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A way: ``via`` in words, ``note`` behind it where it was not walked; ``walked`` None says that it is not said.

    What was not walked is dashed. ``target`` may be something that is no step. Without words it has no line of its own
    where it runs straight down.
    """

    source: str
    target: str
    via: str
    walked: bool | None = None
    note: str = ""


Line = Sequence[tuple[str, Tone]]
"""A line in pieces."""


def text_graph(stops: Sequence[Stop], tracks: Sequence[Track], columns: int, *, marks: bool = True) -> Iterator[Line]:
    """Draw a graph.

    :param stops: the steps, each once, in file order.
    :param columns: so many cells are in a line; fewer have fewer lanes.
    :param marks: whether a way's words begin with whether it was walked.
    """
    return _Picture(stops, tracks, columns, marks=marks).lines()


@dataclass(slots=True)
class _Cell:
    """What is drawn in one cell: the arms of its lines, and which of them were walked; or a sign."""

    arms: dict[int, bool | None] = field(default_factory=dict)
    sign: str = ""

    def add(self, arms: int, walked: bool | None) -> None:
        """Draw arms here; a walked one covers others."""
        for arm in (_UP, _DOWN, _LEFT, _RIGHT):
            if arms & arm:
                self.arms[arm] = walked or self.arms.get(arm, walked)

    def piece(self) -> tuple[str, Tone]:
        """The character, and what it is."""
        arms = sum(self.arms)
        tone = _tone(any(self.arms.values()) if self.arms and None not in self.arms.values() else None)
        dashed = _DASHED.get(arms) if tone is Tone.UNWALKED else None
        return self.sign or dashed or _LINES[arms], tone


class _Picture:
    def __init__(self, stops: Sequence[Stop], tracks: Sequence[Track], columns: int, *, marks: bool) -> None:
        self._columns = columns
        self._marks = marks
        self._stops = stops
        self._ids = [stop.step for stop in stops]
        self._of: dict[str, list[Track]] = {stop.step: [] for stop in stops}
        self._walked: dict[tuple[str, str], bool | None] = {}
        for track in tracks:
            self._of[track.source].append(track)
            pair = (track.source, track.target)
            said = (track.walked, self._walked.get(pair, track.walked))
            self._walked[pair] = None if None in said else any(said)
        ways = [(track.source, track.target) for track in tracks]
        self._rail = rail(self._ids, ways, _LANES if columns >= _WIDE else _FEW_LANES)

    def lines(self) -> Iterator[Line]:
        """All lines of the picture."""
        for place, row in enumerate(self._rail.rows):
            yield from self._step(place, row)

    def _step(self, place: int, row: Row) -> Iterator[Line]:
        stop, below = self._stops[place], self._ids[place + 1] if row.falls else None
        ways: dict[str, list[Track]] = {}
        for track in self._of[row.step]:
            ways.setdefault(track.target, []).append(track)
        lanes = {self._ids[each.lane.target]: each.lane for each in row.crossings if each.leaves}
        if below is not None:
            ways[below] = [track for track in ways[below] if track.walked is False or track.via not in {PASSED, ""}]
        told = [target for target, tracks in ways.items() if tracks]
        # The nearest lane leaves first: no other is crossed by more than one line.
        leaving = sorted((target for target in told if target in lanes), key=lambda target: lanes[target].place)
        rest = [target for target in told if target not in lanes]
        order = {lanes[target].place: number for number, target in enumerate(leaving, 1)}
        cells = self._cells(place, row, 0, order)
        first, *others = self._wrapped([stop.words or stop.step], len(cells))
        yield self._line(cells, first, _tone(stop.walked))
        for words in [*others, *(f"  {note}" for note in self._wrapped(stop.notes, len(cells)))]:
            cells = self._after(cells)
            if row.falls or leaving:
                cells[0].add(_UP | _DOWN, self._walked[row.step, below or leaving[0]])
            yield self._line(cells, words, _tone(stop.walked))
        for number, target in enumerate([*leaving, *rest], 1):
            cells = self._cells(place, row, number, order)
            more = number < len(leaving)
            if row.falls or more:
                cells[0].add(_DOWN, self._walked[row.step, below] if below else self._walked[row.step, target])
            if row.falls or number <= len(leaving):
                cells[0].add(_UP, self._walked[row.step, below] if below else self._walked[row.step, target])
            if target in lanes:
                self._across(cells, 2 * lanes[target].place, self._walked[row.step, target])
            for track in ways[target]:
                for line in self._told(track, len(cells)):
                    yield self._line(cells, line, _tone(track.walked))
                    cells = self._after(cells)

    def _wrapped(self, notes: Sequence[str], cells: int) -> Iterator[str]:
        """Notes in as many lines as they need: neither what is done nor where it leads is cut."""
        for note in notes:
            yield from textwrap.wrap(note, max(self._columns - cells - 3, 8), break_on_hyphens=False)

    def _cells(self, place: int, row: Row, number: int, order: Mapping[int, int]) -> list[_Cell]:
        """The lanes beside a step, in its own line (0) or one below it, and what arrives from them.

        :param order: in which of these lines a lane leaves, by its place.
        """
        cells = [_Cell() for _ in range(2 * self._rail.width + 1)]
        if number == 0:
            stop = self._stops[place]
            seen = stop.walked is not False
            cells[0].sign = stop.sign or ((_END if seen else _UNSEEN_END) if stop.end else _SEEN if seen else _UNSEEN)
            cells[0].arms = {} if stop.walked is None else {0: stop.walked}
        for each in row.crossings:
            cell, leaves = cells[2 * each.lane.place], order.get(each.lane.place, 0) if each.leaves else None
            above, below = self._sides(each, number, leaves)
            for there, arm in ((above, _UP), (below, _DOWN)):
                if there:
                    cell.add(arm, self._lane(each.lane, place, number, leaves, upper=arm == _UP))
            if number == 0 and each.arrives:
                sources = [self._walked[self._ids[source], row.step] for source in each.lane.sources]
                walked = None if None in sources else any(sources)
                self._across(cells, 2 * each.lane.place, walked, arrives=True)
        return cells

    @staticmethod
    def _sides(each: Crossing, number: int, leaves: int | None) -> tuple[bool, bool]:
        """Whether a lane is there above and below the middle of a line."""
        if each.arrives:
            return (each.above if number == 0 else each.below), each.below
        if leaves is None:
            return True, True
        return each.above if number <= leaves else each.below, each.below if number >= leaves else each.above

    def _lane(self, lane: Lane, place: int, number: int, leaves: int | None, *, upper: bool) -> bool | None:
        """Whether a piece of a lane was walked: only what is between a source that was and the target."""
        target = self._ids[lane.target]
        walked = {source: self._walked[self._ids[source], target] for source in lane.sources}
        if None in walked.values():
            return None
        # A source's own line is where it leaves; what is here counts as before or behind it.
        here = leaves is not None and (number > leaves or (number == leaves and not upper))
        if lane.down:
            return any(was for source, was in walked.items() if source < place or (source == place and here))
        return any(was for source, was in walked.items() if source > place or (source == place and not here))

    @staticmethod
    def _across(cells: list[_Cell], to: int, walked: bool | None, *, arrives: bool = False) -> None:
        """Draw the line between a step and its lane."""
        for cell in cells[1:to]:
            cell.add(_LEFT | _RIGHT, walked)
        cells[to].add(_LEFT, walked)
        if arrives:
            cells[1].sign = _HEAD
        else:
            cells[0].add(_RIGHT, walked)

    @staticmethod
    def _after(cells: list[_Cell]) -> list[_Cell]:
        """What is below such a line where there is one more thing to say: the lanes that go on."""
        below = []
        for cell in cells:
            found = _Cell()
            if _DOWN in cell.arms:
                found.add(_UP | _DOWN, cell.arms[_DOWN])
            below.append(found)
        return below

    def _told(self, track: Track, cells: int) -> Iterator[str]:
        mark = {True: f"{_SEEN} ", False: f"{_UNSEEN} ", None: ""}[track.walked] if self._marks else ""
        note = f"  {track.note}" if track.walked is False and track.note else ""
        via = f"{track.via} " if track.via else ""
        room = max(self._columns - cells - 1, 8)
        whole, inner = f"  {mark}{via}→ {track.target}{note}", " " * (2 + len(mark))
        yield from textwrap.wrap(whole, room, subsequent_indent=inner, break_on_hyphens=False)

    def _line(self, cells: Sequence[_Cell], words: str, tone: Tone) -> Line:
        return [*(cell.piece() for cell in cells), (f" {words}", tone)]


def _tone(walked: bool | None) -> Tone:
    return Tone.PLAIN if walked is None else Tone.WALKED if walked else Tone.UNWALKED

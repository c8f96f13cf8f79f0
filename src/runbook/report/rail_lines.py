"""The lines of a rail as SVG: for each row what is beside its step, over a height that its words decide.

A way that was walked is drawn strong; a lane of which every way is taken after a failure is dashed. What a row holds
fits every height, as its verticals end at 100 %. Classes are those of ``style.css``.
"""

from collections.abc import Collection, Iterator, Sequence

from runbook.report.rail import Crossing, Rail
from runbook.report.tags import Html, tag

LEFT, MIDDLE = 12, 21
"""Where the node of a row stands."""
_FIRST, _LANE, _PORT, _BEND, _NODE = 6, 11, 5, 6, 5


class Lines:
    """What is drawn of a rail.

    :param walked: the ways that were walked, as source and target.
    :param others: the ways that are not, or not only, taken after a failure.
    """

    def __init__(self, rail: Rail, *, walked: Collection[tuple[str, str]], others: Collection[tuple[str, str]]) -> None:
        self._rail = rail
        self._ids = [row.step for row in rail.rows]
        self._walked = walked
        self._others = others
        self.width = LEFT + _FIRST + _LANE * rail.width + 12

    def row(self, place: int) -> Sequence[Html]:
        """The lines in one row: those that were walked over the others."""
        row = self._rail.rows[place]
        found: list[tuple[bool, Html]] = []
        if place and self._rail.rows[place - 1].falls:
            found.append(self._straight(place - 1, y1="0", y2=str(MIDDLE)))
        if row.falls:
            found.append(self._straight(place, y1=str(MIDDLE), y2="100%"))
        for crossing in row.crossings:
            found += self._crossing(place, crossing)
        if row.loops:
            walked = (row.step, row.step) in self._walked
            loop = f"M{LEFT - 3},{MIDDLE + 4} c-12,14 -12,-22 0,-8"
            found.append((walked, _path(loop, walked=walked, dashed=self._fails((row.step, row.step)))))
        return [line for walked, line in sorted(found, key=lambda drawn: drawn[0])]

    def _fails(self, pair: tuple[str, str]) -> bool:
        return pair not in self._others

    def _straight(self, place: int, y1: str, y2: str) -> tuple[bool, Html]:
        pair = (self._ids[place], self._ids[place + 1])
        return _line(LEFT, y1, y2, walked=pair in self._walked, dashed=self._fails(pair))

    def _crossing(self, place: int, crossing: Crossing) -> Iterator[tuple[bool, Html]]:
        """What is drawn of a lane in one row: up and down from the middle, and the bend that leaves or arrives."""
        lane = crossing.lane
        x = LEFT + _FIRST + _LANE * lane.place
        target = self._ids[lane.target]
        walked = [source for source in lane.sources if (self._ids[source], target) in self._walked]
        fails = all(self._fails((self._ids[source], target)) for source in lane.sources)
        # The part between a source that was walked and the target was walked, and no other.
        above = any(source < place for source in walked) if lane.down else any(source >= place for source in walked)
        below = any(source <= place for source in walked) if lane.down else any(source > place for source in walked)
        bend_out, bend_in = MIDDLE + _PORT, MIDDLE - _PORT
        turn = _BEND if lane.down else -_BEND
        # Where a lane is joined, and where it ends, it begins or ends with the bend.
        middle = bend_in - turn if crossing.arrives else bend_out + turn if crossing.leaves else MIDDLE
        if crossing.above:
            yield _line(x, "0", str(middle), walked=above, dashed=fails)
        if crossing.below:
            yield _line(x, str(middle), "100%", walked=below, dashed=fails)
        if crossing.leaves:
            pair = (self._ids[place], target)
            drawn = f"M{LEFT + _NODE + 1},{bend_out} H{x - _BEND} Q{x},{bend_out} {x},{bend_out + turn}"
            yield pair in self._walked, _path(drawn, walked=pair in self._walked, dashed=self._fails(pair))
        if crossing.arrives:
            ends = LEFT + _NODE + 2
            drawn = f"M{x},{bend_in - turn} Q{x},{bend_in} {x - _BEND},{bend_in} H{ends}"
            yield bool(walked), _path(drawn, walked=bool(walked), dashed=fails)
            head = f"M{ends + 5},{bend_in - 3} L{ends},{bend_in} L{ends + 5},{bend_in + 3}"
            yield bool(walked), _path(head, walked=bool(walked), dashed=False)


def round_node(class_: str) -> Html:
    """A step."""
    return tag("circle", class_=f"node {class_}", cx=LEFT, cy=MIDDLE, r=_NODE)


def pointed_node(class_: str) -> Html:
    """A step that changes something."""
    return tag("path", class_=f"node {class_}", d=f"M{LEFT},{MIDDLE - 6} l6.5,11 h-13 z")


def square_node(class_: str) -> Html:
    """A step that ends the walk."""
    return tag("rect", class_=f"node {class_}", x=LEFT - 5, y=MIDDLE - 5, width=10, height=10)


def _line(x: float, y1: str, y2: str, *, walked: bool, dashed: bool) -> tuple[bool, Html]:
    return walked, tag("line", class_=_class(walked=walked, dashed=dashed), x1=x, x2=x, y1=y1, y2=y2)


def _path(drawn: str, *, walked: bool, dashed: bool) -> Html:
    return tag("path", class_=_class(walked=walked, dashed=dashed), d=drawn)


def _class(*, walked: bool, dashed: bool) -> str:
    return " ".join(["way", *(["walked"] if walked else []), *(["fails"] if dashed else [])])

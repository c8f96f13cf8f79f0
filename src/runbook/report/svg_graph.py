"""The graph as a picture, with the walked path on it: a rail of steps, each row an SVG as high as its words.

Lines are in SVG, beside words in HTML, so the picture fits every width and may break between pages at any row. A way
that was walked is drawn strong, one that is taken after a failure dashed. Colours are in ``style.css``.
"""

from collections.abc import Iterator, Mapping, Sequence

from runbook.model.address import of_each
from runbook.report.content import Report, Visit
from runbook.report.graph import Graph, Node, Way
from runbook.report.rail import Crossing, Rail, Row, rail
from runbook.report.results import word_of
from runbook.report.tags import Html, code, joined, tag, tone

_LEFT, _FIRST, _LANE, _MIDDLE, _PORT, _BEND, _NODE = 12, 6, 11, 21, 5, 6, 5
_OUTSIDE = frozenset({"passed", "skipped"})
_COMMANDS = {"go_to": "the operator went on at", "retry": "tried again", "start_at": "began at"}


def graphs(report: Report) -> Iterator[tuple[Graph, Html]]:
    """The picture of each graph that could be walked."""
    visits: dict[str, list[tuple[int, Visit]]] = {}
    for number, visit in enumerate(report.visits, 1):
        visits.setdefault(of_each(visit.step), []).append((number, visit))
    for graph in report.graphs:
        yield graph, _Picture(graph, visits).drawn()


class _Picture:
    """One graph on its way to a picture."""

    def __init__(self, graph: Graph, visits: Mapping[str, Sequence[tuple[int, Visit]]]) -> None:
        self._graph = graph
        self._visits = visits
        self._ids = [node.step for node in graph.nodes]
        ways = [(way.source, way.target) for way in graph.ways]
        self._rail: Rail = rail(self._ids, ways)
        self._walked = {(way.source, way.target) for way in graph.ways if way.walked}
        self._after_failure = {
            pair: all(way.via in {"failed", "unknown"} for way in graph.ways if (way.source, way.target) == pair)
            for pair in ways
        }
        self._titles = {node.step: self._title(node) for node in graph.nodes}
        self._width = _LEFT + _FIRST + _LANE * self._rail.width + 12

    def drawn(self) -> Html:
        """The picture: a list of the steps, beside each what leads to it and on."""
        rows = [
            tag("li", self._lines(place, row), self._words(self._graph.nodes[place], row))
            for place, row in enumerate(self._rail.rows)
        ]
        return tag("ol", *rows, class_=f"rail w{self._rail.width}")

    def _title(self, node: Node) -> str:
        """As the operator read it last, else as the file has it."""
        visits = self._of(node)
        return visits[-1][1].title if visits else node.title or node.step

    def _of(self, node: Node) -> Sequence[tuple[int, Visit]]:
        return self._visits.get(f"{self._graph.within}/{node.step}" if self._graph.within else node.step, ())

    # Words

    def _words(self, node: Node, row: Row) -> Html:
        visits = self._of(node)
        title = (
            tag("a", self._titles[node.step], href=f"#step-{visits[0][0]}")
            if visits
            else tag("span", self._titles[node.step])
        )
        flags = [tag("span", said, class_=f"word {tone(outcome)}") for outcome, said in _in_row(visits)]
        first = tag("div", title, " ", *_between(flags), class_="what")
        about = [code(node.step), f" {node.kind}" if node.kind != node.step else ""]
        if node.effect != "none":
            about.append(
                tag("span", " irreversible" if node.effect == "irreversible" else " changes something", class_="effect")
            )
        ways = [self._way(way) for way in self._graph.ways if way.source == node.step and self._told(way, row)]
        second = tag("div", *about, class_="about")
        third = tag("div", *_between(ways), class_="ways") if ways else Html()
        return tag("div", first, second, third, class_="words" if visits else "words unwalked")

    def _told(self, way: Way, row: Row) -> bool:
        """Whether a way is told in words too: not one that runs straight down, nor the file's own unless walked."""
        straight = (
            row.falls and self._ids.index(way.source) + 1 == self._ids.index(way.target)
            if way.target in self._ids
            else False
        )
        if straight and way.via in _OUTSIDE:
            return False
        return bool(way.walked) or not way.default or way.target in row.jumps

    def _way(self, way: Way) -> Html:
        often = f" ({way.walked}×)" if way.walked > 1 else ""
        said = joined([_via(way.via), " → ", self._titles.get(way.target, way.target), often])
        return tag("span", said, class_="way walked" if way.walked else "way")

    # Lines

    def _lines(self, place: int, row: Row) -> Html:
        """The lines in one row: those that were walked over the others."""
        visits = self._of(self._graph.nodes[place])
        found: list[tuple[bool, Html]] = []
        if place and self._rail.rows[place - 1].falls:
            found.append(self._straight(place - 1, y1="0", y2=str(_MIDDLE)))
        if row.falls:
            found.append(self._straight(place, y1=str(_MIDDLE), y2="100%"))
        for crossing in row.crossings:
            found += self._crossing(place, crossing)
        if row.loops:
            walked = (row.step, row.step) in self._walked
            loop = f"M{_LEFT - 3},{_MIDDLE + 4} c-12,14 -12,-22 0,-8"
            found.append((walked, _path(loop, walked=walked, dashed=False)))
        lines = [line for walked, line in sorted(found, key=lambda drawn: drawn[0])]
        last = tone(visits[-1][1].outcome) if visits else "never"
        node = tag("circle", class_=f"node {last}", cx=_LEFT, cy=_MIDDLE, r=_NODE)
        return tag("svg", *lines, node, class_="lines", width=self._width, aria_hidden="true")

    def _straight(self, place: int, y1: str, y2: str) -> tuple[bool, Html]:
        pair = (self._ids[place], self._ids[place + 1])
        return self._line(_LEFT, y1, y2, walked=pair in self._walked)

    @staticmethod
    def _line(x: float, y1: str, y2: str, *, walked: bool) -> tuple[bool, Html]:
        return walked, tag("line", class_="way walked" if walked else "way", x1=x, x2=x, y1=y1, y2=y2)

    def _crossing(self, place: int, crossing: Crossing) -> Iterator[tuple[bool, Html]]:
        """What is drawn of a lane in one row: up and down from the middle, and the bend that leaves or arrives."""
        lane = crossing.lane
        x = _LEFT + _FIRST + _LANE * lane.place
        target = self._ids[lane.target]
        walked = [source for source in lane.sources if (self._ids[source], target) in self._walked]
        # The part between a source that was walked and the target was walked, and no other.
        above = any(source < place for source in walked) if lane.down else any(source >= place for source in walked)
        below = any(source <= place for source in walked) if lane.down else any(source > place for source in walked)
        bend_out, bend_in = _MIDDLE + _PORT, _MIDDLE - _PORT
        turn = _BEND if lane.down else -_BEND
        # Where a lane is joined, and where it ends, it begins or ends with the bend.
        middle = bend_in - turn if crossing.arrives else bend_out + turn if crossing.leaves else _MIDDLE
        if crossing.above:
            yield self._line(x, "0", str(middle), walked=above)
        if crossing.below:
            yield self._line(x, str(middle), "100%", walked=below)
        if crossing.leaves:
            pair = (self._ids[place], target)
            drawn = f"M{_LEFT + _NODE + 1},{bend_out} H{x - _BEND} Q{x},{bend_out} {x},{bend_out + turn}"
            yield pair in self._walked, _path(drawn, walked=pair in self._walked, dashed=self._after_failure[pair])
        if crossing.arrives:
            ends = _LEFT + _NODE + 2
            drawn = f"M{x},{bend_in - turn} Q{x},{bend_in} {x - _BEND},{bend_in} H{ends}"
            yield bool(walked), _path(drawn, walked=bool(walked), dashed=False)
            head = f"M{ends + 5},{bend_in - 3} L{ends},{bend_in} L{ends + 5},{bend_in + 3}"
            yield bool(walked), _path(head, walked=bool(walked), dashed=False)


def _in_row(visits: Sequence[tuple[int, Visit]]) -> list[tuple[str, str]]:
    """The outcomes of a step's visits, each in words, counted where it came again."""
    counts: dict[str, int] = {}
    for _, visit in visits:
        counts[word_of(visit)] = counts.get(word_of(visit), 0) + 1
    return [(outcome, outcome if count == 1 else f"{outcome} {count}×") for outcome, count in counts.items()]


def _via(via: str) -> str:
    """How a way is taken, in words."""
    kind, _, option = via.partition(":")
    words = {
        "passed": "then",
        "skipped": "if skipped",
        "failed": "if failed",
        "unknown": "if unknown",
        "option": option,
    }
    return words.get(kind, _COMMANDS.get(kind, kind))


def _between(parts: Sequence[Html]) -> Iterator[Html]:
    for place, part in enumerate(parts):
        if place:
            yield Html(" ")
        yield part


def _path(drawn: str, *, walked: bool, dashed: bool) -> Html:
    class_ = "way walked" if walked else "way"
    return tag("path", class_=f"{class_} fails" if dashed else class_, d=drawn)

"""The graph as a picture, with the walked path on it: a rail of steps, each row an SVG as high as its words.

Lines are in SVG, beside words in HTML, so the picture fits every width and may break between pages at any row. A way
that was walked is drawn strong, one that is taken after a failure dashed. Colours are in ``style.css``.
"""

from collections.abc import Iterator, Mapping, Sequence

from runbook.model.address import of_each
from runbook.report.content import Report, Visit
from runbook.report.graph import Graph, Node, Way
from runbook.report.rail import Rail, Row, rail
from runbook.report.rail_lines import Lines, round_node
from runbook.report.results import labels, word_of
from runbook.report.tags import Html, code, joined, tag, tone

_OUTSIDE = frozenset({"passed", "skipped"})
_WORDS = {
    "passed": "then",
    "skipped": "if skipped",
    "failed": "if failed",
    "unknown": "if unknown",
    "go_to": "the operator went on at",
    "retry": "tried again",
    "start_at": "began at",
}


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
        self._lines = Lines(
            self._rail,
            walked={(way.source, way.target) for way in graph.ways if way.walked},
            others={(way.source, way.target) for way in graph.ways if way.via not in {"failed", "unknown"}},
        )
        self._titles = {node.step: self._title(node) for node in graph.nodes}

    def drawn(self) -> Html:
        """The picture: a list of the steps, beside each what leads to it and on."""
        rows = [
            tag("li", self._drawn(place), self._words(self._graph.nodes[place], row))
            for place, row in enumerate(self._rail.rows)
        ]
        return tag("ol", *rows, class_=f"rail w{self._rail.width}")

    def _drawn(self, place: int) -> Html:
        visits = self._of(self._graph.nodes[place].step)
        node = round_node(tone(visits[-1][1].outcome) if visits else "never")
        lines = self._lines.row(place)
        return tag("svg", *lines, node, class_="lines", width=self._lines.width, aria_hidden="true")

    def _title(self, node: Node) -> str:
        """As the operator read it last, else as the file has it."""
        visits = self._of(node.step)
        return visits[-1][1].title if visits else node.title or node.step

    def _of(self, step: str) -> Sequence[tuple[int, Visit]]:
        """The visits of a step of this graph."""
        return self._visits.get(f"{self._graph.within}/{step}" if self._graph.within else step, ())

    # Words

    def _words(self, node: Node, row: Row) -> Html:
        visits = self._of(node.step)
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
        said = joined([self._via(way), " → ", self._titles.get(way.target, way.target), often])
        return tag("span", said, class_="way walked" if way.walked else "way")

    def _via(self, way: Way) -> str:
        """How a way is taken, in words; of an option as the operator read it last, else as the file has it."""
        kind, _, option = way.via.partition(":")
        if kind != "option":
            return _WORDS.get(kind, kind)
        visits = self._of(way.source)
        read = labels(visits[-1][1]).get(option) if visits else None
        return f"“{read or way.label or option}”"


def _in_row(visits: Sequence[tuple[int, Visit]]) -> list[tuple[str, str]]:
    """The outcomes of a step's visits, each in words, counted where it came again."""
    counts: dict[str, int] = {}
    for _, visit in visits:
        counts[word_of(visit)] = counts.get(word_of(visit), 0) + 1
    return [(outcome, outcome if count == 1 else f"{outcome} {count}×") for outcome, count in counts.items()]


def _between(parts: Sequence[Html]) -> Iterator[Html]:
    for place, part in enumerate(parts):
        if place:
            yield Html(" ")
        yield part

"""A runbook's graph as one picture that needs nothing else: the rail, and beside each step what it is."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from runbook.report.plan.content import Plan, PlannedStep
from runbook.report.plan.words import Drawing, about
from runbook.report.rail import Row
from runbook.report.tags import Html, joined, tag, text

Pieces: TypeAlias = Sequence[tuple[str, str | None]]
_TOP, _LINE, _PADDING, _WIDE, _LEAST = 56, 17, 13, 112, 68
_LETTER = 7.2
"""The width of a letter of the smaller size, in pixels, by which a line is cut: no font is known here."""
_STYLE = (Path(__file__).parent / "picture.css").read_text(encoding="utf-8")


def svg(plan: Plan) -> str:
    """The graph as an SVG document."""
    drawing = Drawing(plan)
    rows, y = [], _TOP
    letters = max(_LEAST, int(len(plan.title) * 1.7))
    for step, row in drawing.rows():
        said = [*_said(drawing, step, row)]
        height = _PADDING + _LINE * len(said) + 6
        lines = tag("svg", *drawing.lines(step), y=y, width=drawing.width, height=height, overflow="visible")
        words = [
            tag("text", *_spans(pieces), x=drawing.width, y=y + _PADDING + _LINE * place + 12, class_=class_)
            for place, (class_, pieces) in enumerate(said)
        ]
        rows.append(tag("g", lines, *words))
        letters = max(letters, *(sum(len(piece) for piece, _ in pieces) for _, pieces in said))
        y += height
    width = int(drawing.width + letters * _LETTER + 16)
    legend = [*_legend(plan)]
    height = y + _LINE * len(legend) + 18
    content = joined(
        [
            tag("style", Html(_STYLE)),
            tag("title", plan.title),
            tag("rect", class_="page", width="100%", height="100%"),
            tag("text", plan.title, x=drawing.width - 12, y=32, class_="head"),
            *rows,
            *(tag("text", said, x=12, y=y + 18 + _LINE * place) for place, said in enumerate(legend)),
        ]
    )
    return tag(
        "svg", content, xmlns="http://www.w3.org/2000/svg", width=width, height=height, viewBox=f"0 0 {width} {height}"
    ) + Html("\n")


def _spans(pieces: Pieces) -> Iterator[Html]:
    for piece, class_ in pieces:
        yield tag("tspan", piece, class_=class_) if class_ else text(piece)


def _legend(plan: Plan) -> Iterator[str]:
    yield "Circle: reads or asks. Triangle: changes something. Square: ends."
    yield "Dashed: taken after a failure."
    if plan.handler is not None:
        yield f"A step that fails and names no other way leads to {plan.handler}."


def _said(drawing: Drawing, step: PlannedStep, row: Row) -> Iterator[tuple[str, Pieces]]:
    """The lines beside a step: the class of each, and its pieces, each with a class of its own."""
    yield "title", [(_cut(step.title), None)]
    kind = "" if step.kind == step.id else f" {step.kind}"
    effect = {"change": "changes", "irreversible": "irreversibly"}.get(step.effect.value)
    asks = [(" · ", None), (_cut(about(step)), effect)] if about(step) else []
    yield "about", [(step.id, "id"), (kind, None), *asks]
    for way in drawing.told(step, row):
        yield "about", [(_cut(drawing.way(way)), None)]


def _cut(said: str) -> str:
    return said if len(said) <= _WIDE else f"{said[: _WIDE - 1]}…"

"""The timeline as a picture: a bar for every visit, and in it who was waited for.

The words are HTML, the bars SVG in percent, so the picture fits every width. Colours and sizes are in ``style.css``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo

from runbook.model.durations import spoken
from runbook.report.content import Report, Visit
from runbook.report.results import word_of
from runbook.report.scale import Scale
from runbook.report.spans import APPROVER, MACHINE, NOBODY, PERSON, WAIT, Span
from runbook.report.tags import Html, tag, tone

WORDS = {
    MACHINE: "the machine worked",
    PERSON: "waiting for a person",
    APPROVER: "waiting for an approval",
    WAIT: "waiting, as the runbook says",
    NOBODY: "nobody walked",
}
_WORTH_A_WORD = 1_000
_WORTH_A_LINE = 50
"""A wait is told of where it is one part of so many of the run."""
_SHOWN = 40
_TAIL = 15
_LEAST = 0.5
"""The shortest bar that is seen, of 100."""
_TALL = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chart:
    """What the bars of all visits have: their scale, the lines behind them, and which is the last."""

    scale: Scale
    lines: Sequence[Html]
    last: Visit


def shares(spans: Sequence[Span], total_ms: int) -> Html:
    """Where the time went: one bar of the whole run, and in words; empty where it took none."""
    sums = {who: sum(span.took_ms for span in spans if span.who == who) for who in WORDS}
    sums = {who: took for who, took in sums.items() if took}
    whole = sum(sums.values())
    if not whole or total_ms < _WORTH_A_WORD:
        return Html()
    bars, x = [], 0.0
    for who, took in sums.items():
        bars.append(_rect(who, x, took / whole * 100, tall="100%"))
        x += took / whole * 100
    legend = [tag("li", _key(who), tag("b", spoken(took)), f" {WORDS[who]}") for who, took in sums.items()]
    picture = tag("svg", *bars, class_="shares", aria_hidden="true")
    return tag("div", picture, tag("ul", *legend, class_="legend"), class_="went")


def longest(report: Report, count: int = 3) -> list[Html]:
    """The longest times that somebody or something was waited for, longest first; all looks of a wait are one time."""
    titles = {(visit.step, visit.visit): visit.title for visit in report.visits}
    least = max(_WORTH_A_WORD, report.ended.mono // _WORTH_A_LINE)
    waits: dict[tuple[str, int, str, str], Span] = {}
    for span in report.spans:
        whole = waits.get(key := (span.step, span.visit, span.who, span.what), replace(span, took_ms=0))
        waits[key] = replace(whole, took_ms=whole.took_ms + span.took_ms)
    worth = [span for span in waits.values() if span.who not in {MACHINE, NOBODY} and span.took_ms >= least]
    found = sorted(worth, key=lambda span: (-span.took_ms, span.began_ms))[:count]
    return [
        tag(
            "li",
            tag("b", spoken(span.took_ms)),
            " ",
            _for(report, span),
            ": ",
            titles.get((span.step, span.visit), span.step),
        )
        for span in found
    ]


def _for(report: Report, span: Span) -> str:
    """For whom or what a time was waited."""
    who = WORDS[span.who]
    if span.who == PERSON:
        who = f"waiting for {_operator(report, span.began_ms) or 'a person'}"
    elif span.who == WAIT:
        who = "waiting"
    return f"{who} {span.what}".rstrip() if span.who != APPROVER else who


def _operator(report: Report, mono: int) -> str:
    before = [watch.operator for watch in report.operators if watch.since.mono <= mono]
    return before[-1] if before else ""


def picture(report: Report, zones: Sequence[tuple[str, tzinfo]]) -> Html:
    """The picture of a run; empty where it entered no step.

    :param zones: those in which the axis tells the time beside UTC, with what they are called.
    """
    if not report.visits:
        return Html()
    scale = Scale(report.ended.mono, report.spans)
    ticks = scale.ticks(report.began, [UTC, *(zone for _, zone in zones)])
    lines = [tag("line", class_="grid", x1=f"{tick.place}%", x2=f"{tick.place}%", y1="0", y2="100%") for tick in ticks]
    lines += [_rect("gap", place, length, tall="100%") for place, length in scale.gaps()]
    chart = _Chart(scale=scale, lines=lines, last=report.visits[-1])
    by_visit: dict[tuple[str, int], list[Span]] = {}
    for span in report.spans:
        by_visit.setdefault((span.step, span.visit), []).append(span)
    rows = [
        _row(number, visit, by_visit.get((visit.step, visit.visit), []), chart)
        for number, visit in enumerate(report.visits, 1)
    ]
    names = ["UTC", *(name for name, _ in zones)]
    axes = [
        tag(
            "div",
            tag("span", name, class_="axis-name"),
            tag("svg", *(_label(tick.place, tick.labels[place]) for tick in ticks), class_="axis", aria_hidden="true"),
            class_="axis-row",
        )
        for place, name in enumerate(names)
    ]
    return tag("div", *(axes if ticks else ()), *_folded(rows), class_="gantt")


def _folded(rows: Sequence[Html]) -> Iterator[Html]:
    """The rows; the middle of a great many is folded."""
    if len(rows) <= _SHOWN:
        yield tag("ol", *rows)
        return
    left = len(rows) - _SHOWN
    middle = _SHOWN - _TAIL
    yield tag("ol", *rows[:middle])
    summary = tag("summary", f"{left} more visits, in between")
    yield tag("details", summary, tag("ol", *rows[middle : middle + left]))
    yield tag("ol", *rows[middle + left :])


def _row(number: int, visit: Visit, spans: Sequence[Span], chart: _Chart) -> Html:
    begin = visit.entered.mono
    scale = chart.scale
    goes_on = visit.outcome == "open" and visit is chart.last
    over = scale.total_ms if goes_on else begin + (visit.took_ms or 0)
    over = max(over, *(span.began_ms + span.took_ms for span in spans if span.who != NOBODY), begin)
    x, until = scale.at(begin), scale.at(over)
    length = max(until - x, _LEAST)
    x = min(x, 100 - length)
    bars = [_rect(f"visit {tone(visit.outcome)}", x, length, tall=2, y=_TALL / 2 + 1)]
    for span in spans:
        at, to = scale.at(span.began_ms), scale.at(span.began_ms + span.took_ms)
        told = tag("title", f"{spoken(span.took_ms)}: {WORDS[span.who]}{f' {span.what}' if span.what else ''}")
        if to - at >= _LEAST or span.who != MACHINE:
            bars.append(_rect(span.who, min(at, 100 - _LEAST), max(to - at, _LEAST), told, y=-_TALL / 2))
    if len(bars) == 1:
        bars[0] = _rect(f"visit {tone(visit.outcome)}", x, length, y=-_TALL / 2)
    again = f" (visit {visit.visit})" if visit.visit > 1 else ""
    took = spoken(visit.took_ms) if visit.took_ms else ""
    name: list[str] = [tag("a", visit.title, again, href=f"#step-{number}")]
    if (word := word_of(visit)) != "passed":
        name += [" ", tag("span", word, class_=f"word {tone(word)}")]
    # In the middle of its row, however high that is.
    bar = tag("svg", *chart.lines, tag("svg", *bars, y="50%"), class_="bar", aria_hidden="true")
    track = tag("span", bar, class_="track")
    return tag("li", tag("span", *name, class_="what"), track, tag("span", *_who(spans, took), class_="took"))


def _who(spans: Sequence[Span], took: str) -> Iterator[Html]:
    """How long a visit took; what of it was waiting stands in the picture and, for who does not see it, in words."""
    yield tag("b", took)
    sums = {who: sum(span.took_ms for span in spans if span.who == who) for who in (PERSON, APPROVER, WAIT)}
    said = [f"{spoken(ms)} {WORDS[who]}" for who, ms in sums.items() if ms >= _WORTH_A_WORD]
    if said:
        yield tag("span", f" ({', '.join(said)})", class_="unseen")


def _key(who: str) -> Html:
    return tag("svg", tag("rect", class_=who, width="100%", height="100%"), class_="key", aria_hidden="true")


def _rect(class_: str, x: float, width: float, *children: Html, tall: float | str = _TALL, y: float = 0) -> Html:
    return tag(
        "rect",
        *children,
        class_=class_,
        x=f"{round(x, 2)}%",
        y=y or None,
        width=f"{round(width, 2)}%",
        height=tall,
    )


def _label(place: float, label: str) -> Html:
    anchor = "start" if place < 10 else "end" if place > 90 else "middle"
    return tag("text", label, x=f"{place}%", y="12", text_anchor=anchor)

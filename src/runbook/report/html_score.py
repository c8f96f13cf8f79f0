"""The score of a drill on the page: what was expected and what came, the two paths, what to read again."""

from collections.abc import Iterator

from runbook.model.durations import spoken
from runbook.model.score import Score
from runbook.report.html_sections import table
from runbook.report.html_visits import block
from runbook.report.scored import came, named, parted, points
from runbook.report.tags import Html, code, joined, prose, tag, text


def html_score(score: Score) -> Iterator[Html]:
    """The parts of the section."""
    tone = "good" if score.met else "bad"
    title = joined([": ", prose(score.title)]) if score.title else Html()
    yield tag("p", tag("strong", points(score), class_=tone), title, class_="lede")
    if score.expectations:
        rows = [
            [
                tag("span", "held" if each.held else "not held", class_=f"word {'good' if each.held else 'bad'}"),
                prose(named(each)),
                prose(came(each)),
            ]
            for each in score.expectations
        ]
        yield table(["", "Expected", "Came"], rows)
    if diff := parted(score):
        yield tag("p", "The path: - was expected and not walked, + was walked and not expected.", class_="label")
        yield block(diff)
    if score.read_again:
        yield tag("h3", "Read again")
        items = [
            tag("li", f"line {each.line}, ", code(each.step), " ", tag("b", each.title), ": ", prose(each.why))
            for each in score.read_again
        ]
        yield tag("ul", *items)
    yield tag("h3", "Time in each step")
    rows = [
        [joined([code(each.step), " ", each.title]), text(str(each.visits)), text(spoken(each.took_ms))]
        for each in score.times
    ]
    yield table(["Step", "Visits", "Time"], rows)

"""The score of a drill in words, and in Markdown: what was expected, where the two paths part, where the time went."""

from collections.abc import Iterator

from runbook.model.durations import spoken
from runbook.model.score import Expectation, Score
from runbook.report.markup import code, fenced, inline

_SIGNS = {"both": " ", "expected": "-", "walked": "+"}


def points(score: Score) -> str:
    """The score in a line; plain."""
    word = "as expected" if score.met else "not as expected"
    return f"{word}, {score.points} of {score.of} points" if score.of else f"{word}; the scenario expects nothing"


def named(each: Expectation) -> str:
    """What was expected, in words; plain."""
    match each.what:
        case "path":
            return "The path"
        case "finish":
            return f"Ends {each.expected}"
        case "within":
            return f"Takes at most {each.expected}"
        case "must":
            return f"Walks {each.expected}"
        case _:
            return f"Never starts {each.expected}"


def came(each: Expectation) -> str:
    """What came of it, in words; plain."""
    return f"{each.points} of {each.of} steps as expected" if each.what == "path" else each.came


def parted(score: Score) -> str:
    """The two paths as a diff; empty where they are the same, or none is expected. Plain."""
    if all(each.where == "both" for each in score.path):
        return ""
    because = (f"  ({each.because})" if each.because else "" for each in score.path)
    return "\n".join(f"{_SIGNS[each.where]} {each.step}{why}" for each, why in zip(score.path, because, strict=True))


def markdown_score(score: Score) -> Iterator[str]:
    """The blocks of the section."""
    yield "## The score"
    title = f": {inline(score.title)}" if score.title else ""
    yield f"**{inline(points(score))}**{title}"
    if score.expectations:
        rows = [
            f"| {'✓' if each.held else '✗'} | {inline(named(each))} | {inline(came(each))} |"
            for each in score.expectations
        ]
        yield "\n".join(["| | Expected | Came |", "| --- | --- | --- |", *rows])
    if diff := parted(score):
        yield "The path: `-` was expected and not walked, `+` was walked and not expected."
        yield fenced(diff)
    if score.read_again:
        yield "### Read again"
        yield "\n".join(
            f"- line {each.line}, {code(each.step)} {inline(each.title)}: {inline(each.why)}"
            for each in score.read_again
        )
    yield "### Where the time went"
    rows = [
        f"| {code(each.step)} {inline(each.title)} | {each.visits} | {spoken(each.took_ms)} |" for each in score.times
    ]
    total = f"| in total | {sum(each.visits for each in score.times)} | {spoken(score.took_ms)} |"
    yield "\n".join(["| Step | Visits | Time |", "| --- | ---: | ---: |", *rows, total])

"""A brief for whoever takes over: what was done and decided, what is open, who is in it; a few lines of each.

It is made from a report, so that of the same log it is the same: at the hand-over, in the report, and for an auditor.
"""

from collections.abc import Iterable, Iterator

from runbook.report.content import Report
from runbook.report.results import because, result_of
from runbook.report.times import At
from runbook.report.visits import NOT_OVER

FEW = 5
"""So many lines of each sort, the newest ones; the report has all of them."""
DONE = "done"
"""The label of the lines that tell what was done: a line a visit."""


def brief(report: Report, few: int = FEW) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What is to be said: a label, and the newest lines of that sort; a sort of which there is none is left out.

    :param few: the most lines of a sort.
    """
    for label, lines in _said(report):
        every = [" ".join(line.split()) for line in lines]
        if every:
            more = (f"and {len(every) - few} before that",) if len(every) > few else ()
            yield label, (*every[-few:], *more)


def _said(report: Report) -> Iterator[tuple[str, Iterable[str]]]:
    done = [visit for visit in report.visits if visit.outcome not in NOT_OVER]
    yield DONE, [f"{_time(v.entered)} {v.title}: {result_of(v)}" for v in done]
    decided = [f"{_time(d.at)} {_named(d.what, d.decided)} ({because(d.by, d.why)})" for d in report.decisions]
    yield "decided", decided
    deviated = [f"{_time(d.at)} {_named(d.title, d.deviation)}: {d.reason} ({d.by})" for d in report.deviations]
    yield "deviated", deviated
    yield "noted", [f"{_time(n.at)} {n.kind} by {n.by}: {n.text}" for n in report.notes]
    sent = {True: "", False: ", not sent", None: ""}
    yield "said", [f"{_time(s.at)} {_named(s.audience, s.text)} ({s.by}{sent[s.sent]})" for s in report.communications]
    yield "open", report.open
    yield "warnings", report.warnings
    yield "people", _people(report)


def _people(report: Report) -> Iterator[str]:
    """Who walked, and who else has said something."""
    walked = [watch.operator for watch in report.operators]
    yield f"walked by {', then '.join(walked)}"
    said = [*(n.by for n in report.notes), *(d.by for d in report.decisions), *(s.by for s in report.communications)]
    others = [name for name in dict.fromkeys(said) if name not in walked and "@" in name]
    if others:
        yield f"also in it: {', '.join(others)}"


def _named(what: str, said: str) -> str:
    return f"{what}: {said}" if what else said


def _time(when: At) -> str:
    return when.ts[11:16]

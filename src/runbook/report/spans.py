"""What the time of a run went into: the machine, a person, an approver, a wait, or nobody.

Every moment between the first and the last record belongs to one span, so the spans add up to the run. To whom it
belongs is told by the record before it: after a question it is a person's, after a start the machine's. Where a walk
was paused or its process died, nobody walked. What runs side by side is the time of the step that is repeated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runbook.audit.record import Record
from runbook.report.fields import number, step_of, text

MACHINE, PERSON, APPROVER, WAIT, NOBODY = "machine", "person", "approver", "wait", "nobody"
_AFTER: Mapping[str, tuple[str, str]] = {
    "step.entered": (MACHINE, ""),
    "step.started": (MACHINE, ""),
    "step.skipped": (MACHINE, ""),
    "guard.checked": (MACHINE, ""),
    "guard.overridden": (MACHINE, ""),
    "secret.resolved": (MACHINE, ""),
    "answer.given": (MACHINE, ""),
    "confirmation.given": (MACHINE, ""),
    "operator.acted": (MACHINE, ""),
    "wait.ended": (MACHINE, ""),
    "step.retrying": (WAIT, "until the next attempt"),
    "wait.started": (WAIT, ""),
    "wait.checked": (WAIT, ""),
    "question.asked": (PERSON, "to answer"),
    "confirmation.requested": (PERSON, "to confirm"),
    "confirmation.refused": (PERSON, "to decide how to go on"),
    "step.finished": (PERSON, "to decide how to go on"),
    "step.refused": (PERSON, "to decide how to go on"),
    "step.unknown": (PERSON, "to find out what happened"),
    "step.settled": (PERSON, "to decide how to go on"),
    "approval.requested": (APPROVER, "to approve"),
    "run.paused": (NOBODY, ""),
    "run.resumed": (MACHINE, ""),
}
"""To whom the time after a record belongs, and for what; where a type is not here, as before.

A step that has an end and leads on is followed at once, so time passes after its end only where a person is asked.
"""
_ENDS = frozenset({"step.finished", "step.unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time that somebody was waited for: ``who`` is ``machine person approver wait nobody``, ``what`` for what.

    ``began_ms`` counts from the start of the run. ``step`` and ``visit`` are where the walk stood; empty and 0 before
    the first.
    """

    step: str
    visit: int
    who: str
    what: str
    began_ms: int
    took_ms: int


def spans(records: Sequence[Record]) -> tuple[Span, ...]:
    """What the time of a log went into, in its order."""
    found: list[Span] = []
    step, visit, who, what = "", 0, MACHINE, ""
    waiting = set[tuple[str, int]]()
    for place, record in enumerate(records[:-1]):
        if record.type in _AFTER:
            if address := step_of(record):
                step, visit = _whole(address), number(record, "visit")
            who, what = _AFTER[record.type]
            if record.type == "wait.started":
                waiting.add((step, visit))
            elif record.type == "wait.ended":
                waiting.discard((step, visit))
            elif record.type in _ENDS and text(record, "step") != step:
                # A step inside another, or one element of many: what it is part of goes on.
                who, what = (WAIT if (step, visit) in waiting else MACHINE), ""
        after = records[place + 1]
        # A process that died says nothing of it; the next one does.
        now = (NOBODY, "") if after.type == "run.resumed" else (who, what)
        _add(
            found,
            Span(
                step=step, visit=visit, who=now[0], what=now[1], began_ms=record.mono, took_ms=after.mono - record.mono
            ),
        )
    return tuple(found)


def _whole(address: str) -> str:
    """The step that is repeated, of one of its elements; any other address as it is."""
    return address.rpartition("[")[0] if address.endswith("]") else address


def _add(found: list[Span], span: Span) -> None:
    """Add a span, to the one before it where that is of the same."""
    if span.took_ms <= 0:
        return
    last = found[-1] if found else None
    same = last is not None and (last.step, last.visit, last.who, last.what) == (
        span.step,
        span.visit,
        span.who,
        span.what,
    )
    if last is None or not same:
        found.append(span)
        return
    found[-1] = Span(
        step=span.step,
        visit=span.visit,
        who=span.who,
        what=span.what,
        began_ms=last.began_ms,
        took_ms=span.began_ms + span.took_ms - last.began_ms,
    )

"""When a runbook was last reviewed, and whether the next review is overdue.

There is no clock here: whoever asks says which day it is. Without a day, only what is wrong on every day is said, so
that a runbook which could be walked once can be walked, and its log be judged, at any time.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from runbook.language.document import Document
from runbook.language.envelope import REVIEW_EVERY
from runbook.language.findings import short
from runbook.language.typed import mapping, text
from runbook.model.diagnostics import Code, Diagnostic, Severity
from runbook.model.durations import milliseconds

NO_DATE = Code(
    number="RB270",
    title="not the day of a review",
    why="`last_reviewed` is the day on which somebody last went through the runbook, written as a calendar date with "
    "year, month and day. Another form, a day that no calendar has and a day that is still to come say nothing about a "
    "review, and would hide for good that one is overdue. A day that has begun in the east of the world counts.",
)
OVERDUE = Code(
    number="RB271",
    title="review that is overdue",
    why="Names, addresses and people change, and a runbook that nobody has gone through since leads astray in the "
    "middle of an incident. So every review holds for a time only: `review_every`, 180 days where the file does not "
    "say. It is a warning: an old runbook is better than none.",
    severity=Severity.WARNING,
)
NO_BEGINNING = Code(
    number="RB272",
    title="interval of reviews without a review",
    why="`review_every` counts from `last_reviewed`. Without that day nothing would ever be overdue.",
)
_EAST = timedelta(days=1)
"""How much later than today's date it is anywhere, for days are counted in UTC here."""


def reviewing(document: Document, today: date | None) -> Iterator[Diagnostic]:
    """What is wrong with what a file says about its reviews.

    :param today: the day, in UTC; None: what follows from the day is left out.
    """
    top = mapping(document.data)
    written = top.get("last_reviewed")
    if written is None:
        if "review_every" in top:
            message = "`review_every` has no review to count from"
            yield _at(document, "review_every", NO_BEGINNING, message, "add `last_reviewed` with the day of the last")
        return
    reviewed, every = calendar_date(text(written)), milliseconds(text(top.get("review_every", REVIEW_EVERY)))
    if reviewed is None:
        message = f"`{short(text(written))}` is not a calendar date"
        yield _at(document, "last_reviewed", NO_DATE, message, "write year, month and day, such as `2026-11-21`")
    elif today is not None and reviewed > today + _EAST:
        message = f"the last review is still to come: today is {today}"
        yield _at(document, "last_reviewed", NO_DATE, message, "write the day on which somebody went through it")
    elif today is not None and today > (due := next_review(reviewed, every)):
        owner = text(top.get("owner"))
        whose = f"`{short(owner)}` owns this runbook" if owner else "nobody owns this runbook"
        message = f"the review has been overdue since {due}, and {whose}"
        help_ = "go through it, then write the day into `last_reviewed`"
        yield _at(document, "last_reviewed", OVERDUE, message, help_)


def next_review(reviewed: date, every: int) -> date:
    """The last day on which a review of that day still holds, which is ``every`` milliseconds later.

    What would be after the last day that a calendar has is that day.
    """
    try:
        return reviewed + timedelta(milliseconds=every)
    except OverflowError:
        return date.max


def calendar_date(written: str) -> date | None:
    """A calendar date as it is to be written; None for anything else."""
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return None
    return day if day.isoformat() == written else None  # there are other forms, such as 2026-W47-6


def _at(document: Document, key: str, code: Code, message: str, help_: str) -> Diagnostic:
    return Diagnostic(code=code, message=message, file=document.file, span=document.span((key,)), help=help_)

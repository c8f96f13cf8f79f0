"""One record of the log, as data: a header, a type, and a mapping of fields.

A record knows nothing of the walk. Its fields keep the order in which they were given, hold JSON without floats, and
never have the name of a header key.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from runbook.model.canonical import Json

HEADER = ("v", "seq", "prev", "ts", "mono", "type")
"""The keys that every record begins with, in their order."""
RESERVED = frozenset((*HEADER, "h"))
"""The keys that no field may have."""
START = "run.started"
"""The type of the first record."""
END = "run.finished"
"""The type after which nothing follows."""
NO_RECORD = "0" * 64
"""What the first record has for the hash of the one before."""
TYPES = frozenset(
    (
        "run.started",
        "step.entered",
        "step.skipped",
        "step.refused",
        "guard.checked",
        "question.asked",
        "answer.given",
        "operator.acted",
        "confirmation.requested",
        "confirmation.given",
        "confirmation.refused",
        "approval.requested",
        "approval.given",
        "approval.refused",
        "secret.resolved",
        "step.started",
        "step.output",
        "step.retrying",
        "step.finished",
        "step.unknown",
        "step.settled",
        "step.cancelled",
        "wait.started",
        "wait.checked",
        "wait.ended",
        "note.added",
        "reminder.due",
        "deviation.recorded",
        "guard.overridden",
        "checkpoint.signed",
        "warning",
        "run.paused",
        "run.resumed",
        "run.handed_over",
        "run.finished",
    )
)
"""Every type of format 1; besides these, a type may begin with ``x-``."""
ASIDE = frozenset(
    ("note.added", "warning", "reminder.due", "checkpoint.signed", "deviation.recorded", "run.handed_over")
)
"""The types after which a run stands where it stood before."""
GUEST_TYPE = re.compile(r"x-[a-z0-9_.-]{1,62}")
"""The pattern of a type that is not ours; it must match the whole text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of a log.

    ``ts`` is the wall clock in UTC (``2026-11-21T09:00:00.123Z``), ``mono`` milliseconds since ``run.started``,
    ``h`` the hash that its line carries, ``prev`` the hash of the record before, ``raw`` its line without the LF.
    """

    seq: int
    prev: str
    ts: str
    mono: int
    type: str
    fields: Mapping[str, Json]
    h: str
    raw: bytes


def known(type_: str) -> bool:
    """Whether this is a type of format 1, or a guest's."""
    return type_ in TYPES or GUEST_TYPE.fullmatch(type_) is not None

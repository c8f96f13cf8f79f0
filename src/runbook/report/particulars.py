"""What a page tells of a visit in its fold: plain words, and which attempts are told in full; for every form of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runbook.model.durations import spoken
from runbook.report.content import Attempt, Deviation, Element, Shown, Visit, Waited

_FEW = 3
"""So many attempts are shown with all that they saw; of more, the first and the last."""
_LISTED = 10
_SAID = frozenset({"ask", "checklist", "choice", "finish", "gate", "manual", "wait"})
"""The kinds of which the line that opens a visit, and the sections above, say all that was seen."""
_DEVIATIONS = {
    "skip": "skipped it",
    "jump": "went to",
    "start_at": "began here",
    "retry": "tried again after a failure",
    "override": "overrode a guard",
    "break_lock": "broke the lock of run",
    "lock_lost": "lost the lock to run",
}
_NAMING = {"jump", "break_lock", "lock_lost"}
"""The deviations that are told with where they lead to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An attempt as it is told: ``full`` with all that it saw. ``left_out`` are those before it that are not told.

    ``action`` names what was to be done, where that is another action than before; ``result`` says whether what came of
    it is told here.
    """

    attempt: Attempt
    full: bool
    action: str
    left_out: int
    result: bool


def groups(visit: Visit) -> Iterator[tuple[str, tuple[Told, ...], bool]]:
    """The attempts of a visit by their address, the step's own first, and whether there is but one at it."""
    found: dict[str, list[Attempt]] = {}
    for attempt in visit.attempts:
        found.setdefault(attempt.step, []).append(attempt)
    for attempts in sorted(found.values(), key=lambda attempts: attempts[0].step != visit.step):
        yield attempts[0].step, tuple(_told(attempts)), len(attempts) == 1


def _told(attempts: Sequence[Attempt]) -> Iterator[Told]:
    """The attempts at one address."""
    before: str | None = None
    left_out = 0
    for place, attempt in enumerate(attempts):
        full = len(attempts) <= _FEW or place in {0, len(attempts) - 1}
        if not full and place >= _LISTED:
            left_out += 1
            continue
        action = "Action" if before is None else "" if attempt.deed.what == before else "Action, now"
        before = attempt.deed.what
        result = len(attempts) > 1 or not _said(attempt)
        yield Told(attempt=attempt, full=full, action=action, left_out=left_out, result=result)
        left_out = 0


def _said(attempt: Attempt) -> bool:
    """Whether all that was seen is said elsewhere: what a person answered, and a message in its own action."""
    by_hand = attempt.deed.kind == "message" and "status" not in (attempt.observation or {})
    return attempt.outcome is not None and (by_hand or attempt.deed.kind in _SAID)


def shown(what: Shown) -> str:
    """What would be done, in lines."""
    return f"{what.line}\n{what.detail}".rstrip("\n")


def waited(wait: Waited) -> str:
    """A wait, what was planned and what came of it."""
    if wait.for_ms is not None:
        plan = f"To wait {spoken(wait.for_ms)}"
    else:
        every = f"every {spoken(wait.every_ms)}" if wait.every_ms else "again and again"
        most = f" for at most {spoken(wait.timeout_ms)}" if wait.timeout_ms else ""
        plan = f"To look {every}{most}"
    if wait.why is None:
        return f"{plan}; not over"
    checks = f", {wait.checks} check{'s' * (wait.checks != 1)}" if wait.checks else ""
    return f"{plan}; over after {spoken(wait.waited_ms)}{checks} ({wait.why})"


def outcome_of(element: Element) -> str:
    """What came of an element of a step that is repeated, in a word or two."""
    return "no result is on record" if element.outcome == "open" else element.outcome


def deviated(deviation: Deviation) -> tuple[str, str | None]:
    """How the walk left the path, and the address or run that this names."""
    said = _DEVIATIONS.get(deviation.deviation, deviation.deviation)
    return said, deviation.to if deviation.deviation in _NAMING else None

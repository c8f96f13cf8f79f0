"""The timeline: a line for everything in a log that a reader of the incident wants to know, and no line for the rest.

A visit has one line, when it is over, and its confirmations have theirs. What is only bookkeeping (questions, secrets
read, checks of a wait, attempts that were repeated) is with the visit.
"""

from collections.abc import Iterator, Mapping, Sequence

from runbook.audit.record import Record
from runbook.model.canonical import Json
from runbook.model.durations import spoken
from runbook.report.content import Line, Visit
from runbook.report.fields import at, number, step_of, text, whole
from runbook.report.results import because, result_of
from runbook.report.visits import is_element, own_attempts

_LONG = 60_000
_ACTS = {
    "abort": "aborts the run",
    "interrupt": "interrupts it",
    "check_now": "looks now",
    "stop_waiting": "stops waiting",
    "retry": "tries again",
}
_DEVIATIONS = {
    "skip": "skips it",
    "jump": "goes to {to} instead",
    "start_at": "begins here",
    "retry": "tries again after its failure",
    "override": "overrides a guard",
    "break_lock": "breaks the lock of run {to}",
    "lock_lost": "takes the lock for run {to}",
}


def timeline(records: Sequence[Record], visits: Sequence[Visit]) -> tuple[Line, ...]:
    """The timeline of a log, in its order."""
    return tuple(_Wording(visits).lines(records))


class _Wording:
    """Words the records of one log."""

    def __init__(self, visits: Sequence[Visit]) -> None:
        self._visits: Mapping[tuple[str, int], Visit] = {(visit.step, visit.visit): visit for visit in visits}
        self._titles = {visit.step: visit.title for visit in visits}

    def lines(self, records: Sequence[Record]) -> Iterator[Line]:
        """A line for each record that has one."""
        for record in records:
            said = self._said(record)
            if said:
                step = step_of(record) or None
                visit = self._visits.get((step or "", number(record, "visit")))
                yield Line(
                    at=at(record),
                    step=step,
                    visit=whole(record, "visit"),
                    title=visit.title if visit else self._titles.get(step or "", step or ""),
                    text=said,
                    bad=_bad(record),
                )

    def _said(self, record: Record) -> str:
        """What a record says, in a sentence; empty where it has no line."""
        by, reason = text(record, "by"), text(record, "reason")
        match record.type:
            case "run.started":
                where = text(record, "environment")
                return f"The run begins{f' in {where}' if where else ''}, walked by {text(record, 'operator')}"
            case "run.finished":
                return f"The run ends: {text(record, 'finish')}"
            case "run.paused":
                return because(f"The run pauses ({by})", reason)
            case "run.resumed":
                return _resumed(record)
            case "run.handed_over":
                to = text(record, "to")
                handed = f", handed over by {by}" if by != to else ""
                return because(f"{to} is the operator from now on{handed}", reason)
            case "note.added":
                return f"{text(record, 'kind').capitalize()} by {by}: {text(record, 'text')}"
            case "reminder.due":
                return f"Reminder: {text(record, 'say')}"
            case "warning":
                return f"Warning: {text(record, 'text')}"
            case "operator.acted":
                act = _ACTS.get(text(record, "do"))
                deviates = text(record, "do") == "retry" and reason
                return "" if act is None or deviates else because(f"{by} {act}", reason)
            case "deviation.recorded":
                act = _DEVIATIONS.get(text(record, "deviation"), text(record, "deviation"))
                to = text(record, "to")
                return because(f"{by} {act.replace('{to}', self._titles.get(to, to))}", reason)
            case _:
                return self._said_of_step(record, by, reason)

    def _said_of_step(self, record: Record, by: str, reason: str) -> str:
        match record.type:
            case "step.skipped":
                return f"skipped: {reason}" if by == "when" else ""
            case "step.refused":
                return "may not start" if by == "guard" else f"may not start: {reason}"  # the guards have said why
            case "confirmation.given":
                visit = self._visits.get((step_of(record), number(record, "visit")))
                phrase = next((c.phrase for c in visit.confirmations if c.at == at(record)), None) if visit else None
                return because(f"confirmed by {by}{f', typing “{phrase}”' if phrase else ''}", reason)
            case "confirmation.refused":
                return because(f"not confirmed by {by}", reason)
            case "step.unknown":
                return f"unknown: {reason}"
            case "step.finished" | "step.settled":
                return self._result(record)
            case "wait.started":
                return self._wait(record)
            case "approval.requested":
                what = "an override" if record.fields.get("override") is True else "it"
                return f"{by} asks {number(record, 'count')} to approve {what}, until {text(record, 'not_after')}"
            case "approval.given":
                return f"approved by {text(record, 'approver')}"
            case "approval.refused":
                approver = text(record, "approver")
                return f"an approval{f' by {approver}' if approver else ''} does not count: {reason}"
            case "guard.checked":
                return "" if record.fields.get("held") is True else f"a guard refuses: {reason}"
            case "guard.overridden":
                return because(f"{by} overrides a guard", reason)
            case _:
                return ""

    def _wait(self, record: Record) -> str:
        """That a wait begins, where it was a long one or is not over; of a short one the end is enough."""
        visit = self._visits.get((step_of(record), number(record, "visit")))
        if visit is None or (visit.took_ms is not None and visit.took_ms < _LONG):
            return ""
        time, most = whole(record, "for_ms"), whole(record, "timeout_ms")
        if time is not None:
            return f"waits {spoken(time)}"
        return f"waits until it passes{f', at most {spoken(most)}' if most else ''}"

    def _result(self, record: Record) -> str:
        """What came of a visit, with the record that says how it ended; nothing before that."""
        visit = self._visits.get((step_of(record), number(record, "visit")))
        if visit is None or text(record, "step") != visit.step or visit.kind == "finish":
            return ""
        if record.type == "step.settled":
            return result_of(visit)
        own = own_attempts(visit)
        if own and number(record, "attempt") != own[-1].attempt:
            return ""
        outcome = text(record, "outcome")
        if is_element(visit.step) and outcome == "passed" and record.type == "step.finished":
            return ""  # the step that is repeated says how many have
        # What an operator did about it later has a line of its own.
        return result_of(visit) if visit.outcome == outcome else because(outcome, text(record, "reason"))


def _bad(record: Record) -> bool:
    """Whether a record tells that something did not go as it should."""
    if record.type in {"step.refused", "step.unknown", "confirmation.refused", "approval.refused", "warning"}:
        return True
    return record.type in {"step.finished", "step.settled"} and text(record, "outcome") != "passed"


def _resumed(record: Record) -> str:
    torn: Json = record.fields.get("torn")
    sizes = [piece.get("size") for piece in torn if isinstance(piece, dict)] if isinstance(torn, list) else []
    crash = f"; a crash had left {' and '.join(map(str, sizes))} bytes at the log's end, kept aside" if sizes else ""
    return because(f"{text(record, 'operator')} goes on, on {text(record, 'host')}{crash}", text(record, "differs"))

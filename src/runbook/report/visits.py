"""Visits as a log tells them: each with its attempts, questions, waits and what came of it."""

from dataclasses import dataclass, field, replace

from runbook.audit.record import Record
from runbook.model.address import of_each
from runbook.model.canonical import JsonObject
from runbook.model.runbook import Runbook
from runbook.report.content import (
    Answer,
    Attempt,
    Confirmation,
    Deed,
    Element,
    Output,
    Settled,
    Visit,
    Waited,
)
from runbook.report.deeds import Deeds
from runbook.report.fields import at, maybe, number, parsed, step_of, text, texts, whole
from runbook.report.titles import Titles

_ROOTS = frozenset({"step", "question", "answer", "confirmation", "wait"})
_CERTAIN = ("no", "maybe", "yes")
NOT_OVER = frozenset({"open", "refused"})
"""The outcomes of a visit that has none."""


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A visit as far as it was read: ``outcome`` and ``reason`` are the last that were told, ``ended`` when."""

    step: str
    number: int
    title: str
    first: Record
    outcome: str = "open"
    reason: str = ""
    ended: int | None = None
    refusals: list[str] = field(default_factory=list)
    confirmations: list[Confirmation] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    waits: list[Waited] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    attempts: dict[tuple[str, int], Attempt] = field(default_factory=dict)
    requested: Record | None = None
    undoes: str | None = None


class Visits:
    """Follows a log and gathers its visits, in the order in which they were entered."""

    def __init__(self, runbook: Runbook | None, deeds: Deeds) -> None:
        self._runbook = runbook
        self._deeds = deeds
        self._drafts: dict[tuple[str, int], _Draft] = {}

    def follow(self, record: Record, titles: Titles) -> None:
        """Know what a record says; those that are about no visit are passed over."""
        step = step_of(record)
        if record.type.partition(".")[0] not in _ROOTS or not step:
            return
        key = (step, number(record, "visit"))
        if record.type == "step.entered":
            self._leave(text(record, "via"), step)
        if key not in self._drafts:
            self._drafts[key] = _Draft(step=step, number=key[1], title=titles.of(step), first=record)
            if step.endswith(".undo"):
                before = self._drafts.get((step, key[1] - 1))
                again = text(record, "via") == "retry" and before is not None
                self._drafts[key].undoes = before.undoes if again and before else maybe(record, "from")
        self._tell(self._drafts[key], record)

    def all(self) -> tuple[Visit, ...]:
        """Every visit, those of elements among them."""
        return tuple(self._visit(draft) for draft in self._drafts.values())

    def folded(self) -> tuple[Visit, ...]:
        """Every visit, those of elements folded into the visit of the step that is repeated."""
        elements: dict[tuple[str, int], list[Element]] = {}
        visits = self.all()
        for visit in visits:
            if is_element(visit.step):
                elements.setdefault((of_each(visit.step), visit.visit), []).append(_element(visit))
        return tuple(
            replace(visit, elements=tuple(sorted(elements.get((visit.step, visit.visit), ()), key=_place)))
            for visit in visits
            if not is_element(visit.step)
        )

    def _leave(self, via: str, step: str) -> None:
        """Another step is entered: visits that have no outcome by then are left, but for those that it is inside of."""
        if via == "go_to":
            last = next(reversed(self._drafts), ("", 0))[0]
            for draft in self._drafts.values():
                around = last == draft.step or last.startswith((f"{draft.step}/", f"{draft.step}["))
                if around and not step.startswith(f"{draft.step}/") and draft.outcome in NOT_OVER:
                    draft.outcome = "left"

    def _tell(self, draft: _Draft, record: Record) -> None:
        own = text(record, "step") == draft.step
        match record.type:
            case "step.started":
                self._started(draft, record)
            case "step.finished" | "step.unknown" | "step.cancelled":
                self._ended(draft, record, own=own)
            case "step.output":
                self._output(draft, record)
            case "step.skipped" | "step.settled" | "step.refused":
                self._decided(draft, record)
            case "confirmation.requested":
                draft.requested = record
            case "confirmation.given" | "confirmation.refused":
                self._confirmed(draft, record)
            case "answer.given":
                answer = parsed(record, "answer") or {}
                draft.answers.append(
                    Answer(at=at(record), by=text(record, "by"), source=text(record, "source"), answer=answer)
                )
            case "wait.started" | "wait.ended":
                _wait(draft, record)
            case _:
                pass

    def _started(self, draft: _Draft, record: Record) -> None:
        draft.attempts[_attempt(record)] = Attempt(
            step=text(record, "step"),
            attempt=number(record, "attempt"),
            began=at(record),
            took_ms=None,
            effect=text(record, "effect"),
            deed=self._deeds.of(record),
            outcome=None,
            fidelity="",
            reason="",
            changed="maybe" if text(record, "effect") not in {"", "none"} else "no",
            observation=None,
            masked=(),
            truncated=(),
            saved={},
            outputs=(),
        )
        if text(record, "step") == draft.step:
            draft.outcome, draft.reason, draft.ended = "open", "", None

    def _ended(self, draft: _Draft, record: Record, *, own: bool) -> None:
        outcome = {"step.unknown": "unknown", "step.cancelled": "cancelled"}.get(record.type) or text(record, "outcome")
        reason = text(record, "reason")
        begun = draft.attempts.get(_attempt(record))
        if begun is not None:
            draft.attempts[_attempt(record)] = replace(
                begun,
                took_ms=record.mono - begun.began.mono,
                outcome=outcome,
                fidelity=text(record, "fidelity"),
                reason=reason,
                changed=text(record, "changed") or ("maybe" if outcome == "unknown" else "no"),
                observation=parsed(record, "obs"),
                masked=texts(record, "masked"),
                truncated=texts(record, "truncated"),
                saved=parsed(record, "saved") or {},
            )
        if own:
            draft.outcome, draft.reason = "open" if outcome == "cancelled" else outcome, reason
            draft.ended = record.mono

    def _output(self, draft: _Draft, record: Record) -> None:
        begun = draft.attempts.get(_attempt(record))
        if begun is None:
            return
        output = Output(
            stream=text(record, "stream"),
            file=maybe(record, "file"),
            size=number(record, "size"),
            sha256=text(record, "sha256"),
            dropped=number(record, "dropped"),
            masked=texts(record, "masked"),
            problem=maybe(record, "problem"),
        )
        draft.attempts[_attempt(record)] = replace(begun, outputs=(*begun.outputs, output))

    def _decided(self, draft: _Draft, record: Record) -> None:
        """It was skipped, settled, or may not start."""
        match record.type:
            case "step.skipped":
                draft.outcome, draft.reason, draft.ended = "skipped", text(record, "reason"), record.mono
            case "step.refused":
                draft.outcome, draft.reason = "refused", text(record, "reason")
                draft.refusals.append(draft.reason)
            case _:
                outcome, evidence = text(record, "outcome"), text(record, "evidence")
                settled = Settled(at=at(record), outcome=outcome, by=text(record, "by"), evidence=evidence)
                draft.settled.append(settled)
                draft.outcome, draft.reason, draft.ended = outcome, evidence or draft.reason, record.mono
                changed = {"passed": "yes", "failed": "no"}.get(outcome, "maybe")
                for key, attempt in draft.attempts.items():
                    if attempt.outcome == "unknown" and attempt.step == draft.step:
                        draft.attempts[key] = replace(attempt, changed=changed)

    def _confirmed(self, draft: _Draft, record: Record) -> None:
        requested = draft.requested
        given = record.type == "confirmation.given"
        draft.confirmations.append(
            Confirmation(
                at=at(record),
                given=given,
                by=text(record, "by"),
                phrase=maybe(requested, "phrase") if requested else None,
                reason=text(record, "reason"),
                stale=maybe(requested, "stale") if requested else None,
                deed=self._deeds.of(requested or record),
            )
        )
        if not given:
            draft.outcome, draft.reason = "refused", text(record, "reason")
            draft.refusals.append(draft.reason)

    def _visit(self, draft: _Draft) -> Visit:
        step = self._runbook.at(draft.step) if self._runbook else None
        nested = step.undo if step and draft.step.endswith(".undo") else step
        attempts = tuple(draft.attempts.values())
        changed = [attempt.changed for attempt in attempts if attempt.changed in _CERTAIN]
        return Visit(
            step=draft.step,
            visit=draft.number,
            title=draft.title,
            section=step.section if step else "",
            kind=nested.kind if nested else next((attempt.deed.kind for attempt in attempts), ""),
            via=text(draft.first, "via"),
            source=maybe(draft.first, "from"),
            entered=at(draft.first),
            took_ms=None if draft.ended is None else draft.ended - draft.first.mono,
            outcome=draft.outcome,
            reason=draft.reason,
            changed=max(changed, key=_CERTAIN.index, default="no"),
            refusals=tuple(draft.refusals),
            confirmations=tuple(draft.confirmations),
            answers=tuple(draft.answers),
            waits=tuple(draft.waits),
            settled=tuple(draft.settled),
            attempts=attempts,
            undoes=draft.undoes,
            elements=(),
        )


def is_element(address: str) -> bool:
    """Whether an address is one of an element of a step that is repeated."""
    return address.endswith("]")


def _element(visit: Visit) -> Element:
    """An element as its own visit tells of it; its item stands behind its title."""
    return Element(
        step=visit.step,
        item=visit.title,
        outcome=visit.outcome,
        reason=visit.reason,
        changed=visit.changed,
        took_ms=visit.took_ms,
        settled=visit.settled,
        attempts=visit.attempts,
    )


def _place(element: Element) -> int:
    return int(element.step.rpartition("[")[2].rstrip("]"))


def own_attempts(visit: Visit) -> tuple[Attempt, ...]:
    """The attempts of the step itself, without those of the steps inside it."""
    return tuple(attempt for attempt in visit.attempts if attempt.step == visit.step)


def last_seen(visit: Visit) -> JsonObject:
    """What the last attempt of the step itself saw; empty where it saw nothing."""
    own = own_attempts(visit)
    return (own[-1].observation or {}) if own else {}


def deed_of(visit: Visit) -> Deed | None:
    """The action of a visit: that of its last attempt, else the last that somebody was asked about."""
    own = own_attempts(visit)
    if own:
        return own[-1].deed
    return visit.confirmations[-1].deed if visit.confirmations else None


def _attempt(record: Record) -> tuple[str, int]:
    return text(record, "step"), number(record, "attempt")


def _wait(draft: _Draft, record: Record) -> None:
    if record.type == "wait.started":
        draft.waits.append(
            Waited(
                for_ms=whole(record, "for_ms"),
                every_ms=whole(record, "every_ms"),
                timeout_ms=whole(record, "timeout_ms"),
                why=None,
                waited_ms=0,
                checks=0,
            )
        )
    elif draft.waits:
        draft.waits[-1] = replace(
            draft.waits[-1],
            why=text(record, "why"),
            waited_ms=number(record, "waited_ms"),
            checks=number(record, "checks"),
        )

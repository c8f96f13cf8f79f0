"""The sections of a report: decisions, deviations, communications, notes, checklists, changes, what is still open."""

from collections.abc import Iterator, Sequence

from runbook.audit.record import Record
from runbook.model.address import of_each
from runbook.model.runbook import Runbook
from runbook.report.content import (
    Change,
    Checklist,
    Communication,
    Decision,
    Deviation,
    Note,
    SecretUse,
    TakenBack,
    Visit,
    Watch,
)
from runbook.report.fields import at, maybe, step_of, text
from runbook.report.results import audience, because, chosen, items_of, performed, posted, question, result_of
from runbook.report.visits import NOT_OVER, deed_of, is_element, last_seen, own_attempts

_LOOKS = frozenset(
    {"assert", "checklist", "command", "env", "gate", "http", "parallel", "revisions", "sql", "ssh", "wait"}
)
"""The kinds of steps that say how things are."""
_DECIDED = {"abort": "end the run", "stop_waiting": "stop waiting"}


def operators(records: Sequence[Record]) -> tuple[Watch, ...]:
    """Who walked, from when on."""
    found = []
    for record in records:
        name = {"run.started": "operator", "run.handed_over": "to"}.get(record.type)
        if name is not None:
            by, why = text(record, "by"), text(record, "reason")
            found.append(Watch(operator=text(record, name), since=at(record), by=by, reason=why, brief={}))
    return tuple(found)


def decisions(records: Sequence[Record], visits: Sequence[Visit]) -> tuple[Decision, ...]:
    """Every decision, in the order in which they were taken."""
    found = [*_decided_in_records(records, visits)]
    for visit in visits:
        found += _decided_in(visit)
    return tuple(sorted(found, key=lambda decision: decision.at.record))


def _decided_in(visit: Visit) -> Iterator[Decision]:
    """The decisions of one visit."""
    for confirmation in visit.confirmations:
        how = f"yes, typing “{confirmation.phrase}”" if confirmation.phrase else "yes"
        yield Decision(
            at=confirmation.at,
            step=visit.step,
            what=f"Confirm: {visit.title}",
            decided=how if confirmation.given else "no",
            by=confirmation.by,
            why=confirmation.reason,
        )
    own = own_attempts(visit)
    if visit.kind == "choice" and visit.outcome == "passed" and own:
        answer = visit.answers[-1] if visit.answers else None
        yield Decision(
            at=answer.at if answer else own[-1].began,
            step=visit.step,
            what=visit.title,
            decided=chosen(visit),
            by=answer.by if answer else "the runbook",
            why="" if answer else "its conditions",
        )
    if visit.kind == "gate":
        for answer in visit.answers:
            yield Decision(
                at=answer.at,
                step=visit.step,
                what=question(visit) or visit.title,
                decided=str(answer.answer.get("confirm") or ""),
                by=answer.by,
                why=str(answer.answer.get("reason") or ""),
            )
    for settled in visit.settled:
        yield Decision(
            at=settled.at,
            step=visit.step,
            what=f"What became of: {visit.title}",
            decided=settled.outcome,
            by={"probe": "its probe", "file": "the runbook"}.get(settled.by, settled.by),
            why=settled.evidence,
        )


def _decided_in_records(records: Sequence[Record], visits: Sequence[Visit]) -> Iterator[Decision]:
    """The decisions that are no visit's: notes of that kind, acts of an operator, approvals, overrides."""
    titles = {visit.step: visit.title for visit in visits}
    for record in records:
        step, by, why = step_of(record) or None, text(record, "by"), text(record, "reason")
        what = titles.get(step or "", "")
        decided = ""
        match record.type:
            case "note.added" if text(record, "kind") == "decision":
                decided = text(record, "text")
            case "operator.acted":
                decided = _DECIDED.get(text(record, "do"), "")
            case "approval.given":
                what, decided, by = f"Approve: {what}", "yes", text(record, "approver")
            case "guard.overridden":
                decided = "override a guard"
            case _:
                pass
        if decided:
            yield Decision(at=at(record), step=step, what=what, decided=decided, by=by, why=why)


def deviations(records: Sequence[Record], visits: Sequence[Visit]) -> tuple[Deviation, ...]:
    """Where the walk left the file's path."""
    titles = {visit.step: visit.title for visit in visits}
    return tuple(
        Deviation(
            at=at(record),
            deviation=text(record, "deviation"),
            step=step_of(record),
            title=titles.get(step_of(record), step_of(record)),
            to=maybe(record, "to"),
            reason=text(record, "reason"),
            by=text(record, "by"),
        )
        for record in records
        if record.type == "deviation.recorded"
    )


def communications(records: Sequence[Record], visits: Sequence[Visit]) -> tuple[Communication, ...]:
    """What was said to whom: by message steps, and as somebody noted it."""
    found = [
        Communication(at=at(r), step=step_of(r) or None, audience="", text=text(r, "text"), by=text(r, "by"), sent=None)
        for r in records
        if r.type == "note.added" and text(r, "kind") == "communication"
    ]
    for visit in visits:
        own = own_attempts(visit)
        if visit.kind != "message" or not own:
            continue
        answer = visit.answers[-1] if visit.answers else None
        if answer is None and not posted(visit):
            continue  # shown to be copied, and nobody has said yet what became of it
        found.append(
            Communication(
                at=answer.at if answer else own[-1].began,
                step=visit.step,
                audience=audience(visit),
                text=str(last_seen(visit).get("text") or own[-1].deed.shown.detail),
                by=answer.by if answer else "webhook",
                sent=visit.outcome == "passed",
            )
        )
    return tuple(sorted(found, key=lambda said: said.at.record))


def notes(records: Sequence[Record]) -> tuple[Note, ...]:
    """Notes and hypotheses."""
    return tuple(
        Note(at=at(r), step=step_of(r) or None, kind=text(r, "kind"), text=text(r, "text"), by=text(r, "by"))
        for r in records
        if r.type == "note.added" and text(r, "kind") not in {"decision", "communication"}
    )


def checklists(visits: Sequence[Visit]) -> tuple[Checklist, ...]:
    """Every checklist that was answered, each time it was."""
    answered = [visit for visit in visits if visit.kind == "checklist" and items_of(visit)]
    last = {visit.step: visit.visit for visit in answered}
    return tuple(
        Checklist(
            step=visit.step,
            visit=visit.visit,
            title=visit.title,
            at=visit.answers[-1].at if visit.answers else visit.entered,
            items=items_of(visit),
            last=last[visit.step] == visit.visit,
        )
        for visit in answered
    )


def changes(visits: Sequence[Visit], runbook: Runbook | None) -> tuple[Change, ...]:
    """What was changed, or may have been."""
    found = []
    # Each element of a loop is a change of its own, and what was taken back is none any more.
    left_out = {(of_each(visit.step), visit.visit) for visit in visits if is_element(visit.step)}
    left_out |= {(undone.step, undone.visit) for undone in taken_back(visits)}
    for visit in visits:
        deed, own = deed_of(visit), own_attempts(visit)
        if visit.changed == "no" or deed is None or not own or (visit.step, visit.visit) in left_out:
            continue
        if visit.kind == "undo" or visit.undoes is not None:
            continue
        step = runbook.at(visit.step) if runbook else None
        unseen = visit.outcome in {"unknown", "open"}
        found.append(
            Change(
                step=visit.step,
                visit=visit.visit,
                title=visit.title,
                at=own[-1].began,
                changed="unknown" if unseen else visit.changed,
                reason=visit.reason,
                deed=deed,
                because="" if deed.undo or step is None else step.because,
            )
        )
    return tuple(found)


def taken_back(visits: Sequence[Visit]) -> tuple[TakenBack, ...]:
    """What undos took back, in the order in which they did."""
    titles = {(visit.step, visit.visit): visit.title for visit in visits}
    found = []
    for visit in visits:
        own = own_attempts(visit)
        if visit.undoes is None or visit.outcome != "passed" or not own or not performed(visit):
            continue
        step, _, number = visit.undoes.partition("#")
        change = (step, int(number) if number.isdecimal() else 0)
        title = titles.get(change, step)
        found.append(TakenBack(step=step, visit=change[1], title=title, at=own[-1].began, deed=own[-1].deed))
    return tuple(found)


def _not_taken_back(visits: Sequence[Visit]) -> Iterator[str]:
    """The changes that were to be taken back and were not, and why."""
    last = {visit.undoes: visit for visit in visits if visit.undoes is not None}
    for undo in last.values():
        if undo.outcome != "passed":
            yield f"{undo.title}: {because(undo.outcome.replace('open', 'no result is on record'), undo.reason)}"


def still_open(
    visits: Sequence[Visit], lists: Sequence[Checklist], made: Sequence[Change], finish: str | None
) -> Iterator[str]:
    """What somebody should still look at: a sentence each."""
    for change in made:
        why = f": {change.reason}" if change.reason else ""
        if change.changed == "unknown":
            yield f"{change.title}: nobody saw whether it happened{why}"
        elif change.changed == "maybe":
            yield f"{change.title}: it may have changed something{why}"
    yield from _not_taken_back(visits)
    for checklist in lists:
        if checklist.last:
            settled = {"yes", "no"} if finish == "resolved" and _mended_since(checklist, visits, made) else {"yes"}
            yield from (f"{item.title}: {item.words}" for item in checklist.items if item.answer not in settled)
    if visits and visits[-1].outcome in NOT_OVER:
        yield f"{visits[-1].title}: {result_of(visits[-1])}"


def _mended_since(checklist: Checklist, visits: Sequence[Visit], made: Sequence[Change]) -> bool:
    """Whether what a checklist found was answered to: something was changed afterwards, and then a look passed."""
    changed = next((change for change in made if change.at.record > checklist.at.record), None)
    return changed is not None and any(
        visit.entered.record > changed.at.record
        and visit.outcome == "passed"
        and visit.changed == "no"
        and visit.kind in _LOOKS
        for visit in visits
    )


def warnings(records: Sequence[Record]) -> tuple[str, ...]:
    """The warnings, each once."""
    return tuple(dict.fromkeys(text(record, "text") for record in records if record.type == "warning"))


def secrets(records: Sequence[Record]) -> tuple[SecretUse, ...]:
    """The secrets that were read, by name."""
    found: dict[str, dict[str, None]] = {}
    for record in records:
        if record.type == "secret.resolved":
            found.setdefault(text(record, "secret"), {})[step_of(record)] = None
    return tuple(SecretUse(name=name, steps=tuple(steps)) for name, steps in sorted(found.items()))

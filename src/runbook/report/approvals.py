"""The requests for approval: who was asked to approve what, until when, and who did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from runbook.audit.record import Record
from runbook.report.fields import at, number, step_of, text, texts
from runbook.report.times import At


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """Somebody answered a request: ``counts`` says whether it is an approval that counts, ``why`` why it does not."""

    at: At
    by: str
    counts: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A request that ``count`` persons in one of these roles approve an action, or the ``override`` of a guard.

    ``action`` is the SHA-256 of what they approve, ``not_after`` the time in UTC until which they can.
    """

    at: At
    step: str
    title: str
    override: bool
    by: str
    count: int
    roles: tuple[str, ...]
    not_after: str
    request: str
    action: str
    answers: tuple[Approver, ...]


def approvals(records: Sequence[Record], titles: Mapping[str, str]) -> tuple[Approval, ...]:
    """Every request, in the order in which they were made, each with what was answered.

    :param titles: those of the steps, by their address.
    """
    found: dict[str, Approval] = {}
    for record in records:
        request = text(record, "request")
        match record.type:
            case "approval.requested":
                found[request] = Approval(
                    at=at(record),
                    step=step_of(record),
                    title=titles.get(step_of(record), step_of(record)),
                    override=record.fields.get("override") is True,
                    by=text(record, "by"),
                    count=number(record, "count"),
                    roles=texts(record, "roles"),
                    not_after=text(record, "not_after"),
                    request=request,
                    action=text(record, "action"),
                    answers=(),
                )
            case "approval.given" | "approval.refused" if request in found:
                answer = Approver(
                    at=at(record),
                    by=text(record, "approver"),
                    counts=record.type == "approval.given",
                    why=text(record, "reason"),
                )
                found[request] = replace(found[request], answers=(*found[request].answers, answer))
            case _:
                pass
    return tuple(found.values())


def asked(approval: Approval) -> str:
    """What was asked of whom, and until when."""
    persons = f"{approval.count} of {', '.join(approval.roles)}" if approval.roles else str(approval.count)
    what = "an override" if approval.override else "it"
    until = approval.not_after[:16].replace("T", " ")
    return f"{approval.by} asked {persons} to approve {what}, until {until} UTC"

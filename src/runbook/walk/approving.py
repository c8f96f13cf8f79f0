"""What an event about approvals does to a visit: they are requested, given, refused.

Whether a signature is one is for the driver that tells the event, and for a verifier, to find out; who may approve
what, and how many it takes, is decided here.
"""

import re
from typing import TYPE_CHECKING

from runbook.model.approval import APPROVE, REQUEST, ApprovalText
from runbook.model.canonical import Json, canonical, sha256
from runbook.model.runbook import Approvals, Step
from runbook.walk import events as e
from runbook.walk.guarding import approved_by
from runbook.walk.results import Approval, Visit
from runbook.walk.rules import IllegalEvent
from runbook.walk.tables import Phase

if TYPE_CHECKING:
    from runbook.walk.walk import Walk

_NONCE = re.compile("[0-9a-f]{32}")


def approvals_of(step: Step) -> Approvals | None:
    """The approvals that a step demands."""
    return step.confirm.approvals if step.confirm else None


def text_of(walk: "Walk", visit: Visit, approval: Approval, person: str, decision: str = APPROVE) -> str:
    """What a person signs to approve, or an operator to request."""
    started = walk.started
    if started is None:  # pragma: no cover - nothing is entered before the run has started
        raise AssertionError(visit.step.id)
    text = ApprovalText(
        run=started.run,
        request=approval.request,
        step=walk.prefix + visit.step.id,
        action=approval.action,
        runbook=str(next(iter(started.files.values()), "")),
        mode=walk.mode.value,
        not_after=approval.not_after,
        approver=person,
        decision=decision,
    )
    return str(text)


def override_of(visit: Visit, reason: str) -> str:
    """The override that somebody else is to approve, as one canonical text."""
    guards = [visit.step.guards[place].kind for place in sorted(visit.refusing)]
    return canonical({"override": list(guards), "step": visit.step.id, "refused": visit.because, "reason": reason})


def wanted(walk: "Walk", visit: Visit) -> tuple[int, tuple[str, ...], str | None, bool]:
    """What may be requested now: how many, in which roles, for which digest (None: any), and whether it overrides.

    :raises IllegalEvent: if nothing may.
    """
    if visit.phase is Phase.REFUSED:
        act = walk.intent
        if act is None or act.do != "override" or not walk.deviated:
            raise IllegalEvent("approval", f"nobody wants a guard of `{visit.step.id}` overridden")
        return 1, approved_by(visit.step, walk.runbook), sha256(override_of(visit, act.reason or "")), True
    approvals = approvals_of(visit.step)
    if approvals is None:
        raise IllegalEvent("approval", f"`{visit.step.id}` wants no approval")
    return approvals.count, approvals.roles, visit.confirmed, False


def requested(walk: "Walk", visit: Visit, event: e.ApprovalRequested) -> Phase:
    """Others are asked to approve."""
    count, roles, action, override = wanted(walk, visit)
    if visit.required is not None and action is None:
        raise IllegalEvent("approval", f"`{event.step}` is to be approved before it is confirmed")
    if (event.count, event.roles, event.override) != (count, roles, override) or event.action != (
        action or event.action
    ):
        raise IllegalEvent("approval", f"`{event.step}` is to be approved in another way than the file demands")
    if not _NONCE.fullmatch(event.request) or (visit.approval and visit.approval.request == event.request):
        raise IllegalEvent("approval", f"the request `{event.request}` is none, or was made before")
    approval = Approval(
        request=event.request,
        action=event.action,
        count=count,
        roles=roles,
        not_after=event.not_after,
        override=override,
        by=event.by,
        key=event.key,
    )
    if event.text != text_of(walk, visit, approval, event.by, REQUEST):
        raise IllegalEvent("approval", f"what the operator signed is not the request for `{event.step}`")
    visit.approval, visit.approved = approval, None
    return visit.phase if override else Phase.APPROVING


def objection(walk: "Walk", visit: Visit, approver: str, key: str, ts: str) -> str | None:
    """Why an approval by that person and key does not count; None if it does."""
    approval = visit.approval
    if approval is None:
        return "nothing is to be approved"
    members = {person for role in approval.roles for person in walk.runbook.roles.get(role, ())}
    if approver in {approval.by, walk.operator} or key == approval.key:
        return f"`{approver}` is the operator, who cannot approve"
    if approver not in members:
        return f"`{approver}` has none of the roles {', '.join(approval.roles)}"
    if approver in approval.given or key in approval.given.values():
        return f"`{approver}` has approved already, or somebody with the same key has"
    if ts > approval.not_after:
        return f"the request was open until {approval.not_after}"
    return None


def given(walk: "Walk", visit: Visit, event: e.ApprovalGiven) -> Phase:
    """Somebody has approved."""
    approval = visit.approval
    if approval is None or event.request != approval.request:
        raise IllegalEvent("approval", f"an approval of the request `{event.request}`, which is not open")
    why = objection(walk, visit, event.approver, event.key, event.ts)
    if why is not None:
        raise IllegalEvent("approval", why)
    if event.text != text_of(walk, visit, approval, event.approver):
        raise IllegalEvent("approval", f"what `{event.approver}` signed is not the request for `{event.step}`")
    approval.given[event.approver] = event.key
    _delivered(walk, event)
    return settled(visit, event.ts)


def names(visit: Visit) -> list[Json] | None:
    """Who has approved the step, in order; None where nobody had to."""
    approval = visit.approval
    return [*sorted(approval.given)] if approval is not None and visit.approved is not None else None


def give_up(walk: "Walk", visit: Visit, event: e.StepRefused) -> None:
    """Nobody can be asked to approve an override, or nobody did in time: the operator is asked again what to do."""
    if event.by != "approval" or walk.intent is None or walk.intent.do != "override" or not walk.deviated:
        raise IllegalEvent("order", f"`{event.step}` is refused already")
    walk.intent, walk.deviated = None, False
    visit.approval = None


def handed_over(visit: Visit, operator: str) -> None:
    """Somebody else walks now, who cannot be one of those that have approved."""
    approval = visit.approval
    if approval is not None and approval.given.pop(operator, None) is not None and not approval.override:
        visit.approved = None


def settled(visit: Visit, ts: str) -> Phase:
    """The phase of a visit whose confirmation or approvals have come in: they may be complete."""
    approval = visit.approval
    if approval is None or approval.override or not approval.complete or ts > approval.not_after:
        return visit.phase
    if visit.phase is not Phase.APPROVING:
        return visit.phase  # approved while the operator is asked again
    visit.approved = approval.action
    return Phase.CONFIRMED


def confirmed(visit: Visit, ts: str) -> Phase:
    """The phase after the operator's confirmation, with approvals that were given for that very action before."""
    approval = visit.approval
    if approval is None or approval.override or approval.action != visit.confirmed or ts > approval.not_after:
        return Phase.CONFIRMED
    visit.phase = Phase.APPROVING
    return settled(visit, ts)


def refused(walk: "Walk", visit: Visit, event: e.ApprovalRefused) -> Phase:
    """An approval does not count."""
    if visit.approval is None:
        raise IllegalEvent("approval", f"an approval for `{event.step}` is refused, and none was asked for")
    _delivered(walk, event)
    return visit.phase


def _delivered(walk: "Walk", event: e.ApprovalGiven | e.ApprovalRefused) -> None:
    if event.inbox is not None:
        walk.delivered.add(event.inbox)


def look(visit: Visit, event: e.StepStarted) -> None:
    """See to it that what starts was approved, if it has to be, and the approvals still hold.

    :raises IllegalEvent: if not.
    """
    if approvals_of(visit.step) is None:
        return
    approval = visit.approval
    if approval is None or visit.approved != event.action:
        raise IllegalEvent("approval", f"`{event.step}` starts, and not enough persons approved it")
    if event.ts > approval.not_after:
        raise IllegalEvent("approval", f"`{event.step}` starts after its approval expired")

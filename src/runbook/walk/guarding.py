"""What an event about a step's guards does to a visit: they are asked, they refuse, they are overridden."""

from typing import TYPE_CHECKING

from runbook.model.runbook import Mode, Runbook, Step
from runbook.walk import events as e
from runbook.walk.results import Visit
from runbook.walk.rules import IllegalEvent
from runbook.walk.tables import Phase

if TYPE_CHECKING:
    from runbook.walk.walk import Walk

REASON, APPROVAL = "reason", "approval"
"""How a guard may be overridden."""


def unasked(visit: Visit) -> list[int]:
    """The guards that have to let the step go before it is confirmed or started, and have not."""
    return [place for place in range(len(visit.step.guards)) if place not in visit.held | visit.overridden]


def look(visit: Visit, doing: str) -> None:
    """See to it that every guard has let the step go.

    :raises IllegalEvent: if one has not.
    """
    for place in unasked(visit):
        raise IllegalEvent("guard", f"`{visit.step.id}` {doing}, and its guard {place} did not let it go")


def may_override(visit: Visit) -> bool:
    """Whether the guards that refuse may be overridden, all of them."""
    return bool(visit.refusing) and all(visit.step.guards[place].override for place in visit.refusing)


def approved_by(step: Step, runbook: Runbook) -> tuple[str, ...]:
    """The roles that approve an override: those that approve the step, else every role of the file."""
    approvals = step.confirm.approvals if step.confirm else None
    return approvals.roles if approvals else tuple(runbook.roles)


def awaits_approval(visit: Visit) -> bool:
    """Whether somebody else must approve that the guards are overridden, and has not."""
    asked = any(visit.step.guards[place].override == APPROVAL for place in visit.refusing)
    approval = visit.approval
    return asked and not (approval is not None and approval.override and approval.complete)


def waits_for_others(walk: "Walk") -> bool:
    """Whether an override that the operator wants waits for approvals: it may be given up for something else."""
    visit, act = walk.visit, walk.intent
    return visit is not None and act is not None and act.do == "override" and awaits_approval(visit)


def checked(walk: "Walk", visit: Visit, event: e.GuardChecked) -> Phase:
    """A guard was asked."""
    guards = visit.step.guards
    if not 0 <= event.guard < len(guards) or guards[event.guard].kind != event.kind:
        raise IllegalEvent("guard", f"`{event.step}` has no guard {event.guard} that is a `{event.kind}`")
    if walk.mode is Mode.DRY:
        return visit.phase  # said, and not enforced
    let_go, kept = (visit.held, visit.refusing) if event.held else (visit.refusing, visit.held)
    let_go.add(event.guard)
    kept.discard(event.guard)
    return visit.phase


def overridden(walk: "Walk", visit: Visit, event: e.GuardOverridden) -> Phase:
    """A guard that refused does not count; when it was the last one, the step is decided upon anew."""
    act = walk.intent
    if act is None or act.do != "override" or not walk.deviated:
        raise IllegalEvent("deviation", f"a guard of `{event.step}` is overridden, and no deviation says so")
    if event.guard not in visit.refusing:
        raise IllegalEvent("guard", f"guard {event.guard} of `{event.step}` is overridden, and does not refuse")
    match visit.step.guards[event.guard].override:
        case "reason":
            legal = event.by == walk.operator
        case "approval":
            approval = visit.approval
            legal = approval is not None and approval.override and approval.complete and event.by in approval.given
        case _:
            legal = False
    if not legal or event.reason != act.reason:
        raise IllegalEvent("guard", f"guard {event.guard} of `{event.step}` cannot be overridden by `{event.by}`")
    visit.refusing.discard(event.guard)
    visit.overridden.add(event.guard)
    if visit.refusing:
        return Phase.REFUSED
    walk.intent, walk.deviated = None, False
    return Phase.ENTERED

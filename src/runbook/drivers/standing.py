"""Where a run stands, in words: which step, and what it waits for; the same in `status`, `watch` and a hand-over."""

from dataclasses import dataclass
from datetime import UTC, datetime

from runbook.audit.record import Record
from runbook.drivers.journal import wall_ms
from runbook.drivers.stopping import shortly
from runbook.model.durations import spoken
from runbook.walk import actions as a
from runbook.walk import including
from runbook.walk.results import Visit
from runbook.walk.tables import Phase, RunPhase
from runbook.walk.walk import Walk

_ASKED = {
    "manual": "to do it by hand and say how it went",
    "gate": "to answer yes or no",
    "choice": "to choose",
    "ask": "to fill in the form",
    "checklist": "to go through the list",
    "message": "to send it and say so",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a run that is not over stands.

    ``step`` is the address that it is about: an element of a loop, where it is about one. ``says`` is what happens
    there or is waited for; ``since`` and ``due`` are times of the walk's clock, None where nobody can say.
    """

    step: str | None
    visit: int | None
    says: str
    since: int | None = None
    due: int | None = None

    @property
    def where(self) -> str:
        """The step and its visit, with a colon behind them."""
        visit = f", visit {self.visit}" if self.visit is not None and self.visit > 1 else ""
        return f"{self.step}{visit}: " if self.step else ""


def standing(walk: Walk, *, walked: bool = True) -> Standing | None:
    """Where a run stands; None where it has not begun, or is over.

    :param walked: whether somebody walks it, or has paused it; else what runs does not run any more, or unseen.
    """
    near = including.chain(walk)[-1]
    if walk.phase in {RunPhase.NEW, RunPhase.OVER} or not (actions := near.next_up()):
        return None
    asks = [action for action in actions if not isinstance(action, a.Perform | a.Pause | a.Announce)]
    flying = [action for action in actions if isinstance(action, a.Perform)]
    action = (asks or flying or actions)[0]
    if isinstance(action, a.Begin | a.End | a.Resume):
        return Standing(step=None, visit=None, says="comes to its end")
    visit = near.visit_of(action.step) if not isinstance(action, a.Enter) else None
    says, since, due = _said(near, walk.operator, action, visit)
    if len(flying) > 1 and not asks:
        says = f"{len(flying)} run side by side: {shortly(near.prefix + each.step for each in flying)}"
    elif visit is not None and visit.nested_running and isinstance(action, a.Perform):
        says = f"runs {shortly(near.prefix + address for address in sorted(visit.nested_running))}"
    if not walked and walk.in_flight():
        then = "nobody knows its result" if near.changing() else "it runs again when somebody goes on"
        says = f"was running when its walk was killed; {then}"
    return Standing(step=near.prefix + action.step, visit=action.visit, says=says, since=since, due=due)


def _said(near: Walk, operator: str, action: a.Action, visit: Visit | None) -> tuple[str, int | None, int | None]:
    """What happens or is waited for, since when, and when something is due."""
    match action:
        case a.Confirm():
            return f"waits for {operator} to confirm it", None, None
        case a.Decide():
            return f"waits for {operator} to let it start", None, None
        case a.AwaitApproval() | a.RequestApproval():
            return f"waits for approval{_given(visit)}", None, None
        case a.AskOperator(because=because):
            what = "NOBODY SAW ITS RESULT" if visit is not None and visit.phase is Phase.UNKNOWN else "cannot go on"
            return f"{what}{f': {because}' if because else ''}; waits for {operator} to decide", None, None
        case a.Interrupted(changing=changing):
            became = "its result is unknown" if changing else "it runs again when the run goes on"
            return f"was interrupted while it ran; {became}", None, None
        case a.Perform() if visit is not None and near.registry[visit.step.kind].asks(visit.step.fields):
            return f"waits for {operator} {_ASKED.get(visit.step.kind, 'to answer')}", None, None
        case a.Perform():
            return "runs", None, None
        case a.Wait(due=due, deadline=deadline):
            since = visit.waiting_since if visit is not None else None
            looks = visit is not None and visit.every is not None
            return ("waits, looking again and again" if looks else "waits"), since, deadline if looks else due
        case a.Pause(due=due):
            return "failed; is tried again", None, due
        case a.Announce():
            return "failed; is tried again", None, None
        case a.Probe():
            return "NOBODY SAW ITS RESULT; its probe looks", None, None
        case a.Enter():
            return "comes next", None, None
        case _:
            return "is about to go on", None, None


def _given(visit: Visit | None) -> str:
    approval = visit.approval if visit is not None else None
    if approval is None:
        return ""
    return f": {len(approval.given)} of {approval.count} given, until {approval.not_after}"


def stood(standing: Standing, last: Record, now: int) -> str:
    """It as a sentence: ``mend, visit 2: waits for ana to confirm it, for 3 min (since 09:00:07Z)``.

    :param last: the last record that says where the run stands.
    :param now: milliseconds since 1970.
    """
    since = began(standing, last)
    time = datetime.fromtimestamp(since / 1000, UTC)
    left = due_in(standing, last, now)
    ends = f"; {spoken(left)} left" if left is not None and left > 0 else ""
    return f"{standing.where}{standing.says}, for {spoken(max(0, now - since))} (since {time:%H:%M:%S}Z){ends}"


def began(standing: Standing, last: Record) -> int:
    """Since when it stands there, in milliseconds since 1970."""
    return wall_ms(last.ts) - (0 if standing.since is None else last.mono - standing.since)


def due_in(standing: Standing, last: Record, now: int) -> int | None:
    """In how many milliseconds something is due; negative where it was, None where nothing is."""
    return None if standing.due is None else wall_ms(last.ts) + standing.due - last.mono - now

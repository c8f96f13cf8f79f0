"""What an event about a wait does to its visit."""

from typing import TYPE_CHECKING

from runbook.model.runbook import Mode
from runbook.walk import events as e
from runbook.walk.results import Visit
from runbook.walk.rules import IllegalEvent
from runbook.walk.tables import Phase

if TYPE_CHECKING:
    from runbook.walk.walk import Walk


def started(walk: "Walk", visit: Visit, event: e.WaitStarted) -> Phase:
    """A wait has begun."""
    del walk
    if visit.step.kind != "wait" or visit.waited:
        raise IllegalEvent("order", f"`{event.step}` does not wait now")
    visit.waiting_since = event.mono
    visit.due = event.mono + (event.for_ms or 0)
    visit.every = event.every_ms
    visit.deadline = None if event.timeout_ms is None else event.mono + event.timeout_ms
    visit.checks, visit.checked = 0, False
    return Phase.WAITING


def checked(walk: "Walk", visit: Visit, event: e.WaitChecked) -> Phase:
    """A wait has looked whether it is over."""
    del walk
    if event.check != visit.checks + 1 or visit.every is None:
        raise IllegalEvent("order", f"`{event.step}` is checked for the {event.check}. time after {visit.checks}")
    look = f"{event.step}.until"
    if visit.nested_passed.get(look) is not event.passed:
        raise IllegalEvent("outcome", f"`{event.step}` counts a look for another than what it was")
    del visit.nested_passed[look]
    visit.checks, visit.checked = event.check, event.passed
    visit.due = event.mono + visit.every
    return Phase.WAITING


def ended(walk: "Walk", visit: Visit, event: e.WaitEnded) -> Phase:
    """A wait is over."""
    over = event.mono >= visit.due or walk.mode is Mode.DRY  # nobody waits for what is not done
    stopped = walk.intent is not None and walk.intent.do == "stop_waiting" and walk.deviated
    legal = {
        "elapsed": visit.every is None and over,
        "passed": visit.checked,
        "timeout": visit.deadline is not None and event.mono >= visit.deadline,
        "operator": stopped,
    }
    if not legal.get(event.why, False):
        raise IllegalEvent("order", f"`{event.step}` ends its wait by `{event.why}`")
    walk.intent, walk.deviated = (None, False) if stopped else (walk.intent, walk.deviated)
    visit.waited = True
    return Phase.RUNNING

"""What an event about a step inside a step does to a visit: a probe, the check of a wait or of a checklist's item."""

from typing import TYPE_CHECKING

from runbook.model.canonical import sha256
from runbook.model.runbook import Outcome
from runbook.walk import events as e
from runbook.walk import rehearsing
from runbook.walk.results import Visit
from runbook.walk.rules import IllegalEvent, parsed
from runbook.walk.tables import Phase

if TYPE_CHECKING:
    from runbook.walk.walk import Walk


def _allowed(visit: Visit, part: str) -> bool:
    """Whether that part of the step may run in the visit's phase."""
    match visit.phase:
        case Phase.UNKNOWN:
            return part == "probe" and visit.step.probe is not None
        case Phase.WAITING:
            return part == "until" and part in visit.step.nested
        case Phase.RUNNING:
            return part != "until" and part in visit.step.nested
        case _:
            return False


def tell(walk: "Walk", visit: Visit, event: e.StepEvent) -> None:
    """Look at an event about a nested step, and let the visit know it.

    :raises IllegalEvent: if it may not happen now.
    """
    address = event.step
    part = address.removeprefix(visit.step.id).removeprefix(".")
    if not isinstance(event, e.AttemptEvent | e.StepRefused) or not _allowed(visit, part):
        raise IllegalEvent("order", f"`{event.TYPE}` of `{address}` while `{visit.step.id}` is {visit.phase.value}")
    running = address in visit.nested_running
    side_by_side = visit.step.kind == "parallel"
    attempt = visit.nested.get(address, 0)
    if isinstance(event, e.StepFinished | e.StepCancelled) and (not running or event.attempt != attempt):
        raise IllegalEvent("order", f"`{address}` ends, and its attempt {event.attempt} does not run")
    match event:
        case e.StepStarted():
            if running or (visit.nested_running and not side_by_side) or event.attempt != attempt + 1:
                raise IllegalEvent("attempts", f"attempt {event.attempt} of `{address}` after attempt {attempt}")
            if event.effect != "none":
                raise IllegalEvent("effect", f"`{address}` is a read, and is started as `{event.effect}`")
            if sha256(event.what) != event.action:
                raise IllegalEvent("action", f"the action of `{address}` is not the one of its digest")
            visit.nested[address] = event.attempt
            visit.nested_running.add(address)
        case e.StepOutput() | e.StepRetrying():
            pass
        case e.StepFinished():
            rehearsing.look(walk, visit, event)
            passed, looked = _passed(event), parsed(event.obs, "observation") or {}
            visit.nested_passed[address], visit.looked = passed, looked
            visit.nested_running.discard(address)
            visit.interrupted = visit.interrupted and bool(visit.nested_running)
            if part == "probe":
                visit.probed, visit.probe_anew = True, False
        case e.StepCancelled():
            visit.nested_passed.pop(address, None)
            visit.nested_running.discard(address)
            # What a machine does with its help was interrupted with it.
            visit.interrupted = walk.flies(visit)
        case e.StepRefused() if part == "probe" and not running:
            # It cannot be performed, so it finds out nothing.
            visit.probed, visit.probe_anew = True, False
        case _:
            raise IllegalEvent("order", f"`{event.TYPE}` of `{address}`")


def _passed(event: e.StepFinished) -> bool:
    """Whether a look passed."""
    if event.outcome not in {Outcome.PASSED.value, Outcome.FAILED.value} or event.changed != "no":
        raise IllegalEvent("outcome", f"`{event.step}` finishes `{event.outcome}`, changed `{event.changed}`")
    if event.outcome == Outcome.PASSED.value and event.obs is None and not rehearsing.needs_no_observation(event):
        raise IllegalEvent("observation", f"`{event.step}` passes, and nothing was observed")
    return event.outcome == Outcome.PASSED.value

"""What was in flight when a walk was killed: told to the walk that goes on, with what still runs of it."""

import platform

from runbook.drivers.journal import Journal
from runbook.model.runbook import Mode, Nested
from runbook.walk import actions as a
from runbook.walk import events as e
from runbook.walk.walk import Walk
from runbook.world.descendants import action_of, left_running

_MANY = 5
"""Processes that are named; whoever sees these sees their children too."""


def tell_interrupted(journal: Journal, action: a.Interrupted) -> None:
    """Tell what was in flight when the walk was killed: a read runs again, a change is unknown."""
    cls = e.StepUnknown if action.changing else e.StepCancelled
    running = "" if journal.walk.mode is Mode.DRILL else still_running(journal.walk, action.step)
    reason = f"the walk was interrupted while it ran{running}"
    journal.tell(cls, step=action.step, visit=action.visit, attempt=action.attempt, reason=reason)


def still_running(walk: Walk, address: str) -> str:
    """A clause about what still runs of an action that a killed walk started; empty where there is nothing to say."""
    started = walk.started
    step, kind = walk.owner(address), walk.owner(address).kind
    for part in address.split(".")[1:]:
        known: dict[str, Nested | None] = {"undo": step.undo, "probe": step.probe, **step.nested}
        if (nested := known.get(part)) is not None:
            kind = nested.kind
    if kind == "ssh":
        return "; its command may still be running on the other machine, which cannot be seen from here"
    found = left_running(action_of(started.store, started.run, walk.prefix + address)) if started else None
    if found:
        which = f"process{'' if len(found) == 1 else 'es'} {', '.join(map(str, found[:_MANY]))}"
        more = f" and {len(found) - _MANY} more" if len(found) > _MANY else ""
        return f"; its command may still be running: {which}{more} on {platform.node()}"
    if kind != "command":
        return ""
    if found is None or started is None or started.host != platform.node():
        return "; its command may still be running, which cannot be seen from here"
    return f"; no process of its command is found on {started.host}"

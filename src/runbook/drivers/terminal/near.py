"""The walk that the operator sees: the innermost one, with the addresses that it has for itself."""

from dataclasses import replace

from runbook.drivers.operator import Place
from runbook.walk import events as e
from runbook.walk.run_events import Event
from runbook.walk.walk import Walk


def innermost(walk: Walk) -> Walk:
    """The walk that goes on now: this one, or the one inside the step that walks another runbook."""
    while (inner := walk.inner()) is not None:
        walk = inner
    return walk


def walk_of(walk: Walk, event: Event) -> Walk:
    """The walk that an event is about."""
    if not isinstance(event, e.StepEvent):
        return innermost(walk)
    while (inner := walk.inner()) is not None and event.step.startswith(inner.prefix):
        walk = inner
    return walk


def near_place(walk: Walk, place: Place) -> Place:
    """Where a walk is, as that walk itself calls it."""
    address = place.step.id.removeprefix(walk.prefix)
    return place if address == place.step.id else replace(place, step=replace(place.step, id=address))


def near_event(walk: Walk, event: Event) -> Event:
    """An event as the walk itself that it is about would tell it."""
    if not isinstance(event, e.StepEvent) or not walk.prefix or not event.step.startswith(walk.prefix):
        return event
    return replace(event, step=event.step.removeprefix(walk.prefix))

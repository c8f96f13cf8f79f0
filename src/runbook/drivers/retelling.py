"""What a record of a log tells a walk: an event, or nothing, where it is a guest's."""

from runbook.audit.record import Record
from runbook.walk.records import from_record
from runbook.walk.run_events import Event


def event_of(record: Record) -> Event | None:
    """The event of a record; None for a guest's, which no walk is told.

    :raises MalformedEvent: if it is none that this version writes.
    """
    if record.type.startswith("x-"):
        return None
    return from_record(record.type, record.ts, record.mono, record.fields)

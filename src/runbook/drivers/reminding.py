"""Reminders: told when their time has come."""

from runbook.drivers.journal import Journal
from runbook.walk import run_events as r


def remind(journal: Journal) -> None:
    """Tell each reminder whose time has come."""
    walk, now = journal.walk, journal.mono()
    for index, reminder in enumerate(walk.runbook.reminders):
        last = walk.reminded.get(index)
        due = (last or 0) + reminder.every if reminder.every is not None else reminder.after or 0
        if now >= due and (reminder.every is not None or last is None):
            journal.tell(r.ReminderDue, reminder=index, say=reminder.say)

"""Reminders: told when their time has come."""

from runbook.drivers.journal import Journal
from runbook.walk import run_events as r
from runbook.walk.running import reminder_due


def remind(journal: Journal) -> None:
    """Tell each reminder whose time has come."""
    walk, now = journal.walk, journal.mono()
    for index, reminder in enumerate(walk.runbook.reminders):
        due = reminder_due(walk, index)
        if due is not None and now >= due:
            journal.tell(r.ReminderDue, reminder=index, say=reminder.say)

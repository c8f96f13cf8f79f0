"""Reminders: told when their time has come."""

from runbook.drivers.agreeing import same_text
from runbook.drivers.fitting import fit
from runbook.drivers.journal import Journal
from runbook.model.runbook import Runbook
from runbook.walk import run_events as r
from runbook.walk.running import reminder_due


def is_said(runbook: Runbook, event: r.ReminderDue) -> bool:
    """Whether a reminder is told in the words of the file; one that there is not the walk refuses."""
    said = runbook.reminders[event.reminder].say if 0 <= event.reminder < len(runbook.reminders) else event.say
    return same_text(event.say, fit("say", said))


def remind(journal: Journal) -> None:
    """Tell each reminder whose time has come."""
    walk, now = journal.walk, journal.mono()
    for index, reminder in enumerate(walk.runbook.reminders):
        due = reminder_due(walk, index)
        if due is not None and now >= due:
            journal.tell(r.ReminderDue, reminder=index, say=reminder.say)

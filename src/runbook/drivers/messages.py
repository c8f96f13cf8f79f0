"""What other processes put into a run's inbox: recorded by the one that walks it, each once, in order."""

from collections import deque

from runbook.audit.inbox import Delivered, Inbox, Rejected, Taken
from runbook.drivers.journal import Journal
from runbook.drivers.operator import Act
from runbook.walk import run_events as r

LOOK_EVERY = 200
"""Milliseconds between two looks; what arrives is on record within a second."""
NOTES = ("note", "decision", "hypothesis", "communication")
_ACTS = frozenset({"pause", "abort"})


class Messages:
    """Looks into the inbox of one run."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._acts: deque[Delivered] = deque()
        self._given: list[Delivered] = []
        self._next = 0

    def look(self, journal: Journal) -> Act | None:
        """Record what has arrived; what somebody wants done to the walk is returned, one at a time.

        It may be called as often as one likes: it looks five times a second.
        """
        now = journal.mono()
        if now < self._next:
            return None
        self._next = now + LOOK_EVERY
        for taken in self._inbox.take():
            match taken:
                case Delivered(kind=kind) if kind in _ACTS:
                    self._acts.append(taken)
                case Delivered(kind="note", fields=fields):
                    journal.tell(
                        r.NoteAdded,
                        kind=str(fields.get("kind")) if fields.get("kind") in NOTES else "note",
                        text=str(fields.get("text", "")),
                        by=str(fields.get("by", "somebody")),
                        inbox=taken.id,
                    )
                    self._over(journal, taken)
                case Delivered():
                    journal.tell(r.Warned, text=f"a message `{taken.kind}` cannot be taken yet", inbox=taken.id)
                    self._over(journal, taken)
                case Rejected(file=file, reason=reason):
                    journal.tell(r.Warned, text=f"refused in the inbox: {file}: {reason}", inbox=taken.id)
                    self._over(journal, taken)
        for given in [g for g in self._given if g.id in journal.walk.delivered]:
            self._given.remove(given)
            self._over(journal, given)
        if not self._acts:
            return None
        act = self._acts.popleft()
        self._given.append(act)
        by = str(act.fields.get("by") or "somebody")
        why = str(act.fields.get("reason") or f"asked for by {by}")
        return Act(do=act.kind, reason=why, by=by, inbox=act.id)

    def _over(self, journal: Journal, taken: Taken) -> None:
        journal.sync()
        self._inbox.done(taken)

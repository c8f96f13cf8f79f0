"""What other processes put into a run's inbox: recorded by the one that walks it, each once, in order.

Whoever may write to the inbox may say anything: what a message holds is checked before it is believed, and what is
refused is recorded with the reason.
"""

import pwd
from collections import deque
from collections.abc import Callable, Mapping

from runbook.audit.inbox import Arrivals, Delivered, Inbox, Rejected, Taken
from runbook.drivers.journal import Journal
from runbook.drivers.operator import Act
from runbook.model.canonical import Json
from runbook.walk import run_events as r
from runbook.walk.actions import End

LOOK_EVERY = 200
"""Milliseconds between two looks; what arrives is on record within a second."""
NOTES = ("note", "decision", "hypothesis", "communication")
_ACTS = {"pause": "pause", "abort": "abort", "handover": "hand_over"}
"""The messages that want something done to the walk, and what an operator's act is called that does it."""
_LONGEST_NAME = 200
_LONGEST_TEXT = 12_000


class Messages:
    """Looks into the inbox of one run."""

    def __init__(self, inbox: Inbox | Arrivals, approve: Callable[[Mapping[str, Json], str], bool]) -> None:
        """Look at nothing yet; ``approve`` tells what an approval with that id comes to; false: ask again later."""
        self._inbox = inbox
        self._approve = approve
        self._later: list[Taken] = []
        self._acts: deque[Delivered] = deque()
        self._given: list[Delivered] = []
        self._next = 0

    def look(self, journal: Journal) -> Act | None:
        """Record what has arrived; what somebody wants done to the walk is returned, one at a time.

        It may be called as often as one likes: it looks five times a second, and once more before the run is over.
        """
        now = journal.mono()
        if now < self._next and not isinstance(next(iter(journal.walk.pending()), None), End):
            return None
        self._next = now + LOOK_EVERY
        again, self._later = self._later, []
        for arrived in [*again, *self._inbox.take()]:
            taken = _checked(arrived)
            match taken:
                case Delivered(kind=kind) if kind in _ACTS:
                    self._acts.append(taken)
                case Delivered(kind="note", fields=fields):
                    journal.tell(
                        r.NoteAdded,
                        kind=str(fields.get("kind", "note")),
                        text=str(fields["text"]),
                        by=_writer(journal, taken),
                        inbox=taken.id,
                    )
                    self._over(journal, taken)
                case Delivered():
                    if self._approve(taken.fields, taken.id):
                        self._over(journal, taken)
                    else:
                        self._later.append(taken)
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
        by, to = _writer(journal, act), act.fields.get("to")
        why = str(act.fields.get("reason") or "") or None
        if act.kind == "handover":
            return Act(do="hand_over", reason=why, to=journal.covered(str(to)), by=by, inbox=act.id)
        return Act(do=_ACTS[act.kind], reason=why or f"asked for by {by}", by=by, inbox=act.id)

    def hurry(self) -> None:
        """Look at once when asked the next time: somebody waits for it."""
        self._next = 0

    def _over(self, journal: Journal, taken: Taken) -> None:
        journal.sync()
        self._inbox.done(taken)


def _writer(journal: Journal, delivered: Delivered) -> str:
    """Who says it: the name that stands in it and, where the file is another user's, whose it is."""
    by = journal.covered(str(delivered.fields["by"]))
    if delivered.owner is None:
        return by
    if isinstance(delivered.owner, str):
        return f"{by} (database role {delivered.owner})"
    try:
        login = pwd.getpwuid(delivered.owner).pw_name
    except KeyError:
        login = str(delivered.owner)
    return f"{by} (user {login})"


def _name(value: Json) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value.strip()) <= len(value) <= _LONGEST_NAME


def _text(value: Json) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= len(value) <= _LONGEST_TEXT


_FIELDS: Mapping[str, Mapping[str, Callable[[Json], bool]]] = {
    "note": {"by": _name, "text": _text, "kind": lambda value: value in NOTES},
    "pause": {"by": _name, "reason": _text},
    "abort": {"by": _name, "reason": _text},
    "handover": {"to": _name, "by": _name, "reason": _text},
    "approval": {"text": _text, "signature": _text},
}
"""What a message of a kind may hold, and what that must look like."""
_OPTIONAL = frozenset({"kind", "reason"})


def _checked(taken: Taken) -> Taken:
    """The same message, refused if it holds something else than those of its kind do."""
    if not isinstance(taken, Delivered) or taken.kind not in _FIELDS:
        return taken
    known = _FIELDS[taken.kind]
    wrong = {name for name, value in taken.fields.items() if name not in known or not known[name](value)}
    wrong |= known.keys() - _OPTIONAL - taken.fields.keys()
    if not wrong:
        return taken
    first = next((name for name in known if name in wrong), "a field that it cannot have")
    reason = f"a message `{taken.kind}` is not taken with this: {first}"
    return Rejected(id=taken.id, file=taken.file, reason=reason)

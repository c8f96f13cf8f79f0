"""Listening while a walk goes on: to signals, to other processes, to the clock of the reminders."""

from collections import deque
from collections.abc import Callable

from runbook.drivers.acting import Acting
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.journal import Journal
from runbook.drivers.operator import Act
from runbook.drivers.reminding import remind
from runbook.walk import including
from runbook.walk import run_events as r
from runbook.walk.tables import Phase

INTERRUPTED = Act(do="pause", reason="interrupted")
_WANTED = {"pause": "paused", "abort": "aborted", "hand_over": "handed over"}


class Listener:
    """Listens for one sitting; ``wanted`` is what somebody wants done to the walk and was not done yet.

    ``halted`` says that a loop that is under way goes on only when the operator says so: it was stopped in the middle.

    :param attended: whether somebody is there who says by a key what a Ctrl-C is to do.
    :param messages: looks for messages from other processes and tells what they say; an act of theirs is returned.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        interrupts: Interrupts,
        acting: Acting,
        attended: bool,
        messages: Callable[[], Act | None],
    ) -> None:
        self._journal = journal
        self._walk = journal.walk
        self._interrupts = interrupts
        self._acting = acting
        self._attended = attended
        self._messages = messages
        self._stopping = 0
        self.wanted: deque[Act] = deque()
        self.halted = self._walk.started is not None and self._loops()

    def idle(self) -> Act | None:
        """Look whether a signal or another process wants something; called at least every half second."""
        if (why := self._interrupts.why) is not None:
            return Act(do="pause", reason=why)
        if self._interrupts.presses and not self._attended:
            return INTERRUPTED
        if self._walk.started is not None:
            remind(self._journal)
            self._look()
        return self.wanted.popleft() if self.wanted else None

    def waiting(self) -> Act | None:
        """What whoever waits asks at least every half second; what has happened is on disk while nobody acts."""
        self._journal.sync()
        return self.idle()

    def watch(self) -> int:
        """What is to be done about what runs: 0 nothing, 1 to 3 how hard to stop it."""
        if self._interrupts.ended is not None:
            return 2
        wanted = self._look()
        remind(self._journal)
        if wanted is not None and wanted.do == "abort" and not self._walk.changing():
            return 2
        if wanted is not None:
            what = f"{_WANTED[wanted.do]}{f' to {wanted.to}' if wanted.to else ''}"
            text = f"{wanted.by} wants the run {what}; that is done when what runs now is over"
            self._journal.tell(r.Warned, text=text)
        presses = min(self._interrupts.presses, 3)
        if presses > self._stopping:
            self._stopping = presses
            self.halted = self._loops()
            self._acting.tell(Act(do="interrupt", reason=f"pressed {presses} times" if presses > 1 else None), None)
            if not self._attended:
                self.wanted.append(INTERRUPTED)
        visit = self._walk.visit
        loop = visit is not None and visit.elements and visit.step.effect.changes
        # What changes something side by side is awaited first; nothing more of it begins.
        return 0 if loop and presses == 1 else presses

    def _loops(self) -> bool:
        """Whether a loop is under way, which may be asked about before its next element."""
        visits = [walk.visit for walk in including.chain(self._walk)]
        return any(visit is not None and visit.elements and visit.phase is Phase.RUNNING for visit in visits)

    def calm(self) -> None:
        """What was to be interrupted is over; the next Ctrl-C is about something else."""
        if self._stopping:
            self._stopping = 0
            self._interrupts.clear()

    def _look(self) -> Act | None:
        """Look for messages from other processes; what one wants done waits until it can be, and is returned."""
        act = self._messages()
        if act is not None:
            self.wanted.append(act)
        return act

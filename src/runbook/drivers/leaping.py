"""The answers of a scenario in simulated time: a wait passes in one go, up to what happens next by itself.

What happens by itself are the events of the scenario and the reminders of the runbook: each is told in its time.
"""

from collections.abc import Callable, Sequence

from runbook.drivers.answers import AnswersOperator
from runbook.drivers.operator import Hand, Idle, Place
from runbook.model.answers import Answer
from runbook.model.clock import Clock
from runbook.walk.running import reminder_due
from runbook.walk.walk import Walk


class LeapingOperator(AnswersOperator):
    """Answers from a scenario; nobody has to look around while simulated time passes."""

    def __init__(
        self, entries: Sequence[Answer], clock: Clock, *, source: str, next_event: Callable[[], int | None]
    ) -> None:
        """Answer with these entries.

        :param clock: the walk's, which began with the walk.
        :param next_event: when something is said next, in milliseconds since the start; None: never again.
        """
        super().__init__(entries, clock, source=source)
        self._now = clock.mono
        self._next_event = next_event
        self._walk: Walk | None = None

    def attach(self, walk: Walk, idle: Idle) -> None:
        """Know the walk, for its reminders."""
        self._walk = walk
        super().attach(walk, idle)

    def wait(self, place: Place, ms: int, due: int) -> Hand | None:
        """Let the time pass until something happens, at most until it is due."""
        now = self._now()
        coming = [at for at in (self._next_event(), *self._reminders()) if at is not None and at > now]
        return super().wait(place, min([due, *coming]) - now if due > now else ms, due)

    def _reminders(self) -> list[int | None]:
        walk = self._walk
        return [] if walk is None else [reminder_due(walk, index) for index, _ in enumerate(walk.runbook.reminders)]

"""An operator who is a program: nobody looks, nothing that needs no answer is held back, and waits let time pass."""

from collections.abc import Sequence

from runbook.drivers.operator import Hand, Idle, Place
from runbook.model.clock import Clock
from runbook.model.kind import Preview
from runbook.walk.run_events import Event
from runbook.walk.walk import Walk


class Unattended:
    """What such operators have in common; what they answer is their own.

    :param clock: lets time pass while the walk waits.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._idle: Idle = lambda: None

    def attach(self, walk: Walk, idle: Idle) -> None:
        """Nothing is to be known of the walk."""
        del walk
        self._idle = idle

    def show(self, event: Event) -> None:
        """Nobody looks."""

    def ready(self, place: Place, preview: Preview) -> Hand | None:
        """What needs no confirmation starts."""
        del place, preview
        return None

    def go_on(self, place: Place, left: Sequence[str]) -> Hand | None:
        """What was confirmed with its whole list goes on."""
        del place, left
        return None

    def notice(self, text: str) -> None:
        """Nobody listens."""

    def wait(self, place: Place, ms: int, due: int) -> Hand | None:
        """Let the time pass."""
        del place, due
        self._clock.wait(ms)
        return self._idle()

    def output(self, stream: str, chunk: bytes) -> None:
        """Nobody looks."""

    def working(self, elapsed_ms: int) -> None:
        """Nobody looks."""

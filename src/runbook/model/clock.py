"""Time as a protocol: who needs it is given a clock, so that a drill's waits can pass at once."""

from typing import Protocol


class Clock(Protocol):
    """Two clocks and a wait. What is measured or ordered uses :meth:`mono`; :meth:`now` is for people."""

    def now(self) -> str:
        """The time of day as RFC 3339 in UTC with milliseconds: ``2026-11-21T09:00:00.123Z``."""

    def mono(self) -> int:
        """Milliseconds since some fixed moment. Never goes back, and goes on while the machine sleeps."""

    def wait(self, ms: int) -> None:
        """Return after so many milliseconds, or earlier when the clock's owner wakes it."""

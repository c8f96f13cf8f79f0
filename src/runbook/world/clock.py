"""The real clock, and those of drills, whose waits pass at once."""

import threading
import time
from datetime import UTC, datetime, timedelta

START = "2026-01-01T09:00:00.000Z"
"""When it is in a simulation that does not say."""


class RealClock:
    """The clocks of this machine. ``mono`` counts a suspended machine's sleep too, where the system can tell."""

    _SOURCE = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # on macOS that one counts sleep

    def __init__(self) -> None:
        """Make a clock that nobody has woken yet."""
        self._woken = threading.Event()

    def now(self) -> str:
        """The time of day in UTC."""
        return recorded(datetime.now(UTC))

    def mono(self) -> int:
        """Milliseconds since the machine was started."""
        return time.clock_gettime_ns(self._SOURCE) // 1_000_000

    def wait(self, ms: int) -> None:
        """Wait; :meth:`wake` ends it at once, also if it was called a little earlier."""
        self._woken.wait(ms / 1000)
        self._woken.clear()

    def wake(self) -> None:
        """End the present wait, or the next one if there is none; from any thread or signal handler."""
        self._woken.set()


class SkippingClock(RealClock):
    """The clock of a drill with somebody at a terminal: their time passes as it does, and what is waited for at once.

    A drill that goes on begins where it stood, so its time is not that of the world.
    """

    def __init__(self, start: str | None = None) -> None:
        """Begin now, or at a time of day.

        :param start: RFC 3339 with an offset or Z.
        """
        super().__init__()
        now = datetime.now(UTC)
        self._away = (datetime.fromisoformat(start) if start else now) - now
        self._skipped = 0
        self._lock = threading.Lock()

    def now(self) -> str:
        """The time of day in UTC, in the drill."""
        return recorded(datetime.now(UTC) + self._away + timedelta(milliseconds=self._skipped))

    def mono(self) -> int:
        """Milliseconds since the machine was started, and what was skipped."""
        return super().mono() + self._skipped

    def wait(self, ms: int) -> None:
        """Let so many milliseconds pass at once; several threads may."""
        with self._lock:
            self._skipped += max(0, ms)


class SimulatedClock:
    """A clock that moves only when it is told to, or waited for."""

    def __init__(self, start: str = START) -> None:
        """Begin at a time of day.

        :param start: RFC 3339 with an offset or Z.
        :raises ValueError: if it is not.
        """
        self._start = datetime.fromisoformat(start)
        if self._start.tzinfo is None:
            message = f"`{start}` has no offset from UTC"
            raise ValueError(message)
        self._passed = 0

    def now(self) -> str:
        """The simulated time of day in UTC."""
        return recorded(self._start.astimezone(UTC) + timedelta(milliseconds=self._passed))

    def mono(self) -> int:
        """Milliseconds since the start."""
        return self._passed

    def wait(self, ms: int) -> None:
        """Let so many milliseconds pass at once."""
        self._passed += max(0, ms)


def recorded(moment: datetime) -> str:
    """A moment in UTC, as records have it."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def later(ts: str, ms: int) -> str:
    """A UTC time so many milliseconds after another, as records have both; before it where they are negative."""
    return recorded(datetime.fromisoformat(ts).astimezone(UTC) + timedelta(milliseconds=ms))

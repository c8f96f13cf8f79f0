"""Times as a report shows them: UTC, a zone that was asked for, and how long after the start."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """When, and where in the log: ``ts`` is the wall clock in UTC, ``mono`` the milliseconds since the run began.

    ``record`` is the number of the record (from 0) that says so.
    """

    ts: str
    mono: int
    record: int


@dataclass(slots=True)
class Days:
    """Shows times one after the other in one zone, the day only where it is another one than before."""

    zone: tzinfo = UTC
    _day: str = field(default="", init=False)

    def show(self, when: At) -> str:
        """``2026-11-21 09:00:00`` for the first time of a day, ``09:00:07`` for the others."""
        moment = in_zone(when, self.zone)
        day, _, time = moment.partition(" ")
        if day == self._day:
            return time
        self._day = day
        return moment


def in_zone(when: At, zone: tzinfo = UTC) -> str:
    """A time to the second, as ``2026-11-21 09:00:00``; as it stands where it is none."""
    try:
        return f"{datetime.fromisoformat(when.ts).astimezone(zone):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError):
        return when.ts


def since_start(when: At) -> str:
    """How long after the start of the run: ``+0:07``, ``+1:02:03``."""
    minutes, seconds = divmod(when.mono // 1_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"+{hours}:{minutes:02}:{seconds:02}" if hours else f"+{minutes}:{seconds:02}"

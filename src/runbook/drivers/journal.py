"""Where everything goes through that happens: first the walk judges it, then it is written down, then it is shown.

An event that the walk refuses is never written; what cannot be written is never acted upon.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from runbook.drivers.fitting import Mask, covered, fit
from runbook.model.canonical import Json
from runbook.model.clock import Clock
from runbook.walk.records import to_record
from runbook.walk.run_events import Event, Warned
from runbook.walk.walk import Walk

CLOCK_JUMP = 5_000
"""Milliseconds by which the wall clock may leave the steady one between two records before it is worth a warning."""


class Log(Protocol):
    """What a journal needs of a log."""

    def append(self, record_type: str, fields: Mapping[str, Json], *, ts: str, mono: int) -> object:
        """Write one record."""

    def sync(self) -> None:
        """Make everything that was written durable."""


_TEXTS = frozenset({"reason", "text", "say", "evidence", "phrase", "stale", "differs", "problem", "incident"})
"""The fields that hold what somebody wrote or a program said; in all others stand our own words, names and digests."""
_JSON = frozenset({"inputs", "question", "answer"})
"""The fields that hold such things as canonical JSON; observations and actions come here fit already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """The last record of a log that goes on: its time and its clock."""

    ts: str
    mono: int


def wall_ms(ts: str) -> int:
    """A timestamp of a record as milliseconds since 1970."""
    return int(datetime.fromisoformat(ts).timestamp() * 1_000)


class Journal:
    """Tells events to a walk and writes them to a log.

    :param mask: covers secrets in a text. It goes over what an event holds from outside before the walk sees it, so
        that the walk knows nothing that a replay of the log would not.
    :param last: the last record of a log that goes on; the walk's clock goes on from there, by the wall clock.
    """

    def __init__(
        self,
        walk: Walk,
        log: Log,
        clock: Clock,
        *,
        show: Callable[[Event], None],
        mask: Mask,
        last: Last | None = None,
    ) -> None:
        self.walk = walk
        self._log = log
        self._clock = clock
        self._show = show
        self._mask = mask
        self._start = clock.mono()
        self._base = 0
        self._wall = wall_ms(clock.now()) - self._start
        self._back: int | None = None
        if last is not None:
            away = wall_ms(clock.now()) - wall_ms(last.ts)
            self._base = last.mono + max(0, away)
            self._back = -away if away < 0 else None

    def now(self) -> str:
        """The time of the wall clock, as records have it."""
        return self._clock.now()

    def mono(self) -> int:
        """The walk's clock now, in milliseconds since the run started."""
        if self.walk.started is None:
            return 0
        return max(self.walk.mono, self._base + self._clock.mono() - self._start)

    def tell(self, cls: type[Event], **fields: object) -> None:
        """Make an event that happens now, let the walk judge it, write it down, show it.

        :raises IllegalEvent: if the walk refuses it; nothing is written then.
        """
        self.record(self.event(cls, **fields))

    def event(self, cls: type[Event], **fields: object) -> Event:
        """An event that happens now, and that nobody is told yet."""
        if self.walk.started is None:
            self._start = self._clock.mono()  # the walk's clock begins with its first event
        ts = self._clock.now()
        told = {name: self._fit(name, value) if isinstance(value, str) else value for name, value in fields.items()}
        return cls(ts=ts, mono=self.mono(), **told)

    def record(self, event: Event) -> None:
        """Let the walk judge an event, write it down, show it; nothing has been told since it was made.

        :raises IllegalEvent: if the walk refuses it; nothing is written then.
        """
        self._note(event)
        self._watch_the_clock(event.ts)

    def _fit(self, name: str, value: str) -> str:
        if name in _TEXTS:
            return fit(name, self._mask(value))
        return covered(value, self._mask) if name in _JSON else value

    def covered(self, text: str) -> str:
        """A text from outside that stands in a field of names, with secrets covered."""
        return self._mask(text)

    def sync(self) -> None:
        """Make everything told so far durable, in one go: before anything is started, asked or waited for."""
        self._log.sync()

    def _note(self, event: Event) -> None:
        self.walk.tell(event)
        self._log.append(event.TYPE, to_record(event), ts=event.ts, mono=event.mono)
        self._show(event)

    def _watch_the_clock(self, ts: str) -> None:
        """Say so in the log when the wall clock was set, or the machine slept."""
        wall = wall_ms(ts) - self._clock.mono()
        jump, self._wall = wall - self._wall, wall
        if self._back is not None:
            jump, self._back = -self._back, None
        if abs(jump) > CLOCK_JUMP and self.walk.finish is None:
            text = f"the wall clock moved by {jump / 1_000:+.0f} s against the steady clock"
            self._note(Warned(ts=ts, mono=self.mono(), text=text))

"""A wait as the operator has it: a countdown, with the keys to look now or to stop waiting.

The line that is being typed stays while the wait goes on in pieces of half a second; whatever else is shown, is shown
above it.
"""

from collections.abc import Callable

from runbook.drivers.operator import Act, Hand, Place
from runbook.drivers.terminal.hands import Hands, Way, handle_of
from runbook.drivers.terminal.keyboard import Keyboard
from runbook.drivers.terminal.screen import Screen
from runbook.model.durations import clock, spoken
from runbook.walk.results import Visit
from runbook.walk.tables import Phase

_SAY_AGAIN = 30_000
"""Milliseconds after which a plain terminal is told how long it will take yet."""

_ROOM = 60
"""Columns from which the deadline is shown beside the next look."""


class Countdown:
    """The wait that is going on, if one is.

    :param now: the walk's clock.
    """

    def __init__(self, screen: Screen, keyboard: Keyboard, hands: Hands, now: Callable[[], int]) -> None:
        self._screen = screen
        self._keyboard = keyboard
        self._hands = hands
        self._now = now
        self._open = self._offered = False
        self._said = 0
        self._due = 0
        self._deadline: int | None = None
        self._looks = False

    @property
    def going(self) -> bool:
        """Whether the countdown is shown."""
        return self._open

    def wait(self, place: Place, visit: Visit, ms: int, due: int) -> Hand | None:
        """Let up to so many milliseconds pass, unless the operator does something."""
        self._due, self._deadline = due, visit.deadline
        self._looks = visit.phase is Phase.WAITING and visit.every is not None
        ways = self._ways(visit)
        if not self._open:
            if not self._offered:
                self._hands.offer(place, ways)
                self._offered, self._said = True, self._now()
            self._keyboard.open(label=self._label)
            self._open = True
        self._keyboard.again()
        act = self._keyboard.wanted()
        line = act or self._keyboard.poll(ms / 1000)
        if line is None:
            self._tell_plainly()
            return None
        self._open = False
        self._keyboard.close()
        return line if isinstance(line, Act) else self._typed(line, ways, place)

    def end(self) -> None:
        """The wait is over, or the walk is taken in hand."""
        if self._open:
            self._keyboard.drop()
        self._open = self._offered = False

    def _ways(self, visit: Visit) -> tuple[Way, ...]:
        if visit.phase is Phase.RETRYING:
            return (Way(key="c", says="try again now"),)
        if visit.every is None:
            return (Way(key="x", says="stop waiting and go on; asks why"),)
        return (
            Way(key="c", says="check now"),
            Way(key="x", says="stop waiting: the step has failed, unless it passed; asks why"),
        )

    def _typed(self, line: str, ways: tuple[Way, ...], place: Place) -> Hand | None:
        word = line.strip()
        if word == "c" and any(way.key == "c" for way in ways):
            return Act(do="check_now")
        if word == "x" and any(way.key == "x" for way in ways):
            reason = self._hands.text(place, "Why stop waiting? It is recorded as a deviation.", needed=True)
            return Act(do="stop_waiting", reason=reason) if isinstance(reason, str) else reason
        handle, rest = handle_of(line, ways, free=False)
        if handle is not None:
            return self._hands.take(handle, place, rest)
        if word:
            self._screen.say(f"`{word}` is no key here; ? lists them.", style="yellow")
        return None

    def _label(self, columns: int) -> str:
        """How long it will take yet, before the line."""
        now = self._now()
        left = clock(self._due - now)
        if not self._looks:
            return f"{left} left "
        over = ""
        if self._deadline is not None and columns >= _ROOM:
            over = f" · gives up in {clock(self._deadline - now)}"
        return f"looks in {left}{over} "

    def _tell_plainly(self) -> None:
        if not self._screen.plain:
            self._screen.redraw()
        elif self._now() - self._said >= _SAY_AGAIN:
            self._said = self._now()
            until = self._deadline if self._looks else self._due
            self._screen.say(f"still waiting{f', {spoken(max(until - self._said, 0))} left' if until else ''}")

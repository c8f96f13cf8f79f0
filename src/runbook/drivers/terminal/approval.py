"""Waiting for others to approve: who is asked, what to send them, how much time is left, and where to paste an answer.

The line that is being typed stays while the wait goes on in pieces of half a second; an approval that arrives by the
inbox is shown above it. Any text is an answer here, so keys begin with a colon.
"""

from collections.abc import Callable

from runbook.drivers.operator import Act, Hand, Place, Sought
from runbook.drivers.terminal.hands import Hands, handle_of
from runbook.drivers.terminal.keyboard import Keyboard
from runbook.drivers.terminal.screen import Screen
from runbook.model.durations import clock

_LONGEST = 60
"""Lines of a request that are shown; a longer one is sent as its file."""


class Vigil:
    """The wait for approvals that is going on, if one is.

    :param now: the walk's clock.
    """

    def __init__(self, screen: Screen, keyboard: Keyboard, hands: Hands, now: Callable[[], int]) -> None:
        self._screen = screen
        self._keyboard = keyboard
        self._hands = hands
        self._now = now
        self._open = False
        self._shown = ""
        self._sought: Sought | None = None

    def wait(self, place: Place, sought: Sought, ms: int) -> str | Hand | None:
        """Let up to so many milliseconds pass, unless something is typed or pasted."""
        self._sought = sought
        if self._shown != sought.request:
            self._show(sought)
            self._shown = sought.request
        if not self._open:
            self._hands.offer(place, (), free=True)
            self._keyboard.open(label=self._label)
            self._open = True
        self._keyboard.again()
        line = self._keyboard.wanted() or (None if sought.over() else self._keyboard.poll(ms / 1000))
        if sought.over() and line is None:
            self.end()
            return None
        if line is None:
            if not self._screen.plain:
                self._screen.redraw()
            return None
        self._open = False
        self._keyboard.close()
        if isinstance(line, Act):
            return line
        handle, rest = handle_of(line, (), free=True)
        if handle is not None:
            return self._hands.take(handle, place, rest)
        return line.strip() or None

    def end(self) -> None:
        """Nothing is waited for any more."""
        if self._open:
            self._keyboard.drop()
        self._open = False

    def _show(self, sought: Sought) -> None:
        screen = self._screen
        screen.say()
        screen.say(f"OTHERS MUST APPROVE {sought.preview.upper()}", style="bold yellow")
        who = ", ".join(sought.members) or "nobody but you has the role"
        screen.say(f"{sought.count} of: {who}; until {sought.not_after}.")
        if sought.text and sought.text.count("\n") <= _LONGEST:
            screen.say("Send them this, or the file that holds it:")
            for line in sought.text[sought.text.index("-----") :].splitlines():
                screen.exactly(line, style="cyan", indent=2)
        if not sought.file:
            screen.say(
                "In a drill only those approve whom its scenario names, when they are asked. If nobody does, wait, go "
                "another way (`:?` lists the keys), or type `wait` to let the time pass until the request is over."
            )
            return
        screen.say("They look at it, and approve it, with")
        screen.exactly(f"runbook approve {sought.file}", style="cyan", indent=2)
        screen.say(
            "or, elsewhere, `runbook approve -`. On this machine the walk takes their approval up by itself; from "
            "elsewhere paste what they send back here, or type the name of a file with it."
        )

    def _label(self, columns: int) -> str:
        """How many have approved, and how much time is left, before the line."""
        del columns
        sought = self._sought
        if sought is None:  # pragma: no cover - the line is opened with one
            return ""
        return f"{len(sought.given)} of {sought.count} approved · {clock(sought.due - self._now())} left "

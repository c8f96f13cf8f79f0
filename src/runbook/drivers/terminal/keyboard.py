"""Asks for a line, and takes no other word for the answer.

Rules. What was typed while something ran is dropped when that is over. A *guarded* question is also deaf until nothing
was typed for 300 ms: keys that were meant for something else never answer it. A line answers one question: what is
typed or pasted behind it in the same breath is dropped, and so is all of a paste behind its first line. Ctrl-C,
Ctrl-D, and a terminal that is gone pause the run. While it waits, others have their turn at least every half second.
"""

import time
from collections.abc import Callable, Iterable

from rich.text import Text

from runbook.audit.escapes import inert
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.operator import Act, Idle
from runbook.drivers.terminal.keys import Decoder, Key, Pasted, Press
from runbook.drivers.terminal.line import Line
from runbook.drivers.terminal.modes import Modes
from runbook.drivers.terminal.screen import Screen, cells, styled

DEAF = 0.3
"""Seconds of silence before a guarded question listens."""
_TURN = 0.4
"""Seconds after which others have their turn."""
_BREATH, _LONGEST_BREATH = 0.05, 1.0
"""Seconds within which keys behind an Enter were not typed by a person, and how long they are waited for."""
MARK = "› "
_PLAIN_MARK = "> "
_EARLY = "Typed too early, and not taken. Type it now."


def _no_label(columns: int) -> str:
    del columns
    return ""


class Keyboard:
    """Where a person's lines come from."""

    def __init__(self, modes: Modes, screen: Screen, interrupts: Interrupts) -> None:
        self._modes = modes
        self._screen = screen
        self._interrupts = interrupts
        self._decoder = Decoder()
        self._line = Line()
        self._secret = self._dropped = False
        self._label: Callable[[int], str] = _no_label
        self.idle: Idle = lambda: None

    def ask(self, *, secret: bool = False, guarded: bool = False) -> str | Act:
        """The line that is typed, or what is to be done in place of an answer.

        :param secret: nothing of it is shown.
        :param guarded: what was meant for something else must not answer it.
        """
        self.open(secret=secret, guarded=guarded)
        act: Act | None = None
        try:
            act = self._deafness() if guarded else None
            while act is None:
                act = self.wanted()
                if act is not None:
                    break
                answer = self.poll(_TURN)
                if answer is not None:
                    return answer
        finally:
            self.close()
        return act

    def wanted(self) -> Act | None:
        """What a signal, another process or Ctrl-C wants."""
        act = self.idle()
        if act is None and (why := self._interrupts.why) is not None:
            return Act(do="pause", reason=why)
        if act is None and self._interrupts.presses:
            return Act(do="pause", reason="Ctrl-C at a question")
        return act

    def open(self, *, secret: bool = False, guarded: bool = False, label: Callable[[int], str] = _no_label) -> None:
        """Begin to take a line.

        :param label: what stands before the line at each moment, on a terminal of so many columns.
        """
        if guarded:
            self.forget()
        early, self._dropped = self._dropped and guarded, False
        self._line, self._secret, self._label = Line(), secret, label
        self._screen.set_row(self._row)
        if early:
            self._screen.say(_EARLY, style="dim")

    def forget(self) -> None:
        """Drop what was typed so far, because what it was typed at is over."""
        self._decoder.forget()
        self._dropped = self._modes.flush() or self._dropped

    def again(self) -> None:
        """Show the line again, where something else was shown in its place."""
        self._screen.set_row(self._row)

    def drop(self) -> None:
        """Take no more of the line, and let nothing of it stay."""
        self._screen.drop_row()

    def poll(self, seconds: float) -> str | Act | None:
        """Take what is typed within so many seconds: a line, or None where there is none yet."""
        data = self._modes.read(seconds)
        if self._modes.look():
            self._screen.redraw()
        if data is None:
            return Act(do="pause", reason="the terminal is gone")
        presses = self._decoder.feed(data)
        for place, press in enumerate(presses):
            if press is Key.ENTER:
                return self._entered(presses[place + 1 :])
            if press is Key.END_OF_INPUT and not self._line.characters:
                return Act(do="pause", reason="Ctrl-D at a question")
            self._take(press)
        return None

    def close(self) -> None:
        """Take no more of the line; it scrolls away as it stands."""
        shown = "" if self._secret else self._line.text
        self._screen.finish_row(Text.assemble((self._mark(), "bold"), styled(shown)))

    def _deafness(self) -> Act | None:
        """Hear nothing until nobody has typed for a while."""
        early, until = False, time.monotonic() + DEAF
        act: Act | None = None
        while act is None and (left := until - time.monotonic()) > 0:
            data = self._modes.read(min(left, _TURN))
            if data is None:
                return Act(do="pause", reason="the terminal is gone")
            if data:
                early, until = True, time.monotonic() + DEAF
            if self._modes.look():
                self._screen.redraw()
            act = self.wanted()
        if early:
            self._screen.say(_EARLY, style="dim")
        return act

    def _entered(self, behind: Iterable[Press]) -> str:
        """The line, now that it is over; what came behind it in the same breath answers nothing."""
        dropped, begun = list(behind), time.monotonic()
        while time.monotonic() - begun < _LONGEST_BREATH and (data := self._modes.read(_BREATH)):
            dropped += self._decoder.feed(data)
        self._decoder.forget()
        text = self._line.text
        if any(press is not Key.ENTER for press in dropped):
            lines = sum(press is Key.ENTER for press in dropped) + (dropped[-1] is not Key.ENTER)
            self._screen.say(f"Only the first line was taken; {lines} more dropped.", style="yellow")
        return text

    def _take(self, press: Press) -> None:
        match press:
            case Pasted(text=text):
                self._paste(text)
            case Key():
                before = self._line.text
                self._line.press(press)
                self._echo(before)
            case str():
                before = self._line.text
                self._line.insert(press)
                self._echo(before)

    def _paste(self, text: str) -> None:
        first, *more = text.rstrip("\r\n").splitlines() or [""]
        if more and self._secret:
            self._screen.say(f"The paste has {len(more) + 1} lines; nothing of it was taken.", style="yellow")
            return
        before = self._line.text
        self._line.insert(first)
        self._echo(before)
        if more:
            self._screen.say(f"Only the first line of the paste was taken; {len(more)} more dropped.", style="yellow")

    def _echo(self, before: str) -> None:
        """Show what became of the line."""
        if not self._screen.plain:
            self._screen.redraw()
            return
        if self._secret or not self._modes.echoed:
            return
        after = self._line.text
        if after.startswith(before) and self._line.cursor == len(after):
            self._screen.typed(inert(after[len(before) :]))
        elif before.startswith(after) and len(before) - len(after) == 1:
            width = cells(before[len(after) :])
            self._screen.typed("\b" * width + " " * width + "\b" * width)
        elif before != after:
            self._screen.renew()

    def _mark(self) -> str:
        return _PLAIN_MARK if self._screen.plain else MARK

    def _row(self, columns: int) -> tuple[Text, int | None]:
        """The bottom row: what stands before the line, and as much of the line as there is room for."""
        lead = Text.assemble((self._label(columns), "dim"), (self._mark(), "bold"))
        if self._screen.plain:
            return Text.assemble(lead, "" if self._secret else styled(self._line.text)), None
        if self._secret:
            return lead, lead.cell_len
        shown, cursor = self._line.window(max(columns - lead.cell_len, 8))
        return Text.assemble(lead, shown), lead.cell_len + cursor

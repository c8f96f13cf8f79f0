"""Signals, turned into facts that the one thread looks at when it can act on them.

Ctrl-C while something runs goes to that first; at a prompt it pauses. SIGTERM and SIGHUP (a closed terminal) stop what
runs and pause the run. Nothing is done inside a handler.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


def _nothing(number: int, frame: FrameType | None) -> None:
    del number, frame


class Interrupts:
    """What signals came. ``presses`` counts Ctrl-C since it was last cleared; ``ended`` is the signal that ends us."""

    def __init__(self) -> None:
        self.presses = 0
        self.ended: signal.Signals | None = None
        self._wake: Callable[[], None] = lambda: None

    @property
    def why(self) -> str | None:
        """Why the sitting has to end; None where no signal says so."""
        if self.ended is signal.SIGHUP:
            return "the terminal was closed (SIGHUP)"
        return f"ended by {self.ended.name}" if self.ended else None

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Call something harmless whenever a signal came, so that whoever waits looks again."""
        self._wake = wake

    def clear(self) -> None:
        """Forget the presses of Ctrl-C; they were acted upon."""
        self.presses = 0

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGINT:
            self.presses += 1
        else:
            self.ended = signal.Signals(number)
        self._wake()

    @contextmanager
    def caught(self) -> Iterator["Interrupts"]:
        """Catch the signals for as long as a walk lasts. Only the main thread can; elsewhere nothing is caught."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.getsignal(number) for number in numbers}
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, self._note)
            elif number == signal.SIGINT:
                # In the background of a script. It stays ignored here, and is handled by doing nothing, because what is
                # ignored children ignore too, and could not be asked to stop. (A hangup (nohup) they may ignore.)
                signal.signal(number, _nothing)
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

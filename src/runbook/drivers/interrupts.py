"""Signals, turned into facts that the one thread looks at when it can act on them.

Ctrl-C while something runs goes to that first; at a prompt it pauses. SIGTERM and SIGHUP (a closed terminal) stop what
runs and pause the run. Nothing is done inside a handler.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """What signals came. ``presses`` counts Ctrl-C since it was last cleared; ``ended`` is the signal that ends us."""

    def __init__(self) -> None:
        self.presses = 0
        self.ended: signal.Signals | None = None
        self._wake: Callable[[], None] = lambda: None

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
        # What is ignored already (nohup) stays ignored.
        caught = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._note) for number in caught}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

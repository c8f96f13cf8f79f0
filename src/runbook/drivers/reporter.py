"""The progress of an unattended walk: a line for each thing that happens, in plain text, for whoever reads it later."""

from collections.abc import Iterable
from contextlib import suppress
from typing import TextIO

from runbook.audit.escapes import inert
from runbook.drivers.answers import AnswersOperator
from runbook.drivers.onlooking import Onlooker
from runbook.model.answers import Answer
from runbook.model.clock import Clock
from runbook.walk.run_events import Event


class Reporter(AnswersOperator):
    """The operator of an answers file, who also writes down what happens.

    :param stream: takes the lines; one that cannot be written to any more stops nothing, and None takes none.
    """

    def __init__(self, entries: Iterable[Answer], clock: Clock, stream: TextIO | None, source: str = "answers") -> None:
        super().__init__(entries, clock, source)
        self._now = clock.now
        self._stream = stream
        self._onlooker = Onlooker()

    def show(self, event: Event) -> None:
        """Write a line about what has happened."""
        told = self._onlooker.progress(event)
        if told is not None:
            self._line(event.ts, f"{told.step} {told.text}" if told.step else told.text)

    def notice(self, text: str) -> None:
        """Write it down too."""
        self._line(self._now(), text)

    def _line(self, ts: str, text: str) -> None:
        if self._stream is None:
            return
        line = " ".join(inert(text).split())
        with suppress(OSError, ValueError):  # nobody reads it any more
            self._stream.write(f"{ts[11:19]}Z  {line}\n")
            self._stream.flush()

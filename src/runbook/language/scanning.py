"""The two scanners of PyYAML as sources of events: the one in C where it is there, the one in Python everywhere.

The one in Python decides what is YAML, so that a file means the same on every machine; the one in C is twenty times
faster and is trusted wherever both are known to agree.
"""

from collections.abc import Callable
from typing import Any

from yaml.error import YAMLError
from yaml.events import Event, ScalarEvent
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

try:
    from yaml._yaml import CParser
except ImportError:
    CParser = None  # type: ignore[assignment, misc] # PyYAML was built without libyaml

FAILURES = (YAMLError, ValueError, OverflowError)
"""What a scanner raises for a text that is no YAML; the last two for an escape of a character that does not exist."""


class _Python(Reader, Scanner, Parser):
    """PyYAML's scanner and parser in Python, without the parts that make objects of what they read."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)


def fast(text: str) -> Callable[[], Any] | None:
    """The events of a text, one a call, from the scanner in C; None where PyYAML was built without it."""
    return None if CParser is None else CParser(text).get_event


def offsets(event: Event) -> tuple[int, int]:
    """Where an event of a scanner begins and ends, as offsets into the text."""
    start, end = event.start_mark, event.end_mark
    return start.index if start else 0, end.index if end else 0


class Slow:
    """The events of a text from the scanner in Python; it remembers the scalar that it read last."""

    def __init__(self, text: str) -> None:
        """Begin at the beginning of a text."""
        self.parser = _Python(text)
        self.last: ScalarEvent | None = None

    def innermost(self) -> int | None:
        """The offset of the innermost mapping or list that is not closed yet."""
        return self.parser.marks[-1].index if self.parser.marks else None

    def next_event(self) -> Any:  # noqa: ANN401 - an event's class decides what it has
        """The next event.

        :raises YAMLError: or another of ``FAILURES``, if the text is no YAML.
        """
        event = self.parser.get_event()  # type: ignore[no-untyped-call] # the stubs say nothing about it
        if isinstance(event, ScalarEvent):
            self.last = event
        return event

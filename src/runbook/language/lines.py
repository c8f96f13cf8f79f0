"""Where an offset into a text stands: lines and columns from 1, columns in code points."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property

from runbook.model.diagnostics import Span

_BREAK = re.compile("\n")


class Lines:
    """The lines of a text; a line ends with a line feed, a carriage return before it belongs to its end."""

    def __init__(self, text: str) -> None:
        """Hold the text; its lines are counted when the first of them is asked for."""
        self.text = text

    @cached_property
    def starts(self) -> Sequence[int]:
        """The offset of each line's first character."""
        return [0, *(match.end() for match in _BREAK.finditer(self.text))]

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column of an offset."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """The piece of the text between two offsets."""
        return Span(*self.position(start), *self.position(end))

    def line(self, number: int) -> str:
        """A line's text without its end."""
        begin = self.starts[number - 1]
        end = self.starts[number] if number < len(self.starts) else len(self.text) + 1
        return self.text[begin : end - 1].removesuffix("\r")

    def with_line(self, number: int, line: str) -> str:
        """The text with another line in place of one."""
        begin = self.starts[number - 1]
        return self.text[:begin] + line + self.text[begin + len(self.line(number)) :]

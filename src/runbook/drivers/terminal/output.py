"""Live output of what is performed: line by line behind a margin, so that nothing in it passes for our own words.

Rules. It comes masked, in pieces cut anywhere; it is made inert here. A lone carriage return ends a line, as a progress
bar means it. Lines are shown as they come up to ``HEAD``; of what follows the last ``TAIL`` are shown at the end, so
that the scrollback stays usable. All of it is in the run's directory, in full.
"""

import codecs
import re
from collections import deque
from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text

from runbook.audit.escapes import inert
from runbook.drivers.terminal.screen import Screen

HEAD, TAIL = 300, 20
_LONGEST = 2_000
"""Characters after which a line that does not end is cut into two."""
_BREAK = re.compile(r"\r\n|\n|\r(?!\Z)")
_MARGINS = {"stdout": ("│ ", "| "), "stderr": ("╎ ", "! ")}
_CONTROLS = re.compile(r"\x1b\[[0-9;:]*m")
"""Colours of a program's own: shown as text they would only be noise."""


class LiveOutput:
    """The output of one attempt."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._decoders: dict[str, codecs.IncrementalDecoder] = {}
        self._rest: dict[str, str] = {}
        self._tail: deque[tuple[str, str]] = deque(maxlen=TAIL)
        self.lines = 0
        self.sizes: dict[str, int] = {}

    def feed(self, stream: str, chunk: bytes) -> None:
        """Show a piece."""
        self.sizes[stream] = self.sizes.get(stream, 0) + len(chunk)
        decoder = self._decoders.setdefault(stream, codecs.getincrementaldecoder("utf-8")("replace"))
        text = self._rest.get(stream, "") + decoder.decode(chunk)
        *whole, rest = _BREAK.split(text)
        cut = len(rest) - len(rest) % _LONGEST
        whole += [rest[start : start + _LONGEST] for start in range(0, cut, _LONGEST)]
        rest = rest[cut:]
        self._rest[stream] = rest
        for line in whole:
            self._line(stream, line)

    def begun(self) -> str:
        """The line that has begun and has not ended, if there is one: a program may be waiting behind it."""
        return next((rest for rest in reversed(self._rest.values()) if rest.strip()), "")

    def end(self) -> None:
        """It is over: show what was kept back."""
        for stream, rest in self._rest.items():
            if rest.strip("\r"):
                self._line(stream, rest.rstrip("\r"))
        self._rest.clear()
        hidden = self.lines - HEAD - len(self._tail)
        if hidden > 0:
            self._screen.say(f"… {hidden} lines are not shown here", style="dim", indent=2)
        for stream, line in self._tail:
            self._show(stream, line)
        self._tail.clear()

    def _line(self, stream: str, line: str) -> None:
        self.lines += 1
        if self.lines <= HEAD:
            self._show(stream, line)
        else:
            self._tail.append((stream, line))

    def _show(self, stream: str, line: str) -> None:
        margin = _MARGINS.get(stream, _MARGINS["stdout"])[self._screen.plain]
        text = inert(_CONTROLS.sub("", line).expandtabs(8))
        width = self._screen.columns - 2 - len(margin)
        for piece in _pieces(text, width):
            self._screen.exactly(Text.assemble((f"  {margin}", "dim"), piece))


def _pieces(text: str, width: int) -> Iterator[str]:
    """A line cut to so many cells a piece; at least one piece."""
    if text.isascii():
        yield text[:width]
        for start in range(width, len(text), width):
            yield text[start : start + width]
        return
    piece, used = "", 0
    for character in text:
        size = cell_len(character)
        if used + size > width:
            yield piece
            piece, used = "", 0
        piece, used = piece + character, used + size
    yield piece

"""What a screen shows, where there is no terminal: a line each, not wrapped, without colours or a bottom row."""

from typing import TextIO

from rich.text import Text

from runbook.drivers.terminal.presence import Presence
from runbook.drivers.terminal.screen import Screen, styled

_WIDE = 100_000
"""Cells that no line takes: programs read it, and each line of theirs is one here."""


class Paper(Screen):
    """A stream as it is written to; a line is there at once, for whoever reads from the other end of a pipe."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(Presence(plain=True, colour=False))
        self._stream = stream

    @property
    def columns(self) -> int:
        """More than any line takes."""
        return _WIDE

    def say(self, text: str | Text = "", *, style: str = "", indent: int = 0, first: str | Text = "") -> None:
        """Write prose in one line."""
        del style
        body = styled(text) if isinstance(text, str) else text
        lead = styled(first) if isinstance(first, str) else first
        line = " ".join(body.plain.split())
        self._put(Text(f"{lead.plain:<{indent}}{line}" if line else ""))

    def _painted(self, text: Text) -> str:
        return text.plain

    def _emit(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

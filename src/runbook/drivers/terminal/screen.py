"""What is written to the terminal: lines that scroll away, and one row at the bottom that may change.

Rules. Nothing is ever erased but the bottom row. A text from anywhere is made inert before it is written; escape
sequences are only ours. On a plain terminal there are none: the bottom row is written once, and again behind what was
said in between. What cannot be written any more (the terminal is gone) is let go: the walk notices when it asks.
"""

import io
import os
import select
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeAlias

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from runbook.audit.escapes import inert
from runbook.drivers.terminal.presence import Presence

WIDEST = 100
"""Cells after which prose is wrapped however wide the terminal is."""
NARROWEST = 20
_CLEAR = "\r\x1b[K"
Row: TypeAlias = Callable[[int], tuple[Text, int | None]]
"""The bottom row in so many cells: its text, and the cell of the cursor where it has one."""


def styled(text: str, style: str = "") -> Text:
    """A text from anywhere, inert."""
    return Text(inert(text), style=style)


def one_line(text: str) -> str:
    """A text for a place that has one line."""
    return " ".join(text.split())


class Screen:
    """The terminal as it is written to."""

    def __init__(self, presence: Presence) -> None:
        self._fd = presence.output
        self.plain = presence.plain
        self._console = Console(
            file=io.StringIO(),
            force_terminal=not presence.plain or presence.colour,
            color_system="standard" if not presence.plain or presence.colour else None,
            no_color=not presence.colour,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
            width=80,
            height=25,
        )
        self._row: Row | None = None
        self._blank = True

    @property
    def columns(self) -> int:
        """How many cells a row has now."""
        try:
            found = os.get_terminal_size(self._fd).columns
        except OSError:
            found = 0
        return max(found or 80, NARROWEST)

    def say(self, text: str | Text = "", *, style: str = "", indent: int = 0, first: str | Text = "") -> None:
        """Write prose, wrapped between words; its lines begin ``indent`` cells in, the first with ``first``."""
        body = styled(text, style) if isinstance(text, str) else text
        lead = styled(first) if isinstance(first, str) else first
        indent = max(indent, lead.cell_len)
        width = max(min(self.columns, WIDEST) - indent, NARROWEST // 2)
        lines = body.wrap(self._console, width) or [Text()]
        shown = []
        for number, line in enumerate(lines):
            line.rstrip()
            start = Text().append_text(lead) if number == 0 else Text()
            start.append(" " * (indent - start.cell_len))
            shown.append((start + line) if line.plain or number == 0 else Text())
        self._put(Text("\n").join(shown))

    def items(self, items: Iterable[Text], *, style: str = "", indent: int = 0, between: str = " · ") -> None:
        """Write short items behind each other, with a sign between two; one is wrapped only if a line is too short."""
        width = min(self.columns, WIDEST) - indent
        line = Text(style=style)
        for item in items:
            if line.plain and line.cell_len + item.cell_len + cell_len(between) > width:
                self.say(line, indent=indent)
                line = Text(style=style)
            line.append(between if line.plain else "").append_text(item)
        if line.plain:
            self.say(line, indent=indent)

    def exactly(self, text: str | Text, *, style: str = "", indent: int = 0) -> None:
        """Write something that must stay as it is: the terminal wraps its lines, so that they can be copied."""
        body = styled(text, style) if isinstance(text, str) else text
        margin = " " * indent
        self._put(Text("\n").join(Text(margin if line.plain else "") + line for line in body.split("\n")))

    def rule(self, left: Text, right: Text) -> None:
        """Write a heading between two ends of a line; on a narrow terminal one below the other."""
        width = min(self.columns, WIDEST)
        if self.plain:
            self.say(left)
            self.say(right)
            return
        fill = width - left.cell_len - right.cell_len - 8
        if fill < 2:
            fill = max(width - left.cell_len - 4, 0)
            head = Text.assemble(left, (" " + "─" * fill, "dim")) if fill else left
            self.say(head, first=Text("── ", style="dim"))
            self.say(right)
            return
        self._put(Text.assemble(("── ", "dim"), left, (" " + "─" * fill + " ", "dim"), right, (" ──", "dim")))

    def set_row(self, row: Row | None) -> None:
        """Have a row at the bottom, another one, or none any more."""
        if self.plain and row == self._row:
            return  # it stands there already
        if self._row is not None and not self.plain:
            self._emit(_CLEAR)
        self._row = row
        if row is not None:
            self._emit(self._bottom())

    def redraw(self) -> None:
        """Draw the bottom row again, because it says something else now; a plain terminal leaves it as it is."""
        if self._row is not None and not self.plain:
            self._emit(_CLEAR + self._bottom())

    def drop_row(self) -> None:
        """Have no bottom row any more, and nothing left of it where that is possible."""
        if self._row is not None and self.plain:
            self._emit("\n")
        self.set_row(None)

    def finish_row(self, text: Text) -> None:
        """Let the bottom row scroll away as this text."""
        had, self._row = self._row, None
        if had is not None:
            self._blank = False
            self._emit("\n" if self.plain else f"{_CLEAR}{self._painted(text)}\n")

    def typed(self, text: str) -> None:
        """Write to the end of the bottom row of a plain terminal."""
        self._emit(text)

    def renew(self) -> None:
        """Write the bottom row of a plain terminal once more, on a row of its own."""
        self._emit("\n" + self._bottom())

    def _put(self, text: Text) -> None:
        if self._blank and not text.plain:
            return  # one empty line is enough
        self._blank = not text.plain
        body = self._painted(text) + "\n"
        if self._row is None:
            self._emit(body)
        else:
            self._emit(("\n" if self.plain else _CLEAR) + body + self._bottom())

    def _bottom(self) -> str:
        if self._row is None:
            return ""
        columns = self.columns
        text, cursor = self._row(columns)
        if self.plain:
            return self._painted(text)
        if text.cell_len >= columns:
            text = text[: len(set_cell_size(text.plain, columns - 1).rstrip())]
        move = "" if cursor is None or cursor >= text.cell_len else f"\r\x1b[{cursor}C" if cursor else "\r"
        return self._painted(text) + move

    def _painted(self, text: Text) -> str:
        """A text with our escape sequences in it; it is not wrapped here."""
        with self._console.capture() as capture:
            self._console.print(text, soft_wrap=True, end="")
        return capture.get()

    def _emit(self, text: str) -> None:
        data = memoryview(text.encode("utf-8", "replace"))
        with suppress(OSError):  # there is no terminal any more
            while data:
                try:
                    data = data[os.write(self._fd, data) :]
                except BlockingIOError:  # somebody who shares the terminal made it so
                    select.select([], [self._fd], [])


def cells(text: str) -> int:
    """How many cells a text takes, made inert."""
    return cell_len(inert(text))

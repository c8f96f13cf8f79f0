"""Renders diagnostics: a frame with the line and a caret under it, one line, JSON.

A frame keeps to a width in columns, also where a character takes two of them or none. What the file or the message
holds of control characters and other hidden ones is shown as an escape and never reaches the terminal.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from runbook.language.characters import hidden_in
from runbook.language.lines import Lines
from runbook.model.diagnostics import Diagnostic, Severity

_TAB = 4
_LEAST = 20
_LOOKED_AT = 1_000
_CUT = "…"
_COLOURS = {Severity.ERROR: "1;31", Severity.WARNING: "1;33"}
_STRONG, _QUIET, _HELP = "1", "1;34", "1;36"


def frame(diagnostic: Diagnostic, text: str, *, width: int = 80, colour: bool = False) -> str:
    """A diagnostic as several lines: what, where, the line with a caret under it, and what to do.

    :param text: the file's text; empty where there is none to show.
    :param width: how many columns there are; only a path or a single word may be wider.
    :param colour: with ANSI colours.
    """
    return "\n".join(_Frame(diagnostic, text, width, colour=colour).lines())


def one_line(diagnostic: Diagnostic) -> str:
    """A diagnostic as one line, ``file:line:column: error RB104 message; help``."""
    place = _place(diagnostic)
    said = f"{diagnostic.severity.value} {diagnostic.code.number} {visible(diagnostic.message)}"
    return (f"{place}: " if place else "") + said + (f"; {visible(diagnostic.help)}" if diagnostic.help else "")


def as_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Diagnostics as the fixed JSON form, in ASCII: ``{"diagnostics": […]}``."""
    return json.dumps({"diagnostics": [diagnostic.as_json() for diagnostic in diagnostics]}, indent=2)


def visible(text: str) -> str:
    r"""A text in which what would not be seen is: a line break as ``\n``, an escape character as ``\x1b``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character]
    if hidden_in(character) is None:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _columns(character: str) -> int:
    """How many columns a visible character takes."""
    if character.isascii():
        return 1
    import unicodedata  # not before there is something to ask

    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def columns(text: str) -> int:
    """How many columns a visible text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _place(diagnostic: Diagnostic) -> str:
    parts = [visible(diagnostic.file)] if diagnostic.file is not None else []
    if diagnostic.span:
        parts += [str(diagnostic.span.line), str(diagnostic.span.column)]
    return ":".join(parts)


def wrapped(text: str, width: int) -> Iterator[str]:
    """A text in lines of that many columns; a wider word has a line for itself."""
    line = ""
    for word in text.split(" "):
        if line and columns(line) + 1 + columns(word) > width:
            yield line.rstrip()
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


@dataclass(frozen=True, slots=True)
class _Cell:
    """What is shown for one character of the line, and how wide it is."""

    shown: str
    width: int


@lru_cache(maxsize=2)
def _rows(text: str) -> Lines:
    """The lines of a text, counted once for all its diagnostics."""
    return Lines(text)


def _cells(line: str) -> Sequence[_Cell]:
    cells: list[_Cell] = []
    at = 0
    for character in line:
        shown = " " * (_TAB - at % _TAB) if character == "\t" else visible(character)
        cells.append(_Cell(shown, columns(shown)))
        at += cells[-1].width
    return cells


class _Frame:
    """One diagnostic on its way to lines."""

    def __init__(self, diagnostic: Diagnostic, text: str, width: int, *, colour: bool) -> None:
        self.diagnostic = diagnostic
        self.colour = colour
        self.rows = _rows(text)
        self.span = diagnostic.span if text and diagnostic.span else None
        self.margin = len(str(self.span.line)) if self.span else 1
        self.width = max(width, self.margin + 3 + _LEAST)

    def painted(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colour and text else text

    def gutter(self, sign: str = "|", number: str = "") -> str:
        return self.painted(_QUIET, f"{number:>{self.margin}} {sign}")

    def lines(self) -> Iterator[str]:
        """All lines of the frame."""
        yield from self.headline()
        if place := _place(self.diagnostic):
            yield f"{' ' * self.margin}{self.painted(_QUIET, '-->')} {place}"
        if self.span:
            yield self.gutter()
            yield from self.excerpt(self.span.line, self.span.column - 1)
        if self.diagnostic.help:
            if self.span:
                yield self.gutter()
            yield from self.help()

    def headline(self) -> Iterator[str]:
        severity = self.diagnostic.severity
        head = f"{severity.value}[{self.diagnostic.code.number}]"
        first, *more = wrapped(f"{head}: {visible(self.diagnostic.message)}", self.width)
        rest = first.removeprefix(head)
        yield self.painted(_COLOURS[severity], head) + self.painted(_STRONG, rest)
        for line in wrapped(" ".join(more), self.width - 2) if more else ():
            yield "  " + self.painted(_STRONG, line)

    def excerpt(self, number: int, start: int) -> Iterator[str]:
        """The line that is meant, as much of it as fits, and the carets under it."""
        row = self.rows.line(number)
        span, room = self.span, self.width - self.margin - 3
        end = span.end_column - 1 if span and span.end_line == number else len(row)
        # This much of a line of megabytes is enough to look at.
        skipped = max(0, start - _LOOKED_AT)
        cells = _cells(row[skipped : start + _LOOKED_AT])
        start, end = start - skipped, end - skipped
        first, last = _window(cells, min(start, len(cells)), end, room)
        before = _CUT if skipped or first else ""
        after = _CUT if skipped + last < len(row) else ""
        shown = before + "".join(cell.shown for cell in cells[first:last]) + after
        yield f"{self.gutter(number=str(number))} {shown}".rstrip()
        left = len(before) + sum(cell.width for cell in cells[first:start])
        carets = max(1, sum(cell.width for cell in cells[start : min(end, last)]))
        yield from self.carets(left, carets, room)

    def carets(self, left: int, count: int, room: int) -> Iterator[str]:
        colour = _COLOURS[self.diagnostic.severity]
        label = visible(self.diagnostic.label)
        marks = "^" * count
        if columns(label) + 1 <= room - left - count:
            yield f"{self.gutter()} {' ' * left}{self.painted(colour, f'{marks} {label}'.rstrip())}"
            return
        yield f"{self.gutter()} {' ' * left}{self.painted(colour, marks)}"
        left = min(left, max(0, room - columns(label)))
        for line in wrapped(label, room - left):
            yield f"{self.gutter()} {' ' * left}{self.painted(colour, line)}"

    def help(self) -> Iterator[str]:
        head = f"{self.gutter('=')} {self.painted(_HELP, 'help')}: "
        indent = " " * (self.margin + 9)
        for line in wrapped(visible(self.diagnostic.help), self.width - self.margin - 9):
            yield head + line
            head = indent


def _window(cells: Sequence[_Cell], start: int, end: int, room: int) -> tuple[int, int]:
    """Which characters of a line to show where not all fit: those from ``start`` to ``end``, or the first of them."""
    if sum(cell.width for cell in cells) <= room:
        return 0, len(cells)
    room -= 2 * len(_CUT)
    first = last = start
    # As much of what is meant as fits, then what stands behind and before it in turn.
    while last < min(end, len(cells)) and cells[last].width <= room:
        room -= cells[last].width
        last += 1
    grown = True
    while grown:
        grown = False
        if first > 0 and cells[first - 1].width <= room:
            first -= 1
            room -= cells[first].width
            grown = True
        if last < len(cells) and cells[last].width <= room:
            room -= cells[last].width
            last += 1
            grown = True
    return first, last

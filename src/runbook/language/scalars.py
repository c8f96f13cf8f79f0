"""How a text was written, and where each of its characters stands in the file."""

import re
from enum import Enum
from typing import NamedTuple

_BLANK = " \t\r\n"
_BLANK_ESCAPES = frozenset({"\\n", "\\t", "\\r", "\\ ", "\\\t"})
_CHARACTER = {'"': r"(?s)\\(?:x..|u.{4}|U.{8}|\r?\n[ \t]*|.)|.", "'": r"(?s)''|."}


class Style(Enum):
    """How a scalar is written."""

    PLAIN = "plain"
    SINGLE_QUOTED = "'"
    DOUBLE_QUOTED = '"'
    LITERAL = "|"
    FOLDED = ">"


class Scalar(NamedTuple):
    """A scalar as it is written: its style, and the file's own characters, with quotes or the sign of a block."""

    style: Style
    raw: str


def style_of(raw: str) -> Style:
    """The style of a scalar that is written so."""
    return Style(raw[0]) if raw[:1] in ("'", '"', "|", ">") and raw else Style.PLAIN


def place_inside(raw: str, value: str, index: int) -> tuple[int, int]:
    """Where in a scalar's own characters the character of its value begins and ends; behind the last one, its end.

    Folding, indentation and escapes change white space and add backslashes, but keep the other characters and their
    order; so those are counted. White space itself is found from its neighbour on the same line.
    """
    rest = value[index:]
    skipped = len(rest) - len(rest.lstrip(" \t"))
    if rest[skipped:] and rest[skipped] not in _BLANK:
        begin, end = _solid(raw, _solids(value[:index]))
        return (begin, end) if skipped == 0 else (begin - skipped, begin - skipped + 1)
    before = value[:index].rstrip(" \t")
    end = _solid(raw, _solids(before) - 1)[1] + index - len(before) if before.strip() else _begin(raw)
    return min(end, len(raw)), min(end + 1, len(raw))


def _solids(text: str) -> int:
    """How many characters of a text are no white space."""
    return len(text) - sum(map(text.count, _BLANK))


def _begin(raw: str) -> int:
    """Where the value itself begins."""
    match style_of(raw):
        case Style.PLAIN:
            return 0
        case Style.SINGLE_QUOTED | Style.DOUBLE_QUOTED:
            return 1
        case Style.LITERAL | Style.FOLDED:
            return raw.find("\n") + 1


def _solid(raw: str, number: int) -> tuple[int, int]:
    """Where the value's character of this number, from 0 and without white space, begins and ends."""
    begin = _begin(raw)
    for match in re.compile(_CHARACTER.get(raw[0], r"(?s).")).finditer(raw, begin):
        written = match[0]
        if written in _BLANK or written in _BLANK_ESCAPES or written[:2] in ("\\\n", "\\\r"):
            continue
        if number == 0:
            return match.span()
        number -= 1
    return begin, begin
